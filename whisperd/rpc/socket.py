"""The daemon's socket file: made so that nobody else can reach it, and removed only if it is still ours.

Owns: its folder's checks, binding, and removal. Leaves to others: the lock that decides who is the daemon (it must be
held before a socket is bound here, because a stale file is replaced), and serving (`server`).

The libraries' own ways to listen (`asyncio.start_unix_server`, `anyio.create_unix_listener`) unlink a live socket and
are open to others for a moment; hence this one.
"""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Generator
from pathlib import Path
from typing import Final

from whisperd.errors import AlreadyRunningError, ConfigError, UnsafePathError

MAX_PATH: Final = 107
"""Bytes of a socket's path on Linux: `sun_path` has 108, the last one is NUL (unix(7))."""

LISTEN_FDS_START: Final = 3
"""The first descriptor that a service manager passes (sd_listen_fds(3))."""

_BACKLOG: Final = 128


def passed_socket() -> socket.socket | None:
    """The listening socket that a service manager started us with (sd_listen_fds(3)); None where there is none.

    The variables are removed: they are not for our children. Raises `ConfigError` for more than one socket, or one that
    is something else.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    os.environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or count in ("", "0"):
        return None
    if count != "1":
        raise ConfigError(
            f"the service manager passed {count} sockets; whisperd listens on one",
            hint="write the units anew with `whisperctl service install`",
        )
    passed = adopt(LISTEN_FDS_START)
    passed.set_inheritable(False)
    return passed


@contextlib.contextmanager
def open_listener(path: Path, passed: socket.socket | None = None) -> Generator[socket.socket]:
    """A socket that listens on `path`, an absolute one; leaving closes it, and removes the file if it is still ours.

    With `passed`, a copy of that socket, whose file belongs to whoever made it.

    Raises `ConfigError` for a path that is too long, `UnsafePathError` for a folder or file that must be ours and is
    not, and `AlreadyRunningError` where another daemon listens there.
    """
    if passed is not None:
        with passed.dup() as copy:
            yield copy
        return
    bound = bind(path)
    identity = _identity(path)
    try:
        yield bound
    finally:
        bound.close()
        _remove(path, identity)


def bind(path: Path) -> socket.socket:
    """A listening, non-blocking socket with mode 0600 from its first moment. Raises as `open_listener` does."""
    if len(os.fsencode(path)) > MAX_PATH:
        raise ConfigError(
            f"the socket's path {path} has {len(os.fsencode(path))} bytes, Linux allows {MAX_PATH}",
            hint="choose a shorter one with --socket or $WHISPERD_SOCKET, for the client as well",
        )
    check_folder(path.parent)
    _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        # Linux gives the file the socket's mode: unlike umask, this touches no other thread's files
        os.fchmod(listening.fileno(), 0o600)
        listening.bind(os.fspath(path))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise UnsafePathError(
            f"can't listen on {path}: {error.strerror}", hint="choose another place with --socket"
        ) from error
    return listening


def adopt(descriptor: int) -> socket.socket:
    """A listening Unix socket that was opened by whoever started us. Raises `ConfigError` if it is something else."""
    try:
        passed = socket.socket(fileno=descriptor)
    except OSError as error:
        raise ConfigError(f"descriptor {descriptor} is not a socket: {error.strerror}") from error
    listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    if passed.family != socket.AF_UNIX or passed.type != socket.SOCK_STREAM or not listens:
        passed.detach()
        raise ConfigError(f"descriptor {descriptor} is not a listening Unix stream socket")
    passed.setblocking(False)
    return passed


def check_free(path: Path) -> None:
    """Raises `AlreadyRunningError` where a daemon listens on `path`: a service manager would take its place unasked."""
    if _answers(path):
        raise AlreadyRunningError(
            f"a daemon that was started by hand listens on {path}",
            hint="stop it with `whisperctl shutdown`, then run `systemctl --user start whisperd.socket`",
        )


def check_folder(folder: Path) -> None:
    """Make the folder if it is missing. Raises `UnsafePathError` unless it is a folder of ours, closed to others."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise UnsafePathError(
            f"the socket's folder {folder} can't be made: {error.strerror}", hint="choose another place with --socket"
        ) from error
    if not stat.S_ISDIR(found.st_mode):
        raise UnsafePathError(
            f"the socket's folder {folder} is not a folder but a link", hint="give the folder itself with --socket"
        )
    if found.st_uid != os.geteuid():
        raise UnsafePathError(
            f"the socket's folder {folder} belongs to user {found.st_uid}, not to us",
            hint="choose a folder of your own with --socket",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise UnsafePathError(f"the socket's folder {folder} is open to others", hint=f"run: chmod 700 {folder}")


def _remove_stale(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
        raise UnsafePathError(f"{path} is in the way: not a socket of ours", hint="move it, or choose another --socket")
    if _answers(path):
        raise AlreadyRunningError(
            f"another daemon listens on {path}", hint="use it with whisperctl, or give this one its own --socket"
        )
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    """The lock is that of a state folder; a daemon with another state folder may still have this socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        outcome = probe.connect_ex(os.fspath(path))
    return outcome in (0, errno.EAGAIN)  # EAGAIN: its backlog is full


def _remove(path: Path, identity: tuple[int, int] | None) -> None:
    if identity is not None and _identity(path) == identity:
        path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
