"""Which languages a job's speech may be in: its own options first, then what the configuration says for its kind. Pure.

Owns: that order. Leaves to others: reading a language (`whisperd.jobs.languages`), what may be asked for
(`whisperd.jobs.asked`).

What is nearer to the job wins: a job that names its language is in that one alone, unless it asks for several, and one
that names `languages` is not in the configuration's one language.
"""

import msgspec

from whisperd.config.settings import Settings
from whisperd.jobs.job import Kind, Options
from whisperd.jobs.languages import AUTO, find


class Spoken(msgspec.Struct, frozen=True):
    """One language, or `auto` with those that may be found, all without any. `multilingual`: one for each part, where
    `language` is the main one."""

    language: str = AUTO
    languages: tuple[str, ...] = ()
    multilingual: bool = False


def spoken(kind: Kind, options: Options, settings: Settings) -> Spoken:
    """Unknown languages, which only options of long ago can have, stay as they are."""
    defaults = settings.transcription
    own = options.languages or (settings.dictation.languages if kind is Kind.DICTATION else ())
    language, several = options.language, options.multilingual
    if several is None:
        several = defaults.multilingual and language in (None, AUTO)
    language = _code(language or (AUTO if own else defaults.language))
    allowed = _codes(own or defaults.languages)
    if len(allowed) == 1 and language in (AUTO, *allowed):
        return Spoken(allowed[0])
    if language == AUTO or not allowed:
        return Spoken(language, allowed, several)
    if not several:
        return Spoken(language)
    return Spoken(language, allowed if language in allowed else (language, *allowed), several)


def _code(written: str) -> str:
    return AUTO if written.strip().casefold() == AUTO else find(written) or written


def _codes(written: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(_code, written)))
