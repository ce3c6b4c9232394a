"""Whose a path is: which paths below a watched folder are its own, for events and scans alike.

Owns: that one rule. Leaves to others: finding out which folders and trees there are (`root`, `service`), and looking
(`scanner`). Pure.

A folder inside a watched one belongs to the innermost watched folder around it, whatever that one does with its files
(nothing, when it is switched off), and a tree that audio is moved into, or that transcripts are mirrored to, belongs to
nobody. So no file is transcribed twice or treated by the rules of a folder further out.
"""

import os

import msgspec

from whisperd.watch.names import NameRules, NameVerdict, joined


class Claims(msgspec.Struct, frozen=True):
    """What a watched folder keeps the others from: itself, and the tree that its audio is moved to (`archives`).

    `mirrors`, where its transcripts go, it keeps from itself only: another folder's audio may well lie there. All are
    absolute paths, each as it was named and without links, since others may know it by either.
    """

    roots: frozenset[bytes]
    archives: frozenset[bytes] = frozenset()
    mirrors: frozenset[bytes] = frozenset()


class Territory(msgspec.Struct, frozen=True):
    """A watched folder's own part of what lies below it.

    `root` is its absolute path without links; `foreign` are absolute paths without links that others have, or nobody.
    """

    root: bytes
    names: NameRules
    recursive: bool
    foreign: frozenset[bytes]

    def holds(self, parent: bytes) -> bool:
        """Whether files right in `parent` (its path inside the root, empty for the root itself) are this folder's."""
        if not parent:
            return True
        if not self.recursive:
            return False
        inside = b""
        for name in parent.split(b"/"):
            if not self.names.enters(inside, name):
                return False
            inside = joined(inside, name)
            if self.path(inside) in self.foreign:
                return False
        return True

    def judge(self, parent: bytes, name: bytes) -> NameVerdict:
        """What a file called `name` in `parent` is to this folder."""
        return self.names.judge(parent, name) if self.holds(parent) else NameVerdict.IGNORED

    def path(self, inside: bytes) -> bytes:
        return os.path.join(self.root, inside)  # noqa: PTH118 - bytes


def foreign_to(own: Claims, others: frozenset[bytes]) -> frozenset[bytes]:
    """The paths that are not a folder's: what others claim, and its own trees, unless one is the folder itself."""
    return (others | own.archives | own.mirrors) - own.roots
