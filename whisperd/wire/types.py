"""What all methods and events share: the base of parameters, references, errors.

Owns: these shapes. Leaves to others: those of single methods (`daemon`, `job`, `batch` and so on), which method takes
which (`methods`), reading and writing JSON (`codec`), and what the methods do (`whisperd.api`). Everywhere times are
ISO 8601 UTC with milliseconds, durations are seconds.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from whisperd.errors import WhisperdError

NO_NUL: Final = "^[^\\x00]*$"
"""The pattern of what may be, or name, a file: the kernel's names end at a NUL."""

Seq = Annotated[int, Meta(ge=0, le=2**53 - 1)]
"""An event's number; 0 is before the first."""

JobId = Annotated[int, Meta(ge=1, le=2**53 - 1)]

BatchRef = JobId | Annotated[str, Meta(min_length=1, max_length=200)]
"""A batch by its id, or by its name: the unfinished one's of that name, else the newest one's."""


class Params(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all parameters: what a method does not know is refused, so that a misspelt option is never ignored."""


class Empty(Params, frozen=True):
    """No parameters."""


class ErrorData(Struct, frozen=True):
    kind: str
    retryable: bool
    message: str | None = None
    hint: str | None = None

    @classmethod
    def of(cls, error: WhisperdError) -> "ErrorData":
        """As an answer for several things tells what went wrong with one of them."""
        return cls(error.kind, error.retryable, error.message, error.hint)


class ErrorObject(Struct, frozen=True, omit_defaults=True):
    code: int
    message: str
    data: ErrorData | None = None
