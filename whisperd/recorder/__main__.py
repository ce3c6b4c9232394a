"""The recorder process: `python -m whisperd.recorder --fd N --parent PID`.

Owns: the order in which it starts, the loop over calls, and that one recording is made at a time. Started by the daemon
only; frames travel on the given socket, standard output is the log. It ends with the daemon: what it has recorded is a
valid file at every moment.
"""

import argparse
import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
from typing import Any

from whisperd.framing import FrameError, encode, receive_body
from whisperd.lifeline import OrphanedError, follow
from whisperd.recorder import messages
from whisperd.recorder.messages import Message
from whisperd.recorder.recording import Recording
from whisperd.recorder.sources import RefusedError, input_devices, open_source, sound_library
from whisperd.recorder.wav import GrowingWav


class Recorder:
    """Answers calls from the daemon, one recording at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        self._recording: Recording | None = None

    def serve(self) -> None:
        """Answer calls until end of file. Raises FrameError, OSError."""
        self._tell(messages.Ready(os.getpid()))
        while (body := receive_body(self._connection)) is not None:
            match messages.decode_call(body):
                case messages.Record() as call:
                    self._tell(self._record(call))
                case messages.Stop():
                    if self._recording:
                        self._recording.stop()
                case messages.ListDevices():
                    self._tell(_devices())

    def _record(self, call: messages.Record) -> Message:
        if self._recording:
            self._recording.join()
            self._recording = None
        try:
            source = open_source(call.device)
            recording, path = self._begin(source, call)
        except RefusedError as refused:
            return messages.Refused(refused.message, refused.hint)
        except OSError as error:
            return messages.Refused(
                f"no recording can be made in {call.folder}: {error.strerror}", "check the disk and the folder's owner"
            )
        self._recording = recording
        return messages.Opened(path, source.name, source.rate, source.channels)

    def _begin(self, source: Any, call: messages.Record) -> tuple[Recording, str]:
        try:
            wav = GrowingWav(call.folder, call.stem)
        except OSError:
            source.close()
            raise
        recording = Recording(source, wav, self._tell)
        try:
            recording.start()
        except RefusedError:
            source.close()
            wav.discard()
            raise
        return recording, wav.path

    def _tell(self, message: Message) -> None:
        with self._sending:
            self._connection.sendall(encode(message))


def _devices() -> Message:
    try:
        return messages.Devices(input_devices())
    except RefusedError as refused:
        return messages.Refused(refused.message, refused.hint)


def _hush_alsa() -> None:
    """ALSA writes a screenful about every device that is not there; what matters comes as an error of PortAudio."""
    try:
        alsa = ctypes.CDLL("libasound.so.2")
    except OSError:
        return
    handler = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p)
    _hush_alsa.kept = kept = handler(lambda *_: None)  # type: ignore[attr-defined]
    alsa.snd_lib_error_set_handler(kept)


def main() -> int:
    """The exit status. 0: the daemon closed its end; 1: it is gone or talks nonsense."""
    parser = argparse.ArgumentParser(prog="whisperd.recorder", description="whisperd's microphone, started by it.")
    parser.add_argument("--fd", type=int, required=True, help="the socket that calls come in on")
    parser.add_argument("--parent", type=int, required=True, help="the daemon's process id")
    arguments = parser.parse_args()
    try:
        follow(arguments.parent, "whisperd-record")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _hush_alsa()
        with contextlib.suppress(RefusedError):  # told when a recording is asked for
            sound_library()
        Recorder(socket.socket(fileno=arguments.fd)).serve()
    except OrphanedError:
        print("the daemon was gone before this recorder began", file=sys.stderr, flush=True)
        return 1
    except (FrameError, OSError) as error:
        print(f"the connection to the daemon broke: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    # Not sys.exit: a sound library that waits for a dead device must not keep the process.
    os._exit(main())
