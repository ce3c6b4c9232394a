"""Which file, in which version: what `stat` tells without reading a byte.

Owns: comparing versions, and the signature by which a file that is on its way is known again. Leaves to others: what
the file holds (the digest in `whisperd.frames.FileIdentity`, made in the worker).
"""

import hashlib
import os

import msgspec

from whisperd.jobs.job import Options

_INODES = 2**63 - 1
"""Inode numbers are kept in SQLite's signed integers; network file systems use all 64 bits."""


class Version(msgspec.Struct, frozen=True):
    device: int
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, found: os.stat_result) -> "Version":
        return cls(found.st_dev, found.st_ino & _INODES, found.st_size, found.st_mtime_ns)

    def same_at_its_path(self, other: "Version") -> bool:
        """Whether a path that had `other` still holds the same.

        A device's number may change when it is mounted again, and inodes mean nothing across devices; another inode
        on the same device is a file that took the other's place.
        """
        unchanged = (self.size, self.mtime_ns) == (other.size, other.mtime_ns)
        return unchanged and (self.inode == other.inode or self.device != other.device)


def signature(version: Version, options: Options, path: bytes | None = None) -> str:
    """The same for the same version of the same file with the same options; with a `path`, under that name only, which
    is for a file with several names: each is to have its transcript."""
    text = f"{version.device}:{version.inode}:{version.size}:{version.mtime_ns}".encode()
    named = b"" if path is None else b"\0" + path + b"\0"
    return hashlib.blake2b(text + named + msgspec.json.encode(options), digest_size=16).hexdigest()
