"""From a decoded text to the one that a person gets: the text rules, then the person's own filter.

Owns: their order, and that a recording which became a job (the daemon was killed, or the model failed twice) is given
the same. Leaves to others: the rules (`rules`), running the filter (`filter`).
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from whisperd.config.current import Current
from whisperd.config.dictation import RuleSettings
from whisperd.dictation import rules
from whisperd.dictation.filter import run_filter
from whisperd.jobs.job import Kind
from whisperd.store.jobs import JobRow
from whisperd.transcripts.transcript import Transcript
from whisperd.wire.types import ErrorData


async def finish(transcript: Transcript, chosen: RuleSettings, before: str = "") -> tuple[str, ErrorData | None]:
    """The transcript's text as it is to stand after `before`, and what was wrong with the filter."""
    text = rules.finish(transcript.text, transcript.language, chosen, before)
    if not chosen.filter or not text:
        return text, None
    text, problem = await run_filter(chosen.filter, text, chosen.filter_timeout)
    return text, ErrorData("filter", retryable=True, message=problem) if problem else None


def finish_recordings(current: Current, folder: Path) -> Callable[[JobRow, Transcript], Awaitable[Transcript]]:
    """What a job's transcript becomes before it is stored: that of a recording below `folder` is finished, any other
    stays as it is."""
    below = os.fsencode(folder) + b"/"

    async def finished(job: JobRow, transcript: Transcript) -> Transcript:
        if job.kind is not Kind.DICTATION or not job.path.startswith(below):
            return transcript
        text, problem = await finish(transcript, current.settings.rules)
        notes = (*transcript.notes, problem.message) if problem else transcript.notes
        return msgspec.structs.replace(transcript, text=text, notes=notes)

    return finished
