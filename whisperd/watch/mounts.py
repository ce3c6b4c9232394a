"""Which file system a folder lies on, and whether it tells of what others do to it.

Owns: reading the kernel's list of mounts. Leaves to others: what follows from it (`folder`).
"""

import re
from pathlib import Path
from typing import Final

_REMOTE: Final = frozenset({
    "9p", "afs", "autofs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs",
    "nfs4", "ocfs2", "orangefs", "prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs",
})  # fmt: skip
_ESCAPE: Final = re.compile(rb"\\([0-7]{3})")


def is_remote(file_system: str) -> bool:
    """Whether others may change files there without the kernel knowing: network, shared and FUSE file systems.

    `fuseblk` (NTFS, exFAT) is a disk of this machine's, but has neither leases nor reliable events.
    """
    return file_system in _REMOTE or file_system.partition(".")[0] in ("fuse", "fuseblk")


def file_system(path: bytes, mountinfo: bytes | None = None) -> str:
    """The type of the file system that holds an absolute path without links, as `/proc/self/mountinfo` names it."""
    if mountinfo is None:
        mountinfo = Path("/proc/self/mountinfo").read_bytes()
    best, found = -1, "unknown"
    for line in mountinfo.splitlines():
        # proc(5): id, parent, device, root, mount point, options, optional fields …, "-", type, source, options
        fields, _, rest = line.partition(b" - ")
        point = _ESCAPE.sub(lambda octal: bytes([int(octal[1], 8)]), fields.split(b" ")[4])
        inside = path == point or path.startswith(point.rstrip(b"/") + b"/")
        if inside and len(point) >= best:  # a later mount on the same point hides the earlier one
            best, found = len(point), rest.split(b" ")[0].decode("ascii", "replace")
    return found
