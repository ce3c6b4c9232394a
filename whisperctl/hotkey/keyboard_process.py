"""`python -m whisperctl.hotkey.keyboard_process`: prints `CODE down` and `CODE up` for every key of the machine.

Owns: the `keyboard` package, alone in its process. It ends when its standard input does: with its parent.
"""

import importlib
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json


def main() -> None:
    keyboard: Json = importlib.import_module("keyboard")  # it has no types

    def tell(event: "Json") -> None:
        print(event.scan_code, event.event_type, flush=True)

    keyboard.hook(tell)
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
