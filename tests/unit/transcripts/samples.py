"""Segments and transcripts for the tests of this folder."""

import math
from typing import Any

from whisperd import frames
from whisperd.transcripts.transcript import Transcript, joined_text, mean_confidence


def segment(start: float, end: float, text: str, **fields: Any) -> frames.Segment:
    values: dict[str, Any] = {
        "confidence": 0.5,
        "avg_logprob": math.log(0.5),
        "compression_ratio": 1.25,
        "no_speech_prob": 0.125,
        "seek": 0,
        "tokens": (7, 8),
    }
    return frames.Segment(start=start, end=end, text=text, **{**values, **fields})


def transcript(*segments: frames.Segment, **fields: Any) -> Transcript:
    values: dict[str, Any] = {
        "text": joined_text(segments),
        "segments": segments,
        "language": "en",
        "language_probability": 1.0,
        "confidence": mean_confidence(segments),
        "duration": 60.0,
        "processing_time": 6.5,
        "model": "test-en",
        "device": "cpu",
    }
    return Transcript(**{**values, **fields})
