"""How this process takes memory from the system and gives it back.

Owns: the settings of the C library's allocator. A model's steps need the same few large blocks again and again. glibc
by default returns a large block when it is freed and has the next one filled with zeros by the kernel, page by page:
400,000 page faults a chunk with a model of `small`'s cost, a fifth of all processor time on two cores. Here what was
freed stays with the process for the next step. Other C libraries are left as they are.

Leaves to others: when memory is given back (`serve` when there is no work, `handlers` before another model is loaded).
"""

import ctypes
from contextlib import suppress
from typing import Final

# Names and numbers as in glibc's malloc.h; what they mean is in mallopt(3).
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_MAX: Final = -4
_M_ARENA_MAX: Final = -8

_NEVER_TRIM: Final = -1


def keep_freed_blocks() -> None:
    """Reuse freed memory instead of returning it. To be called before there are threads, which take arenas."""
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):
        # A thread's own arena is made of pieces of 64 MB at most: a larger block would be mapped and unmapped still.
        libc.mallopt(_M_ARENA_MAX, 1)
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER_TRIM)


def return_freed_blocks() -> None:
    """Give the system all that this process holds and doesn't use."""
    libc = ctypes.CDLL(None)
    with suppress(AttributeError):
        libc.malloc_trim(0)
