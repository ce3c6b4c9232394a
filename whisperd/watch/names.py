"""Which names in a drop folder are audio that is wanted: a pure rule on bytes.

Owns: hidden and unfinished names, patterns, own and imported recordings. Leaves to others: what the file is and whether
it is finished (`scanner`, `finished`).
"""

import enum
import fnmatch
import os
import re
from collections.abc import Iterable
from typing import Final

from whisperd.jobs.folder import FolderRules, Recordings
from whisperd.wire import names

UNFINISHED: Final = (
    ".part", ".partial", ".crdownload", ".download", ".opdownload", ".filepart", ".tmp", ".temp", ".unconfirmed",
    ".!ut", ".!qb",
)  # fmt: skip
"""What browsers, download programs and copying tools append to a name until the file is complete."""

PLAYLISTS: Final = (".m3u", ".m3u8", ".pls", ".xspf", ".cue", ".asx", ".wpl")

VOICE_NOTE: Final = "-voice-note"
"""How the stems of whisperd's own recordings end."""


class NameVerdict(enum.Enum):
    WANTED = "wanted"
    IGNORED = "ignored"
    """Not ours to look at: another suffix, hidden, unfinished (it waits for its rename), or ignored by a rule."""
    PLAYLIST = "playlist"
    """Lies among audio and looks like it to a person, but holds none: refused with that reason."""


class NameRules:
    """A folder's rules on names, compiled."""

    def __init__(self, rules: FolderRules) -> None:
        self._recordings = rules.recordings
        self._patterns = _compiled(rules.patterns or [f"*{suffix}" for suffix in names.AUDIO_SUFFIXES])
        self._ignored = _compiled(pattern for pattern in rules.ignore if "/" not in pattern)
        self._ignored_paths = _compiled(pattern.strip("/") for pattern in rules.ignore if "/" in pattern)

    def judge(self, parent: bytes, name: bytes) -> NameVerdict:
        """`parent` is the path inside the folder, empty at its top."""
        text = os.fsdecode(name).lower()
        if is_hidden(name) or text.endswith(UNFINISHED) or self._is_ignored(parent, name):
            return NameVerdict.IGNORED
        if text.endswith(PLAYLISTS):
            return NameVerdict.PLAYLIST
        if not self._patterns.fullmatch(text) or not self._is_wanted_recording(text):
            return NameVerdict.IGNORED
        return NameVerdict.WANTED

    def enters(self, parent: bytes, name: bytes) -> bool:
        """Whether a folder inside is looked into."""
        return not is_hidden(name) and not self._is_ignored(parent, name)

    def _is_ignored(self, parent: bytes, name: bytes) -> bool:
        if self._ignored.fullmatch(os.fsdecode(name).lower()):
            return True
        return bool(self._ignored_paths.fullmatch(os.fsdecode(joined(parent, name)).lower()))

    def _is_wanted_recording(self, text: str) -> bool:
        if self._recordings is Recordings.ALL:
            return True
        own = text.rpartition(".")[0].endswith(VOICE_NOTE)
        return own is (self._recordings is Recordings.OWN)


def joined(parent: bytes, name: bytes) -> bytes:
    """The path inside the folder."""
    return parent + b"/" + name if parent else name


def is_hidden(name: bytes) -> bool:
    """Dot-files, which is also how rsync and editors name what is not complete; `~` marks backups and locks."""
    return name.startswith((b".", b"~")) or name.endswith(b"~")


def _compiled(patterns: Iterable[str]) -> re.Pattern[str]:
    """One expression for all; for none, one that nothing matches."""
    return re.compile("|".join(fnmatch.translate(pattern.lower()) for pattern in patterns) or r"(?!)")
