"""Real speech: real weights through a real daemon leave nothing out of what a person said."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.jobs import all_completed
from tests.harness import running_daemon
from tests.real_data import fetched
from tests.speech import write_audio
from tools.real_data.fetch import model_folder
from tools.real_data.recordings import LONG_PAUSES, joined, long, with_noise
from tools.real_data.scoring import Errors, Heard, score
from tools.real_data.sounds import music, still, tones

MODEL = "tiny.en"
LEFT_OUT = 0.025
"""Share of the words that may be left out: of these 433, faster-whisper leaves out 7 in batches and 8 in sequence."""


@pytest.fixture(scope="module", autouse=True)
def _data() -> None:
    fetched([MODEL, "voices-en"])


@pytest.mark.timeout(900)  # the first run fetches 110 MB
def test_no_prompt_of_five_minutes_is_left_without_a_word(tmp_path: Path) -> None:
    made = {
        "short": long(["en"], 75, seed=1),
        "long": long(["en"], 75, seed=2, pauses=LONG_PAUSES),
        "surrounded": joined(music(5, 3), long(["en"], 55, seed=3), still(5), tones(3, 3)),
        "noise": with_noise(long(["en"], 75, seed=4), "pink", 15, seed=4),
    }
    paths = [write_audio(tmp_path / f"{name}.wav", recording.mono) for name, recording in made.items()]
    with running_daemon(model=str(model_folder(MODEL))) as daemon:
        jobs = daemon.submit(*paths, options={"language": "en", "words": True})
        all_completed(daemon, [job["id"] for job in jobs], deadline=600)
        transcripts = [daemon.call("job.text", id=job["id"])["transcript"] for job in jobs]
    scores = [score(recording, _words(text)) for recording, text in zip(made.values(), transcripts, strict=True)]
    errors = sum((result.errors for result in scores), Errors())
    assert [placed.text for result in scores for placed in result.unspoken] == []
    assert [word.text for result in scores for word in result.invented] == []
    assert errors.deletions <= LEFT_OUT * errors.words, errors


def _words(transcript: dict[str, Any]) -> list[Heard]:
    said = [word for segment in transcript["segments"] for word in segment["words"]]
    return [Heard(word["word"], word["start"], word["end"]) for word in said]
