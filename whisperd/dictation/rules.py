"""What becomes of a dictated text before it is delivered: pure functions of text and rules.

Owns: spoken punctuation and commands, replacements, capitals, spacing, and which texts a model invents over silence.
Leaves to others: the words of each language (`phrases`), an external filter (`filter`), when they are applied
(`service`).
"""

import re
from collections.abc import Collection
from functools import cache
from typing import Final

from whisperd.config.dictation import Replacement, RuleSettings
from whisperd.dictation.phrases import HALLUCINATIONS, SPOKEN
from whisperd.jobs.languages import find

QUIET_PEAK: Final = 0.02
"""Of full scale (-34 dB): a recording that never gets louder is a room, not a voice before a microphone."""

DOUBTFUL_SPEECH: Final = 0.4
"""Probability of no speech from which a text out of the list of hallucinations is not believed."""

DOUBTFUL_CONFIDENCE: Final = 0.5

_SENTENCE_END: Final = re.compile(r"([.!?…。！？]['\")\]]*[ \t]+|\n[ \t]*)([^\W\d_])")
_ENDS_SENTENCE: Final = re.compile(r"(^|[.!?…。！？]['\")\]]*|\n)\s*$")
_NO_SPACE_BEFORE: Final = frozenset(",.;:!?…)]}%'’\n")
_NO_SPACE_AFTER: Final = frozenset("([{\n")


def finish(text: str, language: str | None, rules: RuleSettings, before: str = "") -> str:
    """The text as it is to stand after `before` (what was dictated just before); without space around it."""
    text = re.sub(r"[ \t]{2,}", " ", text.strip())
    if rules.spoken_punctuation:
        text = speak_punctuation(text, language)
    for replacement in rules.replacements:
        if not replacement.languages or language in map(find, replacement.languages):
            text = replace(text, replacement)
    text = text.strip(" \t")
    return capitalize(text, before) if rules.capitals else text


def join(before: str, text: str) -> str:
    """Both, with a space between where one belongs."""
    if not before or not text or before[-1].isspace() or before[-1] in _NO_SPACE_AFTER or text[0] in _NO_SPACE_BEFORE:
        return before + text
    if _without_spaces(before[-1]) or _without_spaces(text[0]):
        return before + text
    return f"{before} {text}"


def capitalize(text: str, before: str = "") -> str:
    """A capital at the beginning of each sentence, the first one included unless `before` ends within one."""
    text = _SENTENCE_END.sub(lambda match: match[1] + match[2].upper(), text)
    if _ENDS_SENTENCE.search(before):
        text = re.sub(r"^(\W*)([^\W\d_])", lambda match: match[1] + match[2].upper(), text, count=1)
    return text


def replace(text: str, replacement: Replacement) -> str:
    """A word or phrase wherever it stands by itself and however it is written, or a regular expression."""
    if replacement.regex:
        return re.sub(replacement.find, replacement.put, text)
    pattern = rf"(?<!\w){re.escape(replacement.find)}(?!\w)"
    return re.sub(pattern, lambda _: replacement.put, text, flags=re.IGNORECASE)


def speak_punctuation(text: str, language: str | None) -> str:
    """Spoken commands to what they stand for. Punctuation that the model set around a command is its own guess."""
    pattern = _spoken_pattern(language or "")
    if pattern is None:
        return text
    signs = SPOKEN[language or ""]
    made = ""
    position = 0
    for match in pattern.finditer(text):
        sign = signs[re.sub(r"\s+", " ", match["command"]).casefold()]
        made += text[position : match.start()]
        if sign.startswith("\n"):
            made += match["lead"].rstrip().rstrip(",;:")  # a sentence that ends there keeps its end
        made = _set(made.rstrip(" \t"), sign)
        position = match.end()
    return re.sub(r" *\n *", "\n", made + text[position:]).strip(" \t")


def _set(text: str, sign: str) -> str:
    """The text with a sign behind it, and the space that follows that."""
    if sign in "([“":
        return f"{text} {sign}" if text and not text.endswith("\n") else text + sign
    return text + sign + ("" if sign.endswith("\n") else " ")


@cache
def _spoken_pattern(language: str) -> re.Pattern[str] | None:
    signs = SPOKEN.get(language)
    if signs is None:
        return None
    # Longer commands first: "new line" must not be lost to "line".
    commands = "|".join(re.escape(c).replace(r"\ ", r"\s+") for c in sorted(signs, key=len, reverse=True))
    return re.compile(rf"(?P<lead>[\s,.;:!?]*)(?<!\w)(?P<command>{commands})(?!\w)[,.;:!?]*[ \t]*", re.IGNORECASE)


def is_invented(text: str, *, peak: float, no_speech: float, confidence: float, more: Collection[str] = ()) -> bool:
    """Whether a model has probably made this up over silence or noise: it is one of the texts that models do make up,
    and the sound gives no reason to believe it. `peak` is 0 to 1 of full scale; `more` are further such texts."""
    said = _bare(text)
    if not said:
        return True
    if said not in HALLUCINATIONS and said not in {_bare(other) for other in more}:
        return False
    return peak < QUIET_PEAK or no_speech > DOUBTFUL_SPEECH or confidence < DOUBTFUL_CONFIDENCE


def _bare(text: str) -> str:
    """The words alone, for comparing."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _without_spaces(character: str) -> bool:
    """Whether its script sets no spaces between words: kana, Chinese characters, Thai, Lao, Khmer, Burmese."""
    return bool(
        re.match(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uff00-\uff60]", character)
    )
