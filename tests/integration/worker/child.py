"""A real worker process on a socketpair, and a whole file through it, for the tests in this folder."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import whisperd
from tests.harness import PATIENCE
from whisperd.frames import (
    AudioContext,
    BlockPlan,
    Call,
    ChunkResult,
    Decode,
    Decoded,
    DecodeOptions,
    Failed,
    Load,
    Loaded,
    Open,
    Opened,
    Plan,
    Planned,
    Ready,
    Reply,
    Source,
    decode_reply,
)
from whisperd.framing import PREFIX_SIZE, encode, frame_length
from whisperd.jobs.batching import group

MODEL = str(Path(whisperd.__file__).parent / "data" / "test-en")
ROOT = Path(whisperd.__file__).parent.parent
PLAIN = DecodeOptions(language="en")
R = TypeVar("R", bound=Reply)


class Child:
    """`python -m whisperd.worker`, spoken to from here; ended when the block is left."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None, own_session: bool = False) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(90)
        command = [sys.executable, "-m", "whisperd.worker", "--fd", str(theirs.fileno()), "--parent", str(os.getpid())]
        self.process = subprocess.Popen(
            [*command, *arguments],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            start_new_session=own_session,
        )
        theirs.close()

    def __enter__(self) -> Self:
        try:
            assert self.receive() == Ready(self.process.pid)
        except BaseException:
            print(self.end())
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def send(self, call: Call) -> None:
        self.socket.sendall(encode(call))

    def receive(self) -> Reply:
        return decode_reply(self._exactly(frame_length(self._exactly(PREFIX_SIZE))))

    def call(self, call: Call, expected: type[R]) -> R:
        self.send(call)
        reply = self.receive()
        assert isinstance(reply, expected), reply
        return reply

    def load(self) -> Loaded:
        return self.call(Load(MODEL, threads=2), Loaded)

    def open(self, path: Path | bytes) -> tuple[Source, Opened]:
        """The file's source with its identity, and what the worker says about it."""
        name = path if isinstance(path, bytes) else os.fsencode(path)
        opened = self.call(Open(Source(name)), Opened)
        return Source(name, opened.identity), opened

    def fails(self, call: Call) -> Failed:
        return self.call(call, Failed)

    def memory(self) -> int:
        """Resident bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def page_faults(self) -> int:
        """How often the kernel had to find a page of memory, so far."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(after_name[7])  # minflt, the tenth field of proc(5), the name being the second

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def end(self) -> str:
        """Close the socket as a daemon that ends does; what the worker printed."""
        self.socket.close()
        try:
            output, _ = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        return output.decode()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError("the worker closed its end")
            data += part
        return data


@contextlib.contextmanager
def loaded_worker() -> Iterator[Child]:
    with Child() as child:
        child.load()
        yield child


def plans(
    child: Child, source: Source, context: AudioContext = AudioContext.FULL, start: int = 0
) -> Iterator[BlockPlan]:
    """The plan of every block from sample `start` on."""
    position: int | None = start
    while position is not None:
        plan = child.call(Plan(source, position, context), Planned).plan
        yield plan
        position = plan.next_start


def decode(child: Child, source: Source, plan: BlockPlan, options: DecodeOptions = PLAIN) -> list[ChunkResult]:
    """The results of all batches of a plan, in order of their chunks."""
    results: dict[int, ChunkResult] = {}
    for batch in group(plan.chunks, 4):
        call = Decode(source, (plan.start, plan.end), tuple(plan.chunks[index] for index in batch), options)
        results.update(zip(batch, child.call(call, Decoded).results, strict=True))
    return [results[index] for index in sorted(results)]


def transcribe(
    child: Child, path: Path, context: AudioContext = AudioContext.FULL, options: DecodeOptions = PLAIN
) -> str:
    """The text of a file."""
    source, _ = child.open(path)
    found = [result for plan in plans(child, source, context) for result in decode(child, source, plan, options)]
    return " ".join(segment.text.strip() for result in found for segment in result.segments)
