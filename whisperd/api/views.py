"""How rows look on the wire.

Owns: turning stored jobs, transcripts and events, with what is known of running ones, into the types of
`whisperd.wire`. Pure.
"""

from collections.abc import Mapping

import msgspec

from whisperd.jobs.job import State
from whisperd.live import Live
from whisperd.store.events import StoredEvent
from whisperd.store.jobs import JobRow
from whisperd.transcripts.transcript import Transcript
from whisperd.wire.job import FailureView, JobView, QueueCounts, StoryEntry, TranscriptView
from whisperd.wire.paths import to_wire
from whisperd.wire.times import iso8601


class Situation(msgspec.Struct, frozen=True):
    """What is known of a job besides its row: of a running one its live progress, of a queued one its prospects."""

    live: Live | None = None
    place: int | None = None
    starts_in: float | None = None
    hold: str | None = None


def job_view(row: JobRow, situation: Situation) -> JobView:
    """A job as clients see it."""
    path, path_b64 = to_wire(row.path)
    live = situation.live
    done = live.done if live else row.done
    duration = live.duration if live and live.duration else row.duration
    error = row.error
    return JobView(
        id=row.id,
        kind=row.kind,
        state=row.state,
        path=path,
        path_b64=path_b64,
        created_at=iso8601(row.created_at),
        options=row.options,
        stage=live.stage if live else None,
        progress=_progress(row.state, done, duration),
        done=round(done, 3),
        duration=duration,
        speed=round(live.speed, 2) if live and live.speed else None,
        eta=round(live.eta, 1) if live and live.eta is not None else None,
        place=situation.place,
        starts_in=None if situation.starts_in is None else round(situation.starts_in, 1),
        hold=situation.hold,
        priority=row.priority.name.lower(),
        attempts=row.attempts,
        error=FailureView(error.kind, error.message, error.hint) if error else None,
        key=row.key,
        started_at=_time(row.started_at),
        finished_at=_time(row.finished_at),
        retry_at=_time(row.retry_at),
        model=row.model,
        device=row.device,
        language=row.language,
        processing_time=round(row.processing_time, 3),
        partial=row.partial,
        missing=row.missing,
        unheard=row.unheard,
        confidence=row.confidence,
        outputs=list(row.outputs),
        outputs_retry_at=_time(row.outputs_due_at),
        notes=list(row.notes),
        size=row.size,
        batch=row.batch,
    )


def queue_counts(counts: Mapping[State, int]) -> QueueCounts:
    return QueueCounts(**{state.value: count for state, count in counts.items()})


def transcript_view(transcript: Transcript) -> TranscriptView:
    return msgspec.convert(msgspec.structs.asdict(transcript), TranscriptView, from_attributes=True)


def story_entry(event: StoredEvent) -> StoryEntry:
    return StoryEntry(seq=event.seq, at=iso8601(event.at), event=event.topic, data=event.data)


def _progress(state: State, done: float, duration: float | None) -> float:
    if state is State.COMPLETED:
        return 1.0
    return round(min(1.0, done / duration), 4) if duration else 0.0


def _time(at: float | None) -> str | None:
    return None if at is None else iso8601(at)
