"""Whether anybody has a file open for writing, by the kernel's read lease.

Owns: that one question. Leaves to others: what follows from the answer (`finished`).

fcntl(2): a read lease is refused with EAGAIN while the file is open for writing anywhere on this machine, shared
writable mappings included. The lease is given back at once; a writer that opens the file in that moment waits for it
and sends us SIGIO, whose default is death: `ignore_lease_breaks` comes first.
"""

import errno
import fcntl
import signal


def ignore_lease_breaks() -> None:
    """To be called once, in the main thread, before the first look."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)


def is_open_for_writing(descriptor: int) -> bool | None:
    """Of a file that was opened for reading; None where it can't be told: no leases on this file system, or the file is
    another user's."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    return False
