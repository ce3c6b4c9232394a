"""What every section of the file has in common."""

from typing import Annotated

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=4096)]
Language = Annotated[str, Meta(pattern="^(auto|[a-z]{2,3})$", description='"auto" or a code such as "en"')]
Seconds = Annotated[float, Meta(ge=0, le=86_400 * 365)]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file. An unknown key is an error: a misspelt setting must not be ignored."""
