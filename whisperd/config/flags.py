"""The daemon's flags: what the command line puts over the file, at the start and at every reload alike.

Owns: joining the two, and the places that follow from both. Leaves to others: parsing the command line
(`whisperd.__main__`), reading the file (`load`).
"""

from pathlib import Path

import msgspec

from whisperd.config.load import load
from whisperd.config.settings import LogFormat, LogLevel, ModelSettings, Settings
from whisperd.wire import names


class Flags(msgspec.Struct, frozen=True):
    """Flags of `whisperd run`; None where one was not given. Paths are absolute."""

    config: Path | None = None
    socket: Path | None = None
    state_dir: Path | None = None
    model: str | None = None
    log_level: LogLevel | None = None
    log_format: LogFormat | None = None


def read(flags: Flags) -> Settings:
    """The settings in force, read from the file that the flags name, or the one in the default place.

    Reads a file, which may block. Raises ConfigError.
    """
    return apply(flags, load(flags.config))


def apply(flags: Flags, settings: Settings) -> Settings:
    """The settings in force: a flag wins over the file."""
    replace = msgspec.structs.replace
    if flags.model is not None:
        settings = replace(settings, models=replace(ModelSettings(default=flags.model), **_kept(settings.models)))
    if flags.socket is not None:
        settings = replace(settings, socket=replace(settings.socket, path=flags.socket))
    if flags.state_dir is not None:
        settings = replace(settings, state=replace(settings.state, dir=flags.state_dir))
    log = replace(
        settings.log, level=flags.log_level or settings.log.level, format=flags.log_format or settings.log.format
    )
    return replace(settings, log=log)


def _kept(models: ModelSettings) -> dict[str, object]:
    """What `--model`, which names one for every kind of work, leaves of the file's section."""
    named = {"default", "dictation", "file"}
    return {name: getattr(models, name) for name in models.__struct_fields__ if name not in named}


def state_dir(settings: Settings) -> Path:
    """The state folder in force; absolute."""
    return settings.state.dir or Path(names.state_dir())


def socket_path(settings: Settings) -> Path:
    """The control socket in force; absolute."""
    return settings.socket.path or Path(names.socket_path(str(state_dir(settings))))
