"""A finished transcript as a value, and how it comes from the results of chunks.

Owns: what a transcript consists of, how its text is joined, its confidence, and when it counts as partial. Leaves to
others: decoding (`whisperd.worker`), keeping it (`whisperd.store`), file formats (`render`) and files (`writer`).
"""

import math
from collections.abc import Iterable, Sequence

import msgspec

from whisperd import frames

TOLERATED_LOSS = 1.0
"""Seconds that may be missing, besides `TOLERATED_SHARE` of the duration, before a transcript counts as partial: the
end of a compressed file is routinely off by a packet or an encoder's padding."""

TOLERATED_SHARE = 0.01

PLACES_NAMED = 5
"""Places of speech without words that a note names."""


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """What was said in one audio source. All times are seconds.

    `confidence` is the mean of exp(avg_logprob) over the segments weighted by their durations, from 0 to 1; 0 when
    there are none. `missing` is the audio that could not be decoded; `partial` says that this is more than rounding,
    or that decoding ended early. `unheard` is the speech that no words were found for, though it was decoded more than
    once. `device` is where the model ran. `notes` are sentences for the person about how the
    result came to be, such as a smaller model taken for want of memory.
    """

    text: str
    segments: tuple[frames.Segment, ...]
    language: str | None
    language_probability: float
    confidence: float
    duration: float
    processing_time: float
    model: str
    device: str
    partial: bool = False
    missing: float = 0.0
    unheard: float = 0.0
    notes: tuple[str, ...] = ()


def assemble(
    results: Iterable[frames.ChunkResult],
    *,
    language: str | None,
    language_probability: float,
    duration: float,
    processing_time: float,
    model: str,
    device: str,
    missing: float = 0.0,
    ended_early: bool = False,
    notes: tuple[str, ...] = (),
) -> Transcript:
    """The transcript of chunks that were decoded in any order; `ended_early` when decoding gave up before the end."""
    in_time = sorted(results, key=lambda result: result.chunk.start)
    segments = tuple(segment for result in in_time for segment in result.segments)
    unheard = [stretch for result in in_time for stretch in result.unheard]
    return Transcript(
        text=joined_text(segments),
        segments=segments,
        language=language,
        language_probability=language_probability,
        confidence=mean_confidence(segments),
        duration=duration,
        processing_time=processing_time,
        model=model,
        device=device,
        partial=ended_early or loses_too_much(missing, duration),
        missing=missing,
        unheard=round(math.fsum(end - start for start, end in unheard), 3),
        notes=(*notes, *_said_of(unheard)),
    )


def _said_of(unheard: Sequence[tuple[float, float]]) -> tuple[str, ...]:
    """The note on speech without words: how much, and where the first of it is."""
    if not unheard:
        return ()
    seconds = math.fsum(end - start for start, end in unheard)
    places = ", ".join(_clock(start) for start, _ in unheard[:PLACES_NAMED])
    more = f" and {len(unheard) - PLACES_NAMED} more" if len(unheard) > PLACES_NAMED else ""
    return (f"no words were found for {seconds:.1f} s of what sounds like speech, at {places}{more}",)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def joined_text(segments: Iterable[frames.Segment]) -> str:
    """The segments' texts one after the other, as the reference implementation joins them: the models write the space
    between words at the beginning of a text, and none where the script has none."""
    return "".join(segment.text for segment in segments).strip()


def mean_confidence(segments: Sequence[frames.Segment]) -> float:
    """Mean confidence weighted by duration; segments without any duration count alike; 0 without segments."""
    if not segments:
        return 0.0
    weights = [max(segment.end - segment.start, 0.0) for segment in segments]
    total = math.fsum(weights)
    if total <= 0:
        weights, total = [1.0] * len(segments), float(len(segments))
    mean = math.fsum(s.confidence * weight for s, weight in zip(segments, weights, strict=True)) / total
    return min(max(mean, 0.0), 1.0)


def loses_too_much(missing: float, duration: float) -> bool:
    """Whether `missing` of `duration` seconds is more than the loss that any file may have."""
    return missing > TOLERATED_LOSS + TOLERATED_SHARE * duration
