"""Prompts: what a list of texts is read as, and where a recording is audible."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from tests.speech import SAMPLE_RATE
from tests.unit.tools.tones import write_tone
from tools.real_data.prompts import audible, clip, prompts, texts, trimmed

WITHIN = 0.03
"""Seconds: frames of 10 ms, and the resampler's ringing around a tone that begins at once."""


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("activated: Activated.", {"activated": "Activated."}),
        ("digits/0: zero", {"digits/0": "zero"}),
        ("vm-leavemsg:  Press 5 to  leave", {"vm-leavemsg": "Press 5 to leave"}),
        ("\ufeffhello: Bonjour : ça va", {"hello": "Bonjour : ça va"}),
        ("; Core sounds in English", {}),
        ("", {}),
        ("empty:", {}),
        ("dots: ...", {}),
        ("ascending-2tone: [ascending tones]", {}),
        ("beep: un suono beep", {}),
        ("confbridge-join: <beep ascending>", {}),
        ("confbridge-leave-in: To leave the conference...", {"confbridge-leave-in": "To leave the conference..."}),
        ("silence/10: (10 seconds of silence)", {}),
        ("letters/at: at [@]", {}),
        ("spy-iax2: IAX", {}),
        ('iax: IAX (note: does not say "2")', {"iax": "IAX"}),
        ("intro: Hang up. (a beep follows).", {"intro": "Hang up."}),
        ("invalid: Spiacente, [quello] non è valido", {}),
        ("lost: Quella funzione non ? attiva", {}),
        ("two: Il messaggio è eliminato vm-then-pound: poi premi", {}),
        ("conf-menu: conf-menu: Нажмите 1", {"conf-menu": "Нажмите 1"}),
    ],
)
def test_a_line_is_read_as_a_prompt_only_where_its_text_is_what_is_spoken(line: str, read: dict[str, str]) -> None:
    assert texts([line]) == read


def test_a_name_with_two_texts_is_left_out_and_one_repeated_is_kept() -> None:
    lines = ["digits/0: cero", "digits/0: diez", "vm-no: no", "vm-no: no", "digits/1: uno"]
    assert texts(lines) == {"vm-no": "no", "digits/1": "uno"}


def test_what_a_list_often_spells_wrong_is_corrected_and_what_is_otherwise_spoken_left_out(voices: Path) -> None:
    texts_of_fr = voices / "voices/fr/texts.gz"
    texts_of_fr.write_bytes(gzip.compress(b"digits/1: Aurevoir\nvm-mismatch: something else is said"))
    write_tone(voices / "voices/fr/sounds/vm-mismatch.wav", [(0.2, 0.5)], 1)
    assert [(prompt.name, prompt.text) for prompt in prompts("fr")] == [("digits/1", "Au revoir")]


@pytest.mark.usefixtures("voices")
def test_prompts_without_a_recording_are_left_out() -> None:
    assert [prompt.name for prompt in prompts("en")] == [*(f"digits/{count}" for count in range(1, 6)), "long"]
    assert {prompt.language for prompt in prompts("fr")} == {"fr"}


def test_a_clip_begins_and_ends_with_what_is_audible(voices: Path) -> None:
    found = clip(next(prompt for prompt in prompts("en") if prompt.name == "long"))
    (first, before), (after, last) = found.stretches
    assert len(found.samples) / SAMPLE_RATE == pytest.approx(2.8 + 0.1, abs=2 * WITHIN)
    assert first == pytest.approx(0.05, abs=WITHIN)
    assert (before - first, after - first, last - first) == pytest.approx((0.8, 1.8, 2.8), abs=2 * WITHIN)


def test_a_short_stop_does_not_divide_a_stretch_and_faint_noise_is_no_sound() -> None:
    noise = np.random.default_rng(1).normal(0, 0.0005, 4 * SAMPLE_RATE).astype(np.float32)
    tone = np.sin(np.arange(SAMPLE_RATE) / 5).astype(np.float32) * 0.5
    noise[8_000:24_000] += tone
    noise[24_000 + 3_200 : 24_000 + 3_200 + 16_000] += tone
    assert audible(noise) == [(8_000, 24_000 + 3_200 + 16_000)]


def test_silence_has_no_clip() -> None:
    assert audible(np.zeros(SAMPLE_RATE, np.float32)) == []
    with pytest.raises(ValueError, match="no sound"):
        trimmed(np.zeros(SAMPLE_RATE, np.float32))
