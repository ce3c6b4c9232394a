"""Keys by the `keyboard` package: root only on Linux, and blind to keyboards that are plugged in later.

Owns: the process that it lives in (it starts threads, and ends its process on trouble). Leaves to others: what keys
mean.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

from whisperctl.hotkey.backend import Backend, BackendError, Chords, Report
from whisperctl.hotkey.bindings import Binding
from whisperctl.insert.desktop import Obstacle


class Keyboard(Backend):
    name = "keyboard"

    def obstacle(self) -> Obstacle | None:
        if find_spec("keyboard") is None:
            return Obstacle("the package keyboard is not installed", "install whisperd again, or use another backend")
        if os.geteuid() != 0:
            return Obstacle(
                "the keyboard package works for root only on Linux", "use another backend: evdev does the same"
            )
        if not os.path.isdir("/dev/input"):
            return Obstacle("there are no input devices in /dev/input", "use another backend")
        return None

    def watch(self, bindings: "tuple[Binding, ...]", ready: Callable[[], None], report: Report) -> None:
        chords = Chords(bindings, report)
        command = [sys.executable, "-m", "whisperctl.hotkey.keyboard_process"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                for line in process.stdout:
                    match line.split():
                        case ["ready"]:
                            ready()
                        case [code, ("down" | "up") as way]:
                            chords.key("keyboard", int(code), way == "down")
                        case _:
                            break
            finally:
                process.kill()
        raise BackendError("the keyboard package's process ended", "its last words stand above; evdev does the same")
