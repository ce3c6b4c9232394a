"""Scoring: which words are the same, which are wrong, what was never written, and when a prompt began."""

import numpy as np
import pytest

from tools.real_data.recordings import Placed, Recording
from tools.real_data.scoring import Errors, Heard, errors, normalised, score


def recording(*prompts: tuple[str, float, float], language: str = "en", seconds: float = 60) -> Recording:
    placed = (Placed(text, start, end, ((start, end),), language) for text, start, end in prompts)
    return Recording(np.zeros(round(seconds * 16_000), np.float32), language, tuple(placed))


def words(text: str, start: float, end: float) -> list[Heard]:
    """The words of a text, each as long."""
    said = text.split()
    length = (end - start) / len(said)
    return [Heard(word, start + place * length, start + (place + 1) * length) for place, word in enumerate(said)]


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "Press one for more.", "press 1 for more"),
        ("en", "one two three", "123"),
        ("en", "two hundred and five", "205"),
        ("en", "fifty. Six.", "50, 6"),
        ("en", "You're colour blind", "you are color blind"),
        ("fr", "Appuyez sur une touche, dix-sept", "appuyez sur 1 touche 17"),
        ("fr", "Numéro à bannir, quatre-vingt-dix", "numero a bannir 90"),
        ("es", "Marque dos; contraseña", "marque 2 contrasena"),
        ("it", "premere tre, ventotto", "premere 3 28"),
        ("ru", "Нажмите решётку, пять", "нажмите решетку 5"),
    ],
)
def test_what_is_written_in_two_ways_is_the_same(language: str, one: str, other: str) -> None:
    assert normalised(one, language) == normalised(other, language)


@pytest.mark.parametrize(
    ("said", "heard", "counted"),
    [
        ("press five now", "press five now", Errors(3)),
        ("press five now", "press now", Errors(3, deletions=1)),
        ("press five now", "please press five now", Errors(3, insertions=1)),
        ("press five now", "press nine now", Errors(3, substitutions=1)),
        ("press five now", "", Errors(3, deletions=3)),
        ("", "thank you", Errors(0, insertions=2)),
        ("", "", Errors()),
    ],
)
def test_errors_are_counted_by_kind(said: str, heard: str, counted: Errors) -> None:
    assert errors(said, heard, "en") == counted


def test_errors_add_up() -> None:
    both = Errors(10, 1, 2, 3) + Errors(10, 1, 0, 0)
    assert both == Errors(20, 2, 2, 3)
    assert (both.errors, both.rate, Errors().rate) == (7, 35.0, 0.0)


def test_a_prompt_without_any_word_is_unspoken() -> None:
    made = recording(("please hang up", 1, 2), ("try again", 5, 7), ("goodbye", 9, 10))
    scored = score(made, [*words("please hang up", 1, 2), *words("goodbye", 9, 10)])
    assert [placed.text for placed in scored.unspoken] == ["try again"]
    assert scored.unspoken_seconds == 2
    assert scored.errors == Errors(6, deletions=2)


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param(words("please hang up try again", 1, 2), id="its words are there, at a wrong time"),
        pytest.param([*words("please hang up", 1, 2), Heard("tries", 6, 6.5)], id="a wrong word is there in its time"),
        pytest.param([Heard("please hang up", 0, 7)], id="a segment lies over it"),
    ],
)
def test_a_prompt_that_got_a_word_is_not_unspoken(heard: list[Heard]) -> None:
    assert score(recording(("please hang up", 1, 2), ("try again", 5, 7)), heard).unspoken == ()


def test_half_a_prompt_without_words_is_an_unheard_stretch() -> None:
    both = ((1.0, 3.0), (4.0, 6.5))
    made = recording(("press one now or press two", 1, 6.5))
    made = Recording(made.samples, "en", (Placed("press one now or press two", 1, 6.5, both, "en"),))
    scored = score(made, words("press one now", 1, 3))
    assert scored.unspoken == ()
    assert scored.unheard_stretches == ((4.0, 6.5),)
    assert scored.unheard_seconds == 2.5
    assert score(made, words("press one now or press two", 1, 3)).unheard_stretches == ()


def test_a_first_word_is_late_or_early_by_its_distance_from_the_prompt() -> None:
    made = recording(("press one", 1, 2), ("press two", 5, 6), ("press three", 9, 10))
    heard = [*words("press 1", 1.25, 2), *words("dress 2", 5, 6), *words("press 3", 8.5, 10)]
    assert score(made, heard).starts == pytest.approx((0.25, -0.5))


def test_a_number_of_several_words_begins_with_the_first_of_them() -> None:
    made = recording(("two hundred and five people", 1, 3), ("came", 5, 6))
    scored = score(made, [*words("two hundred and five people", 1, 3), *words("came", 5.5, 6)])
    assert scored.errors.errors == 0
    assert scored.starts == pytest.approx((0.0, 0.5))


def test_words_away_from_speech_are_invented() -> None:
    made = recording(("please hang up", 1, 2))
    scored = score(made, [*words("please hang up", 1, 2), Heard("now", 2.3, 2.6), Heard("Thank you.", 9, 10)])
    assert scored.invented == (Heard("Thank you.", 9, 10),)
    assert score(recording(), [Heard("you", 1, 2)]).errors == Errors(insertions=1)


def test_a_word_on_the_other_channel_does_not_cover_a_prompt() -> None:
    made = recording(("hello", 1, 2))
    assert score(made, [Heard("um", 1, 2, channel=1)]).unspoken == made.prompts
    assert score(made, [Heard("um", 1, 2, channel=0)]).unspoken == ()
