"""Recordings made of prompts: the same for the same seed, and true about what lies where."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.speech import SAMPLE_RATE
from tools.real_data.prompts import audible
from tools.real_data.recordings import (
    Recording,
    clips,
    joined,
    long,
    nothing_said,
    said,
    two_voices,
    with_noise,
)
from tools.real_data.sounds import LEVEL, SOUNDS, music, tones

pytestmark = pytest.mark.usefixtures("voices")

Maker = Callable[[int], Recording]

MAKERS: dict[str, Maker] = {
    "clip": lambda seed: clips("en", 1, seed)[0],
    "long": lambda seed: long(["en"], 30, seed),
    "two languages": lambda seed: long(["en", "fr"], 20, seed, (0.4, 4.0)),
    "in order": lambda seed: said("en", ["digits/2", "digits/2", "digits/1"], seed, (0.4, 0.9)),
    "two channels": lambda seed: two_voices("en", 20, seed),
    "two voices": lambda seed: two_voices("en", 20, seed, channels=1),
    "noise": lambda seed: with_noise(long(["en"], 20, seed), "pink", 10, seed),
    "surrounded": lambda seed: joined(music(2, seed), long(["en"], 10, seed), tones(1, seed)),
    **{
        f"only {sound}": lambda seed, sound=sound: nothing_said(sound, 3.5, seed)
        for sound in SOUNDS
        if sound != "silence"
    },
}


@pytest.mark.parametrize("kind", MAKERS)
def test_a_seed_always_makes_the_same_recording_and_another_seed_another_one(kind: str) -> None:
    first, same, other = (MAKERS[kind](seed) for seed in (7, 7, 8))
    assert np.array_equal(first.samples, same.samples)
    assert first.prompts == same.prompts
    assert not np.array_equal(first.samples, other.samples)
    assert first.samples.dtype == np.float32
    assert np.abs(first.samples).max() < 1


@pytest.mark.parametrize("kind", ["clip", "two languages", "in order"])
def test_prompts_lie_where_the_truth_says(kind: str) -> None:
    made = MAKERS[kind](3)
    told = [stretch for placed in made.prompts for stretch in placed.stretches]
    heard = [(start / SAMPLE_RATE, end / SAMPLE_RATE) for start, end in audible(made.mono)]
    assert np.array(heard) == pytest.approx(np.array(told), abs=0.03)
    assert all(placed.start == placed.stretches[0][0] for placed in made.prompts)
    assert all(placed.end == placed.stretches[-1][1] for placed in made.prompts)


def test_a_voice_sounds_on_its_own_channel_only() -> None:
    made = MAKERS["two channels"](3)
    assert made.samples.ndim == 2
    for placed in made.prompts:
        between = made.samples[round(placed.start * SAMPLE_RATE) : round(placed.end * SAMPLE_RATE)]
        loudness = np.abs(between).max(axis=0)
        assert loudness[placed.channel] > 0.01
        assert loudness[1 - placed.channel] == 0
    assert {placed.channel for placed in made.prompts} == {0, 1}


def test_two_languages_take_turns() -> None:
    spoken = [placed.language for placed in MAKERS["two languages"](3).prompts]
    assert spoken == (["en", "fr"] * len(spoken))[: len(spoken)]


def test_no_prompt_comes_twice_before_all_have_come() -> None:
    spoken = [placed.text for placed in long(["en"], 60, 1).prompts]
    assert len(spoken) > 12
    assert len(set(spoken[:6])) == len(set(spoken[6:12])) == 6


@pytest.mark.parametrize("decibels", [0.0, 15.0])
def test_noise_has_the_level_that_was_asked_for(decibels: float) -> None:
    clean = long(["en"], 20, 5)
    noisy = with_noise(clean, "white", decibels, 5)
    scale = noisy.samples.max() / np.abs(noisy.samples).max()  # the whole may have been scaled down together
    assert scale <= 1
    inside = np.zeros(len(clean.samples), bool)
    for placed in clean.prompts:
        for start, end in placed.stretches:
            inside[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
    gain = np.vdot(noisy.samples, clean.samples) / np.vdot(clean.samples, clean.samples)
    added = noisy.samples / gain - clean.samples
    ratio = np.mean(np.square(clean.samples[inside])) / np.mean(np.square(added))
    assert 10 * np.log10(ratio) == pytest.approx(decibels, abs=0.3)


def test_what_is_joined_keeps_its_truth() -> None:
    first, second = (long(["en"], 5, seed) for seed in (1, 2))
    whole = joined(tones(2, 1), first, music(3, 2), second)
    moved = [placed.later(2) for placed in first.prompts] + [
        placed.later(5 + first.seconds) for placed in second.prompts
    ]
    assert [placed.text for placed in whole.prompts] == [placed.text for placed in moved]
    assert [placed.start for placed in whole.prompts] == pytest.approx([placed.start for placed in moved])
    stereo = joined(tones(1, 1), two_voices("en", 5, 1))
    assert stereo.samples.shape[1] == 2
    with pytest.raises(ValueError, match="no recording"):
        joined(tones(1, 1))


@pytest.mark.parametrize("sound", [sound for sound in SOUNDS if sound != "silence"])
def test_a_sound_has_its_length_and_level(sound: str) -> None:
    made = SOUNDS[sound](2.3, 4)
    assert len(made) == round(2.3 * SAMPLE_RATE)
    assert np.sqrt(np.mean(np.square(made))) == pytest.approx(LEVEL, rel=0.02)
