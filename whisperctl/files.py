"""The files a command line names, as the daemon takes them.

Owns: absolute paths (links are left for the daemon to judge), names that are not UTF-8, the audio files of a folder,
and standard input, spooled. Leaves to others: what becomes of the jobs.

A spooled file is `stdin-TIME-RANDOM` in `spool/` of the state folder; while it is being written its name ends in
`.part` and it is locked, so that what a killed client left is told from what is in use.
"""

import os
import time

from whisperctl import render
from whisperctl.errors import CommandError, UsageError
from whisperd.wire import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from whisperctl.shapes import FileParam, Notice

STDIN = "-"
_PIECE = 1 << 20
_ABANDONED = 60.0
"""Seconds without a change after which an unlocked `.part` was left behind; a younger one may be about to be locked."""


def absolute(path: str) -> bytes:
    """The absolute path's bytes; `..` and links are kept, since only the file system knows where they lead.

    Raises `UsageError` for an empty path, which would be the current folder.
    """
    if not path:
        raise UsageError("a name of a file or folder is empty", "is a shell variable unset?")
    raw = os.path.join(os.getcwdb(), os.fsencode(path))
    parts = [part for part in raw.split(b"/") if part not in (b"", b".")]
    return b"/" + b"/".join(parts)


def of_person(path: str) -> str:
    """The absolute path of what an option names; `~` is the home folder, as a shell leaves it in `--option=~/x`."""
    return os.fsdecode(absolute(os.path.expanduser(path)))


def model_param(name: str) -> str:
    """A model for the daemon, which runs elsewhere: a path becomes absolute; `owner/name` is one where it is a folder.

    Raises `UsageError` for an empty name.
    """
    if name and not name.startswith((".", "~")) and not ("/" in name and os.path.isdir(name)):
        return name
    return of_person(name)


def file_param(path: bytes, key: str) -> "FileParam":
    """A file for `job.submit`; a name that is not UTF-8 goes as base64 of its bytes."""
    try:
        return {"path": path.decode(), "key": key}
    except UnicodeDecodeError:
        import binascii

        return {"path_b64": binascii.b2a_base64(path, newline=False).decode("ascii"), "key": key}


def found(arguments: "list[str]", notice: "Notice", pattern: "str | None" = None) -> "list[bytes]":
    """The absolute path of each file named; a folder stands for the audio files in it, sorted, at any depth.

    With a `pattern` it stands for the files whose names fit that, whatever their suffix. What does not exist stays in
    the list: the daemon says of each file what is wrong with it. Raises `UsageError` for a folder without such files.
    """
    paths: list[bytes] = []
    for argument in arguments:
        path = absolute(argument)
        if not os.path.isdir(path):
            paths.append(path)
            continue
        inside = sorted(_audio_files(path, notice, pattern))
        if not inside and pattern:
            raise UsageError(f"there are no files {pattern} in the folder {argument}")
        if not inside:
            hint = f"these are looked for: {' '.join(names.AUDIO_SUFFIXES)}"
            raise UsageError(f"there are no audio files in the folder {argument}", hint)
        notice(f"{render.safe(argument)}: {render.counted(len(inside), 'audio file')}")
        paths += inside
    return paths


def _audio_files(folder: bytes, notice: "Notice", pattern: "str | None") -> "Iterator[bytes]":
    """Hidden files and folders are left out; links to folders are not followed."""

    def unreadable(error: OSError) -> None:
        notice(f"can't look into {render.safe(os.fsdecode(error.filename))}: {error.strerror}")

    for parent, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(b".")]
        for name in files:
            if not name.startswith(b".") and _fits(name, pattern):
                yield os.path.join(parent, name)


def _fits(name: bytes, pattern: "str | None") -> bool:
    if pattern is None:
        return os.path.splitext(name)[1].lower().decode("ascii", "replace") in names.AUDIO_SUFFIXES
    from fnmatch import fnmatchcase

    return fnmatchcase(os.fsdecode(name), pattern)


def spool(source: int) -> bytes:
    """Copy a file descriptor into the spool until its end; the file's absolute path. Its content is on the disk.

    Raises `UsageError` for a terminal, `CommandError` for an empty input or a copy that fails.
    """
    if os.isatty(source):
        raise UsageError("standard input is a terminal", "give audio there: whisperctl transcribe - < speech.wav")
    folder = spool_dir()
    name = os.path.join(folder, f"stdin-{time.strftime('%Y%m%d-%H%M%S')}-{os.urandom(4).hex()}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        remove_leftovers(folder)
        copied = _copy_to(name, source)
    except OSError as error:
        raise CommandError(f"can't keep standard input in {folder}: {error.strerror}", "is the disk full?") from None
    if not copied:
        os.unlink(name)
        raise CommandError("standard input was empty: there is nothing to transcribe")
    return os.fsencode(name)


def _copy_to(name: str, source: int) -> int:
    import fcntl

    part = name + ".part"
    target = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(target, fcntl.LOCK_EX)
        copied = _copy(source, target)
        os.rename(part, name)
    except BaseException:
        os.unlink(part)
        raise
    finally:
        os.close(target)
    _sync_folder(os.path.dirname(name))
    return copied


def _copy(source: int, target: int) -> int:
    copied = 0
    while piece := os.read(source, _PIECE):
        copied += len(piece)
        left = memoryview(piece)
        while left:
            left = left[os.write(target, left) :]
    os.fsync(target)
    return copied


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def spool_dir() -> str:
    return names.state_dir() + "/spool"


def remove_leftovers(folder: str) -> None:
    """Remove what clients that were killed while spooling left behind."""
    import fcntl

    for entry in os.listdir(folder):
        if not (entry.startswith("stdin-") and entry.endswith(".part")):
            continue
        try:
            descriptor = os.open(os.path.join(folder, entry), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            continue  # its writer has just renamed it
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(descriptor).st_mtime > _ABANDONED:
                os.unlink(os.path.join(folder, entry))
        except OSError:
            continue  # its writer is alive
        finally:
            os.close(descriptor)
