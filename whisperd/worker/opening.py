"""The answer to `Open`: what a file is and which one.

Owns: the order in which a file is looked at. Leaves to others: each look (`files`, `container`).
"""

import os

from whisperd.frames import Opened, Source
from whisperd.worker.container import facts
from whisperd.worker.files import identity_of, open_file


def look_at(source: Source) -> Opened:
    """What the file is. Identifies anew what has no identity yet; what has one is only checked.

    The header comes before the digest, for which all of the file is read: one of terabytes that can be no recording is
    refused at once. Raises WorkError, and OSError when the disk can't be read.
    """
    descriptor = open_file(source.path)
    try:
        found = facts(descriptor, source.path)
        identity = identity_of(descriptor, source)
    finally:
        os.close(descriptor)
    return Opened(
        identity=identity,
        duration=found.duration,
        container=found.container,
        codec=found.codec,
        sample_rate=found.sample_rate,
        channels=found.channels,
    )
