"""What a change of settings takes: nothing, a fresh worker, or a fresh daemon.

Owns: that rule for every setting, pure. Leaves to others: bringing it about (`whisperd.reload`).
"""

import enum
from typing import Final, get_origin

import msgspec

from whisperd.config.settings import Settings


class Effect(enum.StrEnum):
    """What it takes until a changed setting holds."""

    LIVE = "live"
    """It holds at once, for whatever is decided from now on; a job keeps the options it was queued with."""
    WORKER = "worker"
    """Worker processes are replaced, each when its job is done."""
    DAEMON = "daemon"
    """Only a restart of the daemon brings it about."""


_WORKER: Final = frozenset({"workers.device", "workers.backend", "workers.compute_type", "workers.threads"})

_DAEMON: Final = frozenset({"socket.path", "state.dir", "workers.lanes"})


class Change(msgspec.Struct, frozen=True):
    """One setting that has changed; `key` is `section.name`, or the section where it is an array of tables."""

    key: str
    effect: Effect


def effect_of(key: str) -> Effect:
    """The effect of changing the setting `section.name`."""
    if key in _DAEMON:
        return Effect.DAEMON
    return Effect.WORKER if key in _WORKER else Effect.LIVE


def every_key() -> list[str]:
    """`section.name` of every setting, in the order of the file; an array of tables counts as one."""
    keys: list[str] = []
    for section in msgspec.structs.fields(Settings):
        array = get_origin(section.type) is tuple
        keys += [section.name] if array else [f"{section.name}.{name}" for name in section.type.__struct_fields__]
    return keys


def diff(old: Settings, new: Settings) -> list[Change]:
    """What has changed between two settings, in the order of the file, and what that takes."""
    return [Change(key, effect_of(key)) for key in every_key() if _value(old, key) != _value(new, key)]


def _value(settings: Settings, key: str) -> object:
    section, _, name = key.partition(".")
    value = getattr(settings, section)
    return getattr(value, name) if name else value
