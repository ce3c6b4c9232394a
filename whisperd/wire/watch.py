"""Parameters and results of `watch.*`.

Owns: those shapes. Leaves to others: what a folder's rules are (`whisperd.jobs.folder`).
"""

from typing import Annotated

from msgspec import Meta, Struct, field

from whisperd.jobs.folder import FileState, FolderRules, FolderState
from whisperd.wire import names
from whisperd.wire.types import Params

FolderId = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class WatchListParams(Params, frozen=True):
    """With an `id`, that folder and a page of its files: those of `states` (empty: all), oldest find first."""

    id: FolderId | None = None
    states: list[FileState] = field(default_factory=list[FileState])
    limit: Annotated[int, Meta(ge=1, le=names.MAX_PAGE)] = names.DEFAULT_PAGE
    cursor: str | None = None


class WatchAddParams(Params, frozen=True):
    """A folder by absolute path; it need not exist yet. `new_only`: what is there by now is left alone."""

    path: str | None = None
    path_b64: str | None = None
    rules: FolderRules = FolderRules()
    new_only: bool = False


class WatchSetParams(Params, frozen=True):
    """All rules of the folder, in place of those it has."""

    id: FolderId
    rules: FolderRules


class WatchFolderParams(Params, frozen=True):
    id: FolderId


class WatchRescanParams(Params, frozen=True):
    """All folders without an `id`. `again`: also what failed, was cancelled or lost its transcript. `dry_run`: say what
    would be done, and do nothing."""

    id: FolderId | None = None
    again: bool = False
    dry_run: bool = False


class FolderCounts(Struct, frozen=True):
    """Files by what became of them; `found` is all that are known, `settling` those that are not finished yet."""

    found: int = 0
    settling: int = 0
    queued: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    cancelled: int = 0
    gone: int = 0
    left: int = 0


class FolderView(Struct, frozen=True):
    """A watched folder. `origin` is `config` or `command`; `reason` says why it is in its state."""

    id: int
    path: str
    origin: str
    state: FolderState
    rules: FolderRules
    counts: FolderCounts
    reason: str | None = None
    path_b64: str | None = None
    last_found: str | None = None
    last_found_at: str | None = None
    last_scan_at: str | None = None
    last_error: str | None = None


class WatchedFile(Struct, frozen=True):
    """A file of a watched folder, by its path inside it. `state` is a `FileState`, or `settling`; `reason` says why."""

    path: str
    state: str
    path_b64: str | None = None
    reason: str | None = None
    job: int | None = None
    changed_at: str | None = None


class WatchListResult(Struct, frozen=True):
    """`files` is null unless a folder's were asked for; those that settle come with the first page."""

    folders: list[FolderView]
    files: list[WatchedFile] | None = None
    next_cursor: str | None = None


class WatchFolderResult(Struct, frozen=True):
    folder: FolderView


class WatchRemoveResult(Struct, frozen=True):
    removed: bool = True


class PlannedFile(Struct, frozen=True):
    """What a scan would do with a file: `queue`, `wait`, `follow` (it was renamed), `done`, `keep` or `skip`."""

    folder: int
    path: str
    decision: str
    path_b64: str | None = None
    reason: str | None = None


class WatchRescanResult(Struct, frozen=True):
    """`found` files are looked into now; with `dry_run`, `planned` has the first of them and `decisions` counts all."""

    folders: list[FolderView]
    found: int
    decisions: dict[str, int] = {}
    planned: list[PlannedFile] = []
