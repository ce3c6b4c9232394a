"""`python -m whisperd.puller --parent PID --repository OWNER/NAME --into FOLDER [--reserve BYTES]`.

Owns: how the process starts and ends. Messages go to standard output, the library's own words to standard error.
"""

import argparse
import os
import sys
from pathlib import Path

from whisperd.lifeline import OrphanedError, follow
from whisperd.puller.messages import Failed, Message, PullFailure, encode

NICE = 10


def main() -> int:
    """The exit status: 0 when the model is there."""
    parser = argparse.ArgumentParser(prog="whisperd.puller", description="Downloads a model; started by whisperd.")
    parser.add_argument("--parent", type=int, required=True, help="the daemon's process id")
    parser.add_argument("--repository", required=True, help="the model on the hub, as OWNER/NAME")
    parser.add_argument("--into", type=Path, required=True, help="the folder to make")
    parser.add_argument("--reserve", type=int, default=0, help="bytes to leave free on the disk")
    arguments = parser.parse_args()
    try:
        follow(arguments.parent, "whisperd-puller")
    except OrphanedError:
        return 1
    os.nice(NICE)
    # Read when the library is imported. Plain HTTP can go on where it ended; the other transfer begins anew.
    os.environ |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    try:
        from whisperd.puller.download import pull
    except ImportError as error:
        _tell(Failed(PullFailure.INTERNAL, f"huggingface_hub can't be used: {error}", "install whisperd anew"))
        return 1
    return 0 if pull(arguments.repository, arguments.into, arguments.reserve, _tell) else 1


def _tell(message: Message) -> None:
    sys.stdout.buffer.write(encode(message) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
