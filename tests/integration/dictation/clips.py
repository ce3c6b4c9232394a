"""What is dictated in tests: short sentences that the model hears, as WAV files that serve as microphones."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.harness import Client, Daemon, wait_for
from tests.speech import SAMPLE_RATE, Samples, noise, silence, synthesize, write_audio

SENTENCES = (
    "we opened the garden",
    "the doctor called the school",
    "she closed the window",
    "they visited the village",
)
"""The model hears each of them without a mistake, wherever in a recording it begins."""


def speech(text: str) -> Samples:
    return synthesize(text, speed=150)


def cough() -> Samples:
    """Three short bursts of noise that die away."""
    burst = noise(0.25, seed=3, level=0.3) * np.exp(-np.arange(SAMPLE_RATE // 4) / 1200).astype(np.float32)
    return np.concatenate([silence(0.2), burst, silence(0.15), burst, silence(0.3)])


class Speaker:
    """Dictates WAV files to a daemon over one connection."""

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        self.daemon = daemon
        self.client: Client = daemon.client()
        self._folder = folder

    def device(self, samples: Samples) -> str:
        """A microphone that hears this."""
        path = self._folder / f"{abs(hash(samples.tobytes()))}.wav"
        return f"wav:{path if path.exists() else write_audio(path, samples)}"

    def start(self, samples: Samples, language: str = "en", **params: Any) -> int:
        return self.client.call("dictate.start", device=self.device(samples), language=language, **params)["session"]

    def heard(self, session: int, seconds: float) -> None:
        """Wait until the session has recorded that much."""

        def enough() -> bool:
            sessions = self.daemon.call("dictate.status")["sessions"]
            return any(s["session"] == session and s["duration"] >= seconds for s in sessions) or not any(
                s["session"] == session for s in sessions
            )

        wait_for(enough)

    def dictate(self, samples: Samples, **params: Any) -> dict[str, Any]:
        """Speak all of it, release, and wait for the text."""
        session = self.start(samples, **params)
        self.heard(session, len(samples) / SAMPLE_RATE)
        return self.client.call("dictate.stop", session=session)


def words(text: str) -> str:
    return text.strip().lower()
