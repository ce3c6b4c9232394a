"""Parameters and results of `config.*`.

Owns: those shapes. Leaves to others: the settings themselves (`whisperd.config.settings`).
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

from whisperd.wire.types import Params


class ConfigShowResult(Struct, frozen=True):
    """The settings in force, flags included, as values and as `toml`, where those at their defaults are comments.

    `error`: what is wrong with the file, whose settings are not in force then. `restart_needed`: settings that have
    changed and hold only after a restart of the daemon.
    """

    path: str
    exists: bool
    settings: dict[str, Any]
    toml: str
    error: str | None
    restart_needed: list[str]


class ConfigCheckParams(Params, frozen=True):
    """A file by absolute path; the daemon's own without it."""

    path: Annotated[str, Meta(pattern="^/[^\\x00]*$", max_length=4096)] | None = None


class ConfigProblem(Struct, frozen=True):
    """One mistake; `line` where it is known, `key` empty for a mistake in the file as a whole."""

    key: str
    message: str
    line: int | None


class ConfigCheckResult(Struct, frozen=True):
    path: str
    ok: bool
    problems: list[ConfigProblem]


class ConfigChange(Struct, frozen=True):
    """A setting that has changed, and what it takes until it holds: nothing (`live`), a fresh `worker`, which comes by
    itself between jobs, or a restart of the `daemon`."""

    key: str
    effect: str


class ConfigReloadResult(Struct, frozen=True):
    path: str
    changed: list[ConfigChange]
    restart_needed: list[str]
