"""What a run does not begin with, or go on with, and what the person is told."""

import msgspec
import pytest

from whisperd.frames import FailureKind, FileIdentity, Loaded, Task
from whisperd.jobs import checks
from whisperd.jobs.checks import RunFailedError

FILE = FileIdentity(device=1, inode=2, size=3, mtime_ns=4, digest="a")


def test_a_run_goes_on_with_a_file_that_was_only_moved_or_touched() -> None:
    checks.same_content(None, FILE)
    checks.same_content(FILE, msgspec.structs.replace(FILE, device=9, inode=9, mtime_ns=9))


def test_a_run_does_not_go_on_with_other_content() -> None:
    for other in (msgspec.structs.replace(FILE, digest="b"), msgspec.structs.replace(FILE, size=4)):
        with pytest.raises(RunFailedError, match="content changed") as error:
            checks.same_content(FILE, other)
        assert error.value.failure.kind is FailureKind.INPUT_CHANGED


def loaded(*, multilingual: bool) -> Loaded:
    return Loaded("f", "ctranslate2", "cpu", "int8", 2, multilingual, 0.1)


@pytest.mark.parametrize("language", [None, "en", "de"])
def test_a_model_with_languages_is_given_any(language: str | None) -> None:
    checks.languages(loaded(multilingual=True), "mine", language, Task.TRANSLATE, multilingual=True)


@pytest.mark.parametrize(
    ("language", "task", "multilingual", "told"),
    [
        (None, Task.TRANSCRIBE, False, None),
        ("en", Task.TRANSCRIBE, False, None),
        ("de", Task.TRANSCRIBE, False, "was asked for other speech"),
        (None, Task.TRANSCRIBE, True, "was asked for other speech"),
        ("en", Task.TRANSLATE, False, "does not translate"),
    ],
)
def test_a_model_that_turns_out_to_be_english_never_writes_other_speech_as_english(
    language: str | None, task: Task, multilingual: bool, told: str | None
) -> None:
    if told is None:
        checks.languages(loaded(multilingual=False), "mine", language, task, multilingual=multilingual)
        return
    with pytest.raises(RunFailedError, match=f'"mine" turned out to know English only, and {told}') as error:
        checks.languages(loaded(multilingual=False), "mine", language, task, multilingual=multilingual)
    assert error.value.failure.kind is FailureKind.BAD_INPUT
    assert error.value.failure.hint


@pytest.mark.parametrize(("duration", "longest"), [(None, 600.0), (600.0, 600.0), (7_200.0, None), (None, None)])
def test_a_length_that_is_allowed_or_not_known(duration: float | None, longest: float | None) -> None:
    checks.length(duration, longest)


def test_a_dictation_that_is_too_long_is_refused_with_what_to_do() -> None:
    with pytest.raises(RunFailedError, match=r"this is 601 s of audio, and a dictation may have 600 s") as error:
        checks.length(601.0, 600.0)
    assert error.value.failure.kind is FailureKind.BAD_INPUT
    assert "submit it as a file" in (error.value.failure.hint or "")


def test_a_job_is_ended_once_it_took_more_than_its_limit() -> None:
    checks.computing(1e9, None)
    checks.computing(60.0, 60.0)
    with pytest.raises(RunFailedError, match="more than the 60 s of computing") as error:
        checks.computing(60.1, 60.0)
    assert error.value.failure.kind is FailureKind.TIMEOUT
