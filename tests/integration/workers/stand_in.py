"""A worker that does what it is told: `python stand_in.py --fd N [--exit-at-start N] [--never-ready]`.

The path of an `Open`, or the model path of a `Load`, is a list of steps, separated by semicolons. It speaks with the
real frames; the real worker's failures (a crash in a library, a hang, nonsense on the wire) can't be had on demand.
"""

import argparse
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

from whisperd.frames import (
    Call,
    Failed,
    FailureKind,
    FileIdentity,
    LanguageDetected,
    Load,
    Loaded,
    Open,
    Opened,
    Ready,
    Reply,
    receive_call,
)
from whisperd.framing import encode


class StandIn:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._calls = 0
        self._kept: list[bytes] = []

    def serve(self) -> None:
        self._connection.sendall(encode(Ready(os.getpid())))
        while (call := receive_call(self._connection)) is not None:
            self._calls += 1
            assert isinstance(call, Open | Load)
            steps = call.source.path.decode() if isinstance(call, Open) else call.model_path
            for step in steps.split(";"):
                self._take(step.strip().split(" ", 1), call)

    def _take(self, step: list[str], call: Call) -> None:
        match step:
            case ["reply", *_]:
                self._connection.sendall(encode(self._reply(call)))
            case ["fail"]:
                self._connection.sendall(encode(Failed(FailureKind.IO, "the disk did not answer", "look at the cable")))
            case ["fail", kind]:
                self._connection.sendall(encode(Failed(FailureKind(kind), f"this failed by {kind}", "look at it")))
            case ["on", rest]:  # on DEVICE STEP
                device, step = rest.split(" ", 1)
                if isinstance(call, Load) and call.device == device:
                    self._take(step.split(" ", 1), call)
            case ["hang"]:
                signal.pause()
            case ["touch", path]:
                Path(path).touch()
            case ["await", path]:
                while not Path(path).exists():
                    time.sleep(0.005)
            case ["exit", status]:
                os._exit(int(status))
            case ["kill", number]:
                os.kill(os.getpid(), int(number))
            case ["close"]:
                self._connection.close()
                signal.pause()
            case ["answer", "another call"]:
                self._connection.sendall(encode(LanguageDetected("en", 1.0)))
            case ["nonsense"]:
                self._connection.sendall(struct.pack(">I", 5) + b"hello")
            case ["too", "much"]:
                self._connection.sendall(struct.pack(">I", 0xFFFFFFFF))
            case ["half", "a reply"]:
                self._connection.sendall(encode(self._reply(call))[:-3])
                os._exit(0)
            case ["grow", megabytes]:
                self._kept.append(os.urandom(1 << 20) * int(megabytes))
            case _:
                raise AssertionError(f"no such step: {step}")

    def _reply(self, call: Call) -> Reply:
        """What was asked for; the number of the call is in `mtime_ns` or `seconds`, the size of its path in `size`."""
        if isinstance(call, Load):
            return Loaded("fingerprint", "stand-in", call.device, "int8", 1, False, float(self._calls))
        assert isinstance(call, Open)
        identity = FileIdentity(0, 0, len(call.source.path), self._calls, "")
        return Opened(identity, None, "wav", "pcm_s16le", 16_000, 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--exit-at-start", type=int)
    parser.add_argument("--never-ready", action="store_true")
    arguments = parser.parse_args()
    if arguments.exit_at_start is not None:
        sys.exit(arguments.exit_at_start)
    if arguments.never_ready:
        signal.pause()
    StandIn(socket.socket(fileno=arguments.fd)).serve()


if __name__ == "__main__":
    main()
