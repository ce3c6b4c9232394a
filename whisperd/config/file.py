"""Reading the bytes of a configuration file, wherever its path leads.

Owns: that nothing but a regular file of a sensible size is read: a pipe would never end, nor would a device. Leaves to
others: what the bytes mean (`load`).
"""

import os
import stat
from pathlib import Path
from typing import Final

from whisperd.errors import ConfigError
from whisperd.printable import printable

LARGEST: Final = 1 << 20
"""Bytes; the file with every setting has some thousands."""


def read_file(file: Path) -> bytes:
    """The file's bytes; none of `/dev/null`. Raises FileNotFoundError, ConfigError."""
    try:
        # Without O_NONBLOCK opening a pipe waits for its writer.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except ValueError:
        raise ConfigError("a path has no NUL byte", hint="check the path") from None
    except OSError as error:
        raise ConfigError(f"can't read the configuration file {printable(file)}: {error.strerror}") from error
    try:
        data = _content(descriptor, file)
    except OSError as error:
        raise ConfigError(f"can't read the configuration file {printable(file)}: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise ConfigError(
            f"the configuration file {printable(file)} has more than {LARGEST >> 20} MB", hint="check the path"
        )
    return data


def _content(descriptor: int, file: Path) -> bytes:
    """As much of it as is ever wanted, and a byte more."""
    found = os.fstat(descriptor)
    if os.path.samestat(found, Path(os.devnull).stat()):
        return b""
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(
            f"can't read the configuration file {printable(file)}: Is a {_kind(found.st_mode)}",
            hint="name a regular file, which can be read again when it changes",
        )
    data = bytearray()
    while len(data) <= LARGEST and (part := os.read(descriptor, LARGEST + 1 - len(data))):
        data += part
    return bytes(data)


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "directory", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return kinds.get(stat.S_IFMT(mode), "device")
