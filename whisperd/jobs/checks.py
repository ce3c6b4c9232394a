"""What a run checks before and while it computes; each check raises RunFailedError with what to do. Pure.

Owns: these rules and their words. Leaves to others: the run (`whisperd.transcription`), what failing means for the job
(`whisperd.jobs.retry`).
"""

from whisperd.frames import FailureKind, FileIdentity, Loaded, Task
from whisperd.jobs.job import Failure


class RunFailedError(Exception):
    """The run can't go on for a reason found here, not by the worker."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def same_content(known: FileIdentity | None, found: FileIdentity) -> None:
    """A run that goes on does so with the file that it began with; `known` None: it has not begun."""
    if known is not None and not known.same_content(found):
        raise RunFailedError(
            Failure(
                FailureKind.INPUT_CHANGED,
                "the file's content changed after its transcription had begun",
                "submit it again to transcribe what it holds now",
            )
        )


def languages(loaded: Loaded, model: str, language: str | None, task: Task, *, multilingual: bool) -> None:
    """A model that turns out to know English only is not given other speech, which it would write as English."""
    if loaded.multilingual or (language in (None, "en") and task is Task.TRANSCRIBE and not multilingual):
        return
    asked = "does not translate" if task is Task.TRANSLATE else "was asked for other speech"
    raise RunFailedError(
        Failure(
            FailureKind.BAD_INPUT,
            f'the model "{model}" turned out to know English only, and {asked}',
            "submit it again with a multilingual model such as small, or leave the choice to auto",
        )
    )


def length(duration: float | None, longest: float | None) -> None:
    """A dictation has at most `longest` seconds of audio; None: there is no limit, or the length is not known yet."""
    if longest is not None and duration is not None and duration > longest:
        raise RunFailedError(
            Failure(
                FailureKind.BAD_INPUT,
                f"this is {duration:.0f} s of audio, and a dictation may have {longest:.0f} s",
                "submit it as a file, or raise dictation.max_length in the configuration",
            )
        )


def computing(processing_time: float, limit: float | None) -> None:
    """A job takes at most `limit` seconds of computing in all its runs; None: there is no limit."""
    if limit is not None and processing_time > limit:
        raise RunFailedError(
            Failure(
                FailureKind.TIMEOUT,
                f"the job took more than the {limit:.0f} s of computing that a job may take",
                "raise workers.max_job_seconds in the configuration and retry: it goes on where it ended",
            )
        )
