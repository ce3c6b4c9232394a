"""What a model can be asked for: languages, translation, telling languages apart. Pure.

Owns: the rule from a model's name and vocabulary, and the sentence that refuses what it can't. Leaves to others: which
models exist and cost what (`whisperd.models.catalog`), looking at a folder (`whisperd.models.locate`), choosing one.
"""

import re
from typing import Final

import msgspec

from whisperd.frames import Task
from whisperd.jobs import languages
from whisperd.jobs.job import Options

MULTILINGUAL_VOCABULARY: Final = 51_865
"""Tokens of the smallest vocabulary with languages; English-only models have fewer (the reference's rule)."""

CANTONESE_VOCABULARY: Final = 51_866
"""Tokens of the vocabulary that has Cantonese as the hundredth language: that of large-v3."""

_ENGLISH_ONLY: Final = frozenset({"test-en", "distil-large-v2", "distil-large-v3", "distil-large-v3.5"})
"""Besides those whose names end in `.en`: what these were trained on is English, whatever is in their vocabulary."""

_HUNDRED: Final = frozenset({"large", "large-v3", "turbo", "large-v3-turbo"})
"""Names of published models that know Cantonese."""

_NINETY_NINE: Final = frozenset({"tiny", "base", "small", "medium", "large-v1", "large-v2"})


class Abilities(msgspec.Struct, frozen=True):
    """None where it is not known; then the model is believed to be able."""

    english_only: bool | None = None
    cantonese: bool | None = None
    translates: bool | None = None


class Work(msgspec.Struct, frozen=True):
    """What is asked of a model. `languages` are those that the speech may be in, all where it has none; `multilingual`:
    it may change from one part to the next."""

    languages: tuple[str, ...] = ()
    multilingual: bool = False
    task: Task = Task.TRANSCRIBE

    @classmethod
    def of(cls, options: Options) -> "Work":
        several = bool(options.multilingual)
        language = None if options.language in (None, languages.AUTO) else options.language
        spoken = options.languages if language is None or several else (languages.find(language) or language,)
        return cls(spoken, several, options.task or Task.TRANSCRIBE)


class Objection(msgspec.Struct, frozen=True):
    """Why a model can't do some work, as the end of a sentence that begins with the model; and what to do."""

    message: str
    hint: str


def by_name(model: str) -> Abilities:
    """By what a model, its folder or its repository is called."""
    name = re.sub(r"^(faster-)?(distil-)?(whisper-)?|-ct2$", lambda m: m[2] or "", model.rstrip("/").rsplit("/", 1)[-1])
    english = name.endswith(".en") or name in _ENGLISH_ONLY
    known = name in _HUNDRED or name in _NINETY_NINE
    reduced = "distil" in name or "turbo" in name
    return Abilities(
        english_only=True if english else False if known else None,
        cantonese=True if name in _HUNDRED else False if english or name in _NINETY_NINE else None,
        translates=False if english or reduced else True if known else None,
    )


def of(model: str, vocabulary: int | None) -> Abilities:
    """By its name, and by the tokens of its vocabulary where these are known."""
    told = by_name(model)
    if vocabulary is None:
        return told
    english = told.english_only or vocabulary < MULTILINGUAL_VOCABULARY
    return Abilities(
        english_only=english,
        cantonese=vocabulary >= CANTONESE_VOCABULARY and not english,
        translates=False if english else told.translates,
    )


def objection(able: Abilities, work: Work) -> Objection | None:
    """What is in the way of this work; None where nothing is known to be."""
    if unknown := [language for language in work.languages if language not in languages.NAMES]:
        return Objection(f'knows no language "{unknown[0]}"', 'give a code such as "en" or "pt-BR"')
    if able.english_only:
        other = "name a multilingual model such as small, or leave the choice to auto"
        if foreign := tuple(language for language in work.languages if language != "en"):
            return Objection(f"knows English only, not {languages.names(foreign)}", other)
        if work.multilingual:
            return Objection("knows English only, and tells no other languages apart", other)
        if work.task is Task.TRANSLATE:
            return Objection("knows English only, and does not translate", other)
    if work.task is Task.TRANSLATE and able.translates is False:
        return Objection(
            "was not trained to translate and would write the speech as it is",
            "name one that was, such as small, medium or large-v3, or leave the choice to auto",
        )
    if languages.CANTONESE in work.languages and able.cantonese is False:
        return Objection(
            "does not know Cantonese", "name large-v3 or turbo, leave the choice to auto, or take Chinese (zh)"
        )
    return None
