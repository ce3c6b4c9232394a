"""What every section of the file has in common."""

from typing import Annotated

from msgspec import Meta, Struct

from whisperd.jobs import languages

Name = Annotated[str, Meta(min_length=1, max_length=4096)]
Language = Annotated[
    str,
    Meta(
        description='"auto", a code such as "en" or "pt-BR", or a name such as "English"',
        extra={"check": languages.code_or_auto},
    ),
]
OneLanguage = Annotated[
    str,
    Meta(description='a code such as "en" or "pt-BR", or a name such as "English"', extra={"check": languages.code}),
]
"""What `check` raises UnknownLanguageError for is a mistake; elsewhere they are read by `whisperd.config.spoken`."""
Seconds = Annotated[float, Meta(ge=0, le=86_400 * 365)]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file. An unknown key is an error: a misspelt setting must not be ignored."""
