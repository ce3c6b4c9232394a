"""The worker process: `python -m whisperd.worker --fd N --parent PID [--nice N] [--lane NAME]`.

Owns: the order in which a worker starts and how it ends. Started by the daemon only; frames travel on the given socket,
standard output is the log.
"""

import argparse
import os
import signal
import socket
import sys

from whisperd.framing import FrameError
from whisperd.lifeline import OrphanedError, follow, yield_to_others
from whisperd.worker.allocator import keep_freed_blocks
from whisperd.worker.serve import serve


def main() -> int:
    """The exit status. 0: the daemon closed its end; 1: it is gone or talks nonsense."""
    parser = argparse.ArgumentParser(prog="whisperd.worker", description="A model process of whisperd, started by it.")
    parser.add_argument("--fd", type=int, required=True, help="the socket that calls come in on")
    parser.add_argument("--parent", type=int, required=True, help="the daemon's process id")
    parser.add_argument("--nice", type=int, default=0, help="nice value of this process")
    parser.add_argument("--lane", default="worker", help="which kind of work it does; its name in process lists")
    arguments = parser.parse_args()
    try:
        follow(arguments.parent, f"whisperd-{arguments.lane}")
        # Ctrl-C in the daemon's terminal is the daemon's to answer.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        yield_to_others(arguments.nice)
        keep_freed_blocks()
        # Read when NumPy is imported, which comes later. It multiplies one small matrix a chunk; its threads would spin
        # on afterwards and keep the model's own from the processors: the encoder took 1.3 times as long on two cores.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        serve(socket.socket(fileno=arguments.fd))
    except OrphanedError:
        print("the daemon was gone before this worker began", file=sys.stderr, flush=True)
        return 1
    except (FrameError, OSError) as error:
        print(f"the connection to the daemon broke: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    # Not sys.exit: destroying a model at exit can crash, and the kernel frees everything anyway.
    os._exit(main())
