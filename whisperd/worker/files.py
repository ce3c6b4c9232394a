"""The file a job reads: that it is a plain file with something in it, and that it is still the same one.

Owns: opening by path without hanging (FIFOs, devices), the identity of a file and its digest, and how a path is shown
in messages. Leaves to others: what the bytes mean (`container`).
"""

import errno
import os
import stat
from hashlib import blake2b
from typing import Final

from whisperd.frames import FailureKind, FileIdentity, Source
from whisperd.worker.failures import WorkError

_DIGEST_BLOCK: Final = 1 << 20

_REASONS: Final = {
    errno.ENOENT: (
        FailureKind.INPUT_MISSING,
        "does not exist",
        "check the path; the file may have been moved or deleted",
    ),
    errno.ENOTDIR: (FailureKind.INPUT_MISSING, "does not exist: a part of its path is not a folder", "check the path"),
    errno.EACCES: (FailureKind.BAD_INPUT, "may not be read", "give your user read permission for it and its folders"),
    errno.EPERM: (FailureKind.BAD_INPUT, "may not be read", "give your user read permission for it and its folders"),
    errno.ELOOP: (
        FailureKind.BAD_INPUT,
        "is a symbolic link that leads back to itself",
        "give the path of the audio itself",
    ),
    errno.ENAMETOOLONG: (FailureKind.BAD_INPUT, "has a name that is too long", "shorten its name or path"),
}

_KINDS_OF_FILE: Final = (
    (stat.S_ISDIR, "is a folder, not a file"),
    (stat.S_ISFIFO, "is a pipe, not a file"),
    (stat.S_ISSOCK, "is a socket, not a file"),
    (stat.S_ISCHR, "is a device, not a file"),
    (stat.S_ISBLK, "is a device, not a file"),
)


def shown(path: bytes) -> str:
    """The path in one printable line: bytes that are not UTF-8 and control characters are escaped."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)


def open_file(path: bytes) -> int:
    """A read-only descriptor of the regular, non-empty file at the absolute `path`. Raises WorkError for all else."""
    name = shown(path)
    if not path.startswith(b"/") or b"\0" in path:
        raise WorkError(FailureKind.BAD_INPUT, f"{name} is not an absolute path", "give the path from the root, with /")
    try:
        # Looked at first: opening a device can do something to it.
        _refuse_special(os.stat(path), name)  # noqa: PTH116 - the path is bytes
        # O_NONBLOCK: should a FIFO have taken the file's place since, opening it must not wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        kind, what, hint = _REASONS.get(
            error.errno or 0,
            (FailureKind.IO, f"can't be opened: {error.strerror}", "check the disk or network share it lies on"),
        )
        raise WorkError(kind, f"{name} {what}", hint) from error
    try:
        _refuse_special(os.fstat(descriptor), name)
    except WorkError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_special(status: os.stat_result, name: str) -> None:
    for matches, what in _KINDS_OF_FILE:
        if matches(status.st_mode):
            raise WorkError(FailureKind.BAD_INPUT, f"{name} {what}", "give a file that holds audio")
    if status.st_size == 0:
        raise WorkError(FailureKind.BAD_INPUT, f"{name} is empty", "record or copy it again")


def identify(descriptor: int) -> FileIdentity:
    """Which file and content the descriptor reads; reads all of it for the digest."""
    status = os.fstat(descriptor)
    digest = blake2b(digest_size=32)
    offset = 0
    while block := os.pread(descriptor, _DIGEST_BLOCK, offset):
        digest.update(block)
        offset += len(block)
    return FileIdentity(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, digest.hexdigest())


def open_unchanged(source: Source, verified: FileIdentity | None = None) -> tuple[int, FileIdentity]:
    """A descriptor of the source's file, and its identity; `verified` is one that the caller has accepted before.

    Raises what `open_file` and `identity_of` raise.
    """
    descriptor = open_file(source.path)
    try:
        return descriptor, identity_of(descriptor, source, verified)
    except BaseException:
        os.close(descriptor)
        raise


def identity_of(descriptor: int, source: Source, verified: FileIdentity | None = None) -> FileIdentity:
    """The identity of what the descriptor reads, which is to be the source's file.

    A file whose device, inode, size and time of change are as before is not read again. One that differs in them may
    still hold the same content (restored, copied back, device numbers after a reboot): the digest decides. Raises
    WorkError INPUT_CHANGED when it does not.
    """
    status = os.fstat(descriptor)
    for known in (source.identity, verified):
        if known is not None and _unmoved(known, status):
            return known
    identity = identify(descriptor)
    if source.identity is not None and not identity.same_content(source.identity):
        raise WorkError(
            FailureKind.INPUT_CHANGED,
            f"{shown(source.path)} has changed since its transcription began",
            "submit it again when it is complete",
        )
    return identity


def _unmoved(known: FileIdentity, status: os.stat_result) -> bool:
    found = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return (known.device, known.inode, known.size, known.mtime_ns) == found
