"""The recordings that are measured, by name.

Owns the table of sets. A set is made anew from its seed wherever it is asked for, always the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from tools.real_data.recordings import (
    LONG_PAUSES,
    Recording,
    clips,
    joined,
    long,
    nothing_said,
    said,
    two_voices,
    with_noise,
)
from tools.real_data.sounds import music, still, tones

Maker = Callable[[float], tuple[Recording, ...]]
"""Makes the recordings of a set; given a share (0 to 1) of the whole length that is wanted."""


@dataclass(frozen=True)
class Set:
    """Recordings of one kind. `language` is told to whoever transcribes them. `spoken`: there is speech in them;
    `is_long`: one recording of minutes, by which throughput is measured."""

    name: str
    about: str
    language: str
    make: Maker
    spoken: bool = True
    is_long: bool = False


def sets() -> dict[str, Set]:
    """All sets by name, speech first."""
    return {one.name: one for one in (*_clips(), *_repetitive(), *_long(), *_hard(), *_nothing_said())}


def _clips() -> Sequence[Set]:
    return [
        Set(f"clips-{language}", "60 prompts", language, partial(_some_clips, language))
        for language in ("en", "fr", "es", "it", "ru")
    ]


def _some_clips(language: str, share: float) -> tuple[Recording, ...]:
    return clips(language, max(2, round(60 * share)), seed=11)


def _repetitive() -> Sequence[Set]:
    """Menus, digits and phrases said again and again: what resembles the loops that models invent."""

    def menus(language: str, share: float) -> tuple[Recording, ...]:
        return clips(language, max(1, round(15 * share)), seed=12, least_words=20)

    def repeated(language: str, share: float) -> tuple[Recording, ...]:
        orders = [["digits/6"] * 12, [f"digits/{digit}" for digit in "5552222777711"], ["vm-goodbye"] * 8]
        return tuple(
            said(language, order, seed) for seed, order in enumerate(orders[: max(1, round(len(orders) * share))])
        )

    return [
        *(Set(f"menus-{one}", "15 prompts of 20 words and more", one, partial(menus, one)) for one in ("en", "ru")),
        *(
            Set(f"repeated-{one}", "a digit, a number and a phrase, again and again", one, partial(repeated, one))
            for one in ("en", "fr", "ru")
        ),
    ]


def _long() -> Sequence[Set]:
    def one(language: str, minutes: float, share: float) -> tuple[Recording, ...]:
        return (long([language], 60 * minutes * share, seed=21),)

    return [
        Set("long-en", "10 min, pauses to 1.5 s", "en", partial(one, "en", 10), is_long=True),
        Set("long-fr", "5 min, pauses to 1.5 s", "fr", partial(one, "fr", 5), is_long=True),
        Set("long-es", "5 min, pauses to 1.5 s", "es", partial(one, "es", 5), is_long=True),
        Set("long-ru", "5 min, pauses to 1.5 s", "ru", partial(one, "ru", 5), is_long=True),
    ]


def _hard() -> Sequence[Set]:
    def paused(share: float) -> tuple[Recording, ...]:
        return (with_noise(long(["en"], 300 * share, 31, LONG_PAUSES), "telephone", 15, seed=31),)

    def noisy(share: float) -> tuple[Recording, ...]:
        return (with_noise(long(["en"], 300 * share, seed=32), "pink", 5, seed=32),)

    def voices(share: float) -> tuple[Recording, ...]:
        return (two_voices("en", 300 * share, seed=33, channels=1),)

    def surrounded(share: float) -> tuple[Recording, ...]:
        parts = [long(["en"], 60 * share, seed) for seed in (34, 35, 36)]
        between = [music(10, 34), tones(5, 35), still(8), music(10, 36)]
        return (joined(between[0], parts[0], between[1], parts[1], between[2], parts[2], between[3]),)

    return [
        Set("pauses-noise", "5 min, pauses to 6 s, telephone noise at 15 dB", "en", paused, is_long=True),
        Set("noise-5dB", "5 min, pink noise at 5 dB", "en", noisy, is_long=True),
        Set("two-voices", "5 min, two voices in turn", "en", voices, is_long=True),
        Set("surrounded", "3 min between music, tones and silence", "en", surrounded, is_long=True),
    ]


def _nothing_said() -> Sequence[Set]:
    def one(sound: str, share: float) -> tuple[Recording, ...]:
        return (nothing_said(sound, 600 * share, seed=41),)

    return [
        Set(f"only-{sound}", f"10 min of {sound}", "en", partial(one, sound), spoken=False)
        for sound in ("silence", "white", "pink", "tones", "telephone", "music")
    ]
