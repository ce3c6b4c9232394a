"""Which jobs may be in progress beside each other and share decoding batches: those of one company. Pure.

Owns: the name of a company. Leaves to others: how many of it are started (`policy`), and which of their chunks are
decoded together (`whisperd.shared`).
"""

import hashlib

import msgspec

from whisperd.jobs.job import Options

WATCHED = "watch"
"""The scope of watched files, whatever folder they come from."""


def company_of(scope: str, options: Options) -> str:
    """The same for jobs of one scope (a batch, the watched folders) that are to be decoded with the same options; which
    files are written of them, and where, does not matter."""
    decoding = msgspec.structs.replace(options, formats=(), output_dir=None)
    return hashlib.blake2b(scope.encode() + b"\0" + msgspec.json.encode(decoding), digest_size=12).hexdigest()
