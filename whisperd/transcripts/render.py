r"""Transcripts as file contents: plain text, SubRip, WebVTT, JSON and tab-separated values.

Owns: the five formats, as pure functions from `Transcript` to `str` (to be encoded as UTF-8). Leaves to others:
assembling the transcript (`transcript`) and putting it into a file (`writer`).

The conventions are those of the reference implementation's writers, so that what reads its files reads these: field
names, one segment a line or cue, `-->` inside a text written as `->`, SubRip with hours and WebVTT with hours only
where there are any, milliseconds in TSV. Beyond them, each file is valid for any text: line breaks and control
characters inside a segment become one space (a blank line would end a cue), `&` and `<` are escaped in WebVTT, a cue
lasts at least a millisecond (WebVTT demands it, players drop the others), and segments without text appear in JSON
only.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from whisperd.frames import Segment, Word
from whisperd.jobs.job import Format
from whisperd.transcripts.transcript import Transcript

TEMPERATURE: Final = 0.0
"""The reference implementation's field for the sampling temperature; whisperd's decoding samples nothing."""

# C0 and C1 control characters, with the line breaks among them, and Unicode's own line and paragraph separators.
_BREAKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Two dashes or more: replacing "-->" in "--->" alone would leave another one.
_ARROW: Final = re.compile(r"-{2,}>")


def render(transcript: Transcript, form: Format) -> str:
    """The content of the transcript's file in a format; ends in a line break unless it is empty."""
    match form:
        case Format.TXT:
            return "".join(f"{text}\n" for _, text in _spoken(transcript))
        case Format.SRT:
            return "\n".join(_srt_cues(transcript))
        case Format.VTT:
            return "\n".join(("WEBVTT\n", *_vtt_cues(transcript)))
        case Format.TSV:
            return "".join(("start\tend\ttext\n", *_tsv_rows(transcript)))
        case Format.JSON:
            return _json(transcript)


def one_line(text: str) -> str:
    """The text without line breaks, control characters and surrounding space."""
    return " ".join(filter(None, map(str.strip, _BREAKS.split(text))))


def timestamp(milliseconds: int, *, separator: str, hours: bool) -> str:
    """`[HH:]MM:SS` and the milliseconds after `separator`; with hours always, or only from one hour on."""
    minutes, rest = divmod(milliseconds, 60_000)
    hour, minute = divmod(minutes, 60)
    prefix = f"{hour:02d}:" if hours or hour else ""
    return f"{prefix}{minute:02d}:{rest // 1_000:02d}{separator}{rest % 1_000:03d}"


def _milliseconds(seconds: float) -> int:
    return max(round(seconds * 1_000), 0)


def _spoken(transcript: Transcript) -> Iterator[tuple[Segment, str]]:
    """Segments that have a text to show, with that text on one line."""
    for segment in transcript.segments:
        if text := one_line(segment.text):
            yield segment, text


def _cues(transcript: Transcript) -> Iterator[tuple[int, int, str]]:
    """Start and end in milliseconds, end after start, and a text that no cue parser takes for a cue's timing."""
    for segment, text in _spoken(transcript):
        start = _milliseconds(segment.start)
        yield start, max(_milliseconds(segment.end), start + 1), _ARROW.sub("->", text)


def _srt_cues(transcript: Transcript) -> Iterator[str]:
    for number, (start, end, text) in enumerate(_cues(transcript), start=1):
        since, until = (timestamp(time, separator=",", hours=True) for time in (start, end))
        yield f"{number}\n{since} --> {until}\n{text}\n"


def _vtt_cues(transcript: Transcript) -> Iterator[str]:
    for start, end, text in _cues(transcript):
        since, until = (timestamp(time, separator=".", hours=False) for time in (start, end))
        yield f"{since} --> {until}\n{text.replace('&', '&amp;').replace('<', '&lt;')}\n"


def _tsv_rows(transcript: Transcript) -> Iterator[str]:
    for segment, text in _spoken(transcript):  # a tab is a control character: `text` has none
        yield f"{_milliseconds(segment.start)}\t{_milliseconds(segment.end)}\t{text}\n"


# -- JSON (a number that is not finite becomes null) ------------------------------------------------------------------


class _SegmentDocument(msgspec.Struct, frozen=True):
    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: tuple[int, ...]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float
    confidence: float
    words: tuple[Word, ...] | msgspec.UnsetType = msgspec.UNSET


class _Document(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    segments: list[_SegmentDocument]
    language: str | None
    language_probability: float
    confidence: float
    duration: float
    processing_time: float
    model: str
    device: str
    partial: bool
    missing: float
    unheard: float
    notes: tuple[str, ...]


def _json(transcript: Transcript) -> str:
    document = _Document(
        text=transcript.text,
        segments=[_segment_document(number, segment) for number, segment in enumerate(transcript.segments)],
        language=transcript.language,
        language_probability=transcript.language_probability,
        confidence=transcript.confidence,
        duration=transcript.duration,
        processing_time=transcript.processing_time,
        model=transcript.model,
        device=transcript.device,
        partial=transcript.partial,
        missing=transcript.missing,
        unheard=transcript.unheard,
        notes=transcript.notes,
    )
    return msgspec.json.encode(document).decode() + "\n"


def _segment_document(number: int, segment: Segment) -> _SegmentDocument:
    return _SegmentDocument(
        id=number,
        seek=segment.seek,
        start=segment.start,
        end=segment.end,
        text=segment.text,
        tokens=segment.tokens,
        temperature=TEMPERATURE,
        avg_logprob=segment.avg_logprob,
        compression_ratio=segment.compression_ratio,
        no_speech_prob=segment.no_speech_prob,
        confidence=segment.confidence,
        words=msgspec.UNSET if segment.words is None else segment.words,
    )
