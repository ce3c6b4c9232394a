"""A download in a process of its own, seen from the daemon.

Owns: starting `whisperd.puller`, reading its messages, and its end. Leaves to others: the download (`whisperd.puller`),
which one is made when, and who is told (`whisperd.pulls`).
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from msgspec import DecodeError

from whisperd.models.catalog import MODELS, canonical
from whisperd.puller.messages import Failed, Message, PullFailure, decode

_log = logging.getLogger(__name__)

SILENCE_DEADLINE = 300.0
"""Seconds without a message after which a download counts as hung: the library retries by itself for about a minute."""

_LONGEST_LINE = 1 << 16


def repository_of(name: str) -> str | None:
    """Where a model can be pulled from: a known name's repository, or the `owner/name` that it is; else None."""
    name = canonical(name)
    if name in MODELS:
        return MODELS[name].repository
    owner, slash, model = name.partition("/")
    return name if slash and owner and model and "/" not in model and owner[0] not in ".~" else None


def folder_name(name: str) -> str:
    """The folder of a pulled model below `models/`: its name; `owner--name` for a repository's."""
    return canonical(name).replace("/", "--")


def part_folder(folder: Path) -> Path:
    """Where the files of a pull lie until all of them are there."""
    return folder.with_name(f".{folder.name}.part")


async def pull(repository: str, into: Path, reserve: int, told: Callable[[Message], None]) -> Message:
    """Download the model, telling of every message; the last one, `Pulled` or `Failed`.

    `reserve` bytes stay free on the disk. Cancelling ends the process; what it has downloaded is kept. Raises OSError
    when no process can be started.
    """
    command = [sys.executable, "-m", "whisperd.puller", "--parent", str(os.getpid()), "--repository", repository]
    command += ["--into", str(into), "--reserve", str(reserve)]
    process = await anyio.open_process(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=None, start_new_session=True
    )
    last: Message = Failed(PullFailure.INTERNAL, "the download ended without a word", "whisperd's log has the reason")
    try:
        async for message in _messages(process):
            told(message)
            last = message
        await process.wait()
    except TimeoutError:
        return Failed(
            PullFailure.NETWORK,
            f"nothing was heard of the download for {SILENCE_DEADLINE:.0f} s",
            "check the network and pull again: it goes on where it ended",
        )
    finally:
        await _end(process)
    if isinstance(last, Failed) or process.returncode == 0:
        return last
    return Failed(
        PullFailure.INTERNAL, f"the download ended with status {process.returncode}", "whisperd's log has the reason"
    )


async def _messages(process: Process) -> AsyncIterator[Message]:
    assert process.stdout is not None
    reader = BufferedByteReceiveStream(process.stdout)
    while True:
        try:
            with anyio.fail_after(SILENCE_DEADLINE):
                line = await reader.receive_until(b"\n", _LONGEST_LINE)
            yield decode(line)
        except (anyio.EndOfStream, anyio.IncompleteRead):
            return
        except (DecodeError, anyio.DelimiterNotFound) as error:
            _log.error("the download said something that is no message: %s", error)
            return


async def _end(process: Process) -> None:
    with anyio.CancelScope(shield=True):
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        await process.aclose()
