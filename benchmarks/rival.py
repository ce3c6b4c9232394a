"""What the daemon is compared with, in a process of its own, so that it is scheduled as the daemon's worker is.

Owns: starting it in a session of its own, and the conversation, which goes line by line: the rival is told its task as
JSON, and answers every further line with one.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@contextlib.contextmanager
def rival(module: str, task: "DataclassInstance") -> Iterator[Callable[[str], str]]:
    """`python -m MODULE` with its task, as a function from a line to its answer."""
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        to_it, from_it = process.stdin, process.stdout

        def ask(line: str) -> str:
            to_it.write(line + "\n")
            to_it.flush()
            return from_it.readline()

        to_it.write(json.dumps(asdict(task)) + "\n")
        to_it.flush()
        try:
            yield ask
        finally:
            to_it.close()
