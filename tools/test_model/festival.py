"""Festival: one sentence spoken by Debian's ``festival``, with the time of every phoneme and word.

Owns the process, which is started once and asked in Scheme, and the voices' settings. Its phonemes are those of the CMU
lexicon, as flite's are. `voices` makes the sound 16 kHz and trims it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import wave
from functools import cache
from tempfile import NamedTemporaryFile
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

PACKAGES = "festival festvox-us-slt-hts festvox-kallpc16k festvox-kdlpc16k"
_SAID = "(said)"
_SCHEME = """
(voice_{name})
{settings}
(set! utt (utt.synth (Utterance Text "{text}")))
(utt.save.wave utt "{file}" 'riff)
(mapcar (lambda (s) (format t "phone %s %f\\n" (item.name s) (item.feat s "segment_start")))
 (utt.relation.items utt 'Segment))
(mapcar (lambda (w) (format t "word %s %f\\n" (item.name w) (item.feat w "word_start"))) (utt.relation.items utt 'Word))
(format t "\\n{said}\\n")
(fflush nil)
"""
# hts_engine (a statistical voice) has a rate, and no pitch that could be set.
_HTS = """(set! hts_engine_params (append hts_engine_params '(("-r" {rate:.3f}))))"""
# At their own gain the diphones of one voice clip.
_DIPHONES = "(Parameter.set 'Duration_Stretch {stretch:.3f}) (set! us_gain 0.5)"
# Mean and deviation of the model are those of the data it was trained on, from Festival's voice definitions.
_PITCH = """(set! int_lr_params
 '((target_f0_mean {hertz:.1f}) (target_f0_std {spread:.1f}) (model_f0_mean 170) (model_f0_std 34)))"""
# How far a speaker's pitch moves around its mean, of that mean.
_LIVELINESS = 0.14


class Festival:
    """The program, once a process; it ends when its input is closed, with the process that started it."""

    def __init__(self) -> None:
        """Starts the program. Raises FileNotFoundError with the packages to install where there is none."""
        if shutil.which("festival") is None:
            raise FileNotFoundError(f"festival is not installed: sudo apt-get install {PACKAGES}")
        self._process = subprocess.Popen(
            ["festival", "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def speak(
        self, text: str, name: str, *, stretch: float = 1.0, hertz: float = 0
    ) -> tuple[NDArray[np.float32], int, list[tuple[int, str]], list[tuple[int, str]]]:
        """Samples with their rate, then when (in samples) each phoneme and each word begins.

        `stretch` is of times, `hertz` the mean pitch of a diphone voice (0 is its own). The words are left out where
        the program read others than `text` has. Raises RuntimeError where the program ends.
        """
        with NamedTemporaryFile(suffix=".wav") as file:
            said = self._ask(
                _SCHEME.format(
                    name=name, settings=settings(name, stretch, hertz), text=text, file=file.name, said=_SAID
                )
            )
            with wave.open(file.name) as sound:
                rate = sound.getframerate()
                samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16).astype(np.float32) / 32768
        phones, words = marks(said, rate)
        return samples, rate, phones, words if [word for _, word in words] == text.split() else []

    def _ask(self, scheme: str) -> str:
        asked, answers = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        asked.write(scheme)
        asked.flush()
        said = list[str]()
        for line in answers:
            if line.strip() == _SAID:
                return "".join(said)
            said.append(line)
        raise RuntimeError(f"festival ended while it was asked:\n{scheme}")


def settings(name: str, stretch: float, hertz: float) -> str:
    """Scheme that makes the voice `name`, just chosen, speak at this tempo and pitch."""
    if name.endswith("_hts"):
        return _HTS.format(rate=1 / stretch)
    pitch = _PITCH.format(hertz=hertz, spread=_LIVELINESS * hertz) if hertz else ""
    return _DIPHONES.format(stretch=stretch) + pitch


def marks(said: str, rate: int) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Phonemes and words of the program's answer, with the sample at which each begins; a pause has no name."""
    found = re.findall(r"^(phone|word) (\S+) ([\d.]+)$", said, re.MULTILINE)
    begins = [(kind, int(float(start) * rate), "" if name == "pau" else name) for kind, name, start in found]
    return (
        [(sample, name) for kind, sample, name in begins if kind == "phone"],
        [(sample, name) for kind, sample, name in begins if kind == "word"],
    )


@cache
def festival() -> Festival:
    """The program of this process."""
    return Festival()
