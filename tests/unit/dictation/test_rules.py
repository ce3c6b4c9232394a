"""The text rules, as tables."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.config.dictation import Replacement, RuleSettings
from whisperd.dictation import rules
from whisperd.dictation.phrases import SPOKEN

SPEAKING = RuleSettings(spoken_punctuation=True)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("hello comma world", "Hello, world"),
        ("Hello, comma, world.", "Hello, world."),
        ("are you there question mark", "Are you there?"),
        ("stop exclamation point go", "Stop! Go"),
        ("first new line second", "First\nSecond"),
        ("First. New line. Second.", "First.\nSecond."),
        ("first, new paragraph, second", "First\n\nSecond"),
        ("one new line new line two", "One\n\nTwo"),
        ("note colon this", "Note: this"),
        ("he said open quote yes close quote", "He said “yes”"),
        ("sum open parenthesis total close parenthesis period next", "Sum (total). Next"),
        ("the comma separated values", "The, separated values"),
        ("commander of the periodical", "Commander of the periodical"),
        ("new line", ""),
        ("Full stop.", "."),
        ("one   two", "One two"),
    ],
)
def test_spoken_punctuation(said: str, meant: str) -> None:
    assert rules.finish(said, "en", SPEAKING).strip() == meant


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [
        ("de", "hallo Komma Welt Punkt neue Zeile gut", "Hallo, Welt.\nGut"),
        ("fr", "bonjour virgule monde à la ligne salut", "Bonjour, monde\nSalut"),
        ("es", "hola coma mundo punto y coma adiós", "Hola, mundo; adiós"),
        ("ja", "hello comma", "Hello comma"),
        ("de", "hello comma", "Hello comma"),
    ],
)
def test_spoken_punctuation_is_the_languages_own(language: str, said: str, meant: str) -> None:
    assert rules.finish(said, language, SPEAKING) == meant


def test_without_spoken_punctuation_the_words_stay() -> None:
    assert rules.finish("a comma here", "en", RuleSettings()) == "A comma here"


@pytest.mark.parametrize(
    ("replacement", "language", "before", "after"),
    [
        (Replacement("kubernetes", "Kubernetes"), "en", "Use kubernetes, KUBERNETES", "Use Kubernetes, Kubernetes"),
        (Replacement("cat", "dog"), "en", "Concatenate the cat", "Concatenate the dog"),
        (Replacement("c++", r"C\1"), "en", "Use c++ now", r"Use C\1 now"),
        (Replacement(r"(\d+) percent", r"\1 %", regex=True), "en", "About 50 percent", "About 50 %"),
        (Replacement("gift", "poison", languages=("de",)), "en", "A gift", "A gift"),
        (Replacement("gift", "Geschenk", languages=("de",)), "de", "Ein gift", "Ein Geschenk"),
        (Replacement("um", ""), "en", "Well um yes", "Well  yes"),
    ],
)
def test_replacements(replacement: Replacement, language: str, before: str, after: str) -> None:
    assert rules.finish(before, language, RuleSettings(replacements=(replacement,))) == after


@pytest.mark.parametrize(("find", "put"), [("(", ""), ("a", r"\1")])
def test_a_wrong_expression_is_refused_when_it_is_configured(find: str, put: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(find))):
        Replacement(find, put, regex=True)


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("", "hello. how are you? fine", "Hello. How are you? Fine"),
        ("This is", "hello", "hello"),
        ("This is.", "hello", "Hello"),
        ("A list:\n", "milk", "Milk"),
        ("", "“well,” she said", "“Well,” she said"),
        ("", "3.5 is e.g. a number", "3.5 is e.g. A number"),
        ("", "éclair. élan", "Éclair. Élan"),
    ],
)
def test_capitals_follow_what_came_before(before: str, text: str, after: str) -> None:
    assert rules.finish(text, "en", RuleSettings(), before) == after


def test_capitals_can_be_left_as_they_are() -> None:
    assert rules.finish("hello. you", "en", RuleSettings(capitals=False)) == "hello. you"


@pytest.mark.parametrize(
    ("before", "text", "together"),
    [
        ("Hello", "world", "Hello world"),
        ("Hello", ", world", "Hello, world"),
        ("Hello ", "world", "Hello world"),
        ("(", "so", "(so"),
        ("Line\n", "next", "Line\nnext"),
        ("今日は", "いい天気", "今日はいい天気"),
        ("", "alone", "alone"),
    ],
)
def test_a_space_stands_where_one_belongs(before: str, text: str, together: str) -> None:
    assert rules.join(before, text) == together


@pytest.mark.parametrize(
    ("text", "peak", "no_speech", "confidence", "invented"),
    [
        ("Thank you.", 0.01, 0.0, 0.9, True),
        ("Thank you.", 0.5, 0.0, 0.9, False),
        ("Thank you.", 0.5, 0.8, 0.9, True),
        ("Thanks for watching!", 0.5, 0.0, 0.2, True),
        ("Thank you for the letter.", 0.01, 0.9, 0.2, False),
        (" . ", 0.9, 0.0, 0.9, True),
        ("", 0.9, 0.0, 0.9, True),
        ("Our jingle", 0.01, 0.0, 0.9, True),
    ],
)
def test_what_models_invent_is_believed_only_where_somebody_spoke(
    text: str, peak: float, no_speech: float, confidence: float, invented: bool
) -> None:
    found = rules.is_invented(text, peak=peak, no_speech=no_speech, confidence=confidence, more=("our jingle!",))
    assert found is invented


@given(st.text(max_size=200))
def test_a_text_without_rules_keeps_all_its_words(text: str) -> None:
    quiet = RuleSettings(capitals=False)
    assert rules.finish(text, "en", quiet).split() == text.split()


@given(st.lists(st.sampled_from(["we", "met", "there", *SPOKEN["en"]]), max_size=12))
def test_spoken_punctuation_leaves_no_command_and_loses_no_word(words: list[str]) -> None:
    text = rules.speak_punctuation(" ".join(words), "en")
    assert re.findall(r"\w+", text) == [word for word in words if word in ("we", "met", "there")]
