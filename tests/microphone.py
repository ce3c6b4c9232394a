"""A microphone without hardware: a PulseAudio server of our own whose null sink is what is recorded.

Owns: starting the server in a private folder, making it what a daemon's ALSA finds, and playing speech into it.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.harness import Daemon, wait_for

_ASOUNDRC = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"


class VirtualMicrophone:
    """What is played is what is recorded. Use `virtual_microphone`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = {"PULSE_SERVER": f"unix:{folder}/pulse/native", "PULSE_COOKIE": f"{folder}/cookie"}
        """What a program needs to use it, besides `give_to`."""
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        environment = {**os.environ, "XDG_RUNTIME_DIR": str(self._folder), "HOME": str(self._folder)}
        modules = (
            "module-null-sink sink_name=speaker rate=16000 channels=1",
            f"module-native-protocol-unix auth-cookie={self._folder}/cookie",
        )
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--log-level=error"]
        self._processes.append(subprocess.Popen([*command, *(f"--load={m}" for m in modules)], env=environment))
        wait_for(lambda: self._pactl("info").returncode == 0)
        assert self._pactl("set-default-source", "speaker.monitor").returncode == 0
        # A sink that plays nothing hands over its first frames a second late, and ALSA does not sleep until then.
        silence = ["pacat", "--device=speaker", "--raw", "--rate=16000", "--channels=1", "--format=s16le", "/dev/zero"]
        environment = {**os.environ, **self.environment}
        self._processes.append(subprocess.Popen(silence, env=environment, stderr=subprocess.DEVNULL))

    def stop(self) -> None:
        """As if it were unplugged."""
        while self._processes:
            process = self._processes.pop()
            process.kill()
            process.wait()

    def give_to(self, daemon: Daemon) -> None:
        """Have a daemon that is started later find it as the system's default."""
        (daemon.folder / ".asoundrc").write_text(_ASOUNDRC)
        daemon.additions |= self.environment

    def play(self, path: Path) -> "subprocess.Popen[bytes]":
        """Begin to speak; the process ends when all has been said."""
        # What it holds ready must last while a busy machine runs something else, or there are gaps in the words.
        command = ["paplay", "--device=speaker", "--latency-msec=500", str(path)]
        return subprocess.Popen(command, env={**os.environ, **self.environment})

    def _pactl(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        command = ["pactl", *arguments]
        return subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, check=False)


@contextlib.contextmanager
def virtual_microphone() -> Iterator[VirtualMicrophone]:
    folder = Path(tempfile.mkdtemp(prefix="wm-"))
    microphone = VirtualMicrophone(folder)
    try:
        microphone.start()
        yield microphone
    finally:
        microphone.stop()
        shutil.rmtree(folder, ignore_errors=True)
