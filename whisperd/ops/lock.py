"""Who is the daemon: an flock on a file in the state folder.

Owns: the state folder's creation (0700, ours) and the lock. Leaves to others: the socket, which may only be touched by
the lock's holder (`whisperd.rpc.socket`).
"""

import contextlib
import fcntl
import os
import stat
from collections.abc import Generator
from pathlib import Path

from whisperd.errors import AlreadyRunningError, UnsafePathError


def prepare_state_dir(path: Path) -> None:
    """Create the folder, readable for us alone. Raises UnsafePathError when it is not a folder of ours."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except FileExistsError as error:
        raise UnsafePathError(
            f"the state folder {path} is not a folder but a file", hint="choose another one with --state-dir"
        ) from error
    except OSError as error:
        raise UnsafePathError(
            f"the state folder {path} can't be made: {error.strerror}", hint="choose another one with --state-dir"
        ) from error
    if found.st_uid != os.getuid():
        raise UnsafePathError(
            f"the state folder {path} belongs to user {found.st_uid}, not to us",
            hint="choose another one with --state-dir",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        path.chmod(0o700)


@contextlib.contextmanager
def daemon_lock(state_dir: Path) -> Generator[None]:
    """Hold the daemon's lock.

    Raises AlreadyRunningError, naming the holder's pid, when another process has it, and UnsafePathError when the
    folder takes no file.
    """
    try:
        descriptor = os.open(state_dir / "whisperd.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UnsafePathError(
            f"the state folder {state_dir} can't be written to: {error.strerror}",
            hint="give your user write permission for it, or choose another one with --state-dir",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            raise AlreadyRunningError(
                f"whisperd is already running for {state_dir} (pid {holder or 'unknown'})",
                hint="use it with whisperctl, stop it with `whisperctl shutdown`, or give this one its own --state-dir",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(descriptor)
