"""Typing by the `keyboard` package, in a process of its own: it starts threads, and exits where it may not type.

`python -m whisperctl.insert.keyboard_process type|press`: the text, or the chord, comes by standard input.
"""

import importlib
import sys
import time

from whisperctl.keys import chord

KEY_DELAY = 0.002
"""Seconds between key strokes."""
_ADOPTION = 0.3
"""Seconds that a desktop takes to listen to a new keyboard; what is typed sooner is lost."""


def main() -> int:
    """0, or 1 with the reason on stderr."""
    what, given = sys.argv[1], sys.stdin.buffer.read().decode()
    try:
        keyboard = importlib.import_module("keyboard")  # it has no types
        importlib.import_module("keyboard._nixkeyboard").init()
        time.sleep(_ADOPTION)
        if what == "press":
            keyboard.send(chord(given).codes())
        else:
            keyboard.write(given, delay=KEY_DELAY)
    except (ImportError, OSError) as error:  # it raises ImportError where it may not type
        print(f"failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
