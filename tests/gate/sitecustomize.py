"""Makes a worker started with this folder on PYTHONPATH wait at its gate, so that a test finds a job in its middle.

The gate is the file that WORKER_GATE names, with the number of batches in it that are let through of a file that was
opened. Where there is no such file the gate is open. The daemon makes batches of one chunk, however fast the model is.
"""

import os
import sys
import time

if "whisperd.worker" in sys.orig_argv:
    from whisperd import frames

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    receive_call = frames.receive_call
    batches = 0

    def let_through():
        try:
            with open(os.environ["WORKER_GATE"]) as gate:
                return batches <= int(gate.read())
        except FileNotFoundError:
            return True

    def receive_call_at_the_gate(connection):
        global batches
        call = receive_call(connection)
        if isinstance(call, frames.Open):
            batches = 0
        if isinstance(call, frames.Decode):
            batches += 1
            while not let_through():
                time.sleep(0.01)  # a file that is removed wakes nobody
        return call

    frames.receive_call = receive_call_at_the_gate

elif "whisperd" in sys.orig_argv:
    from whisperd.jobs import batching

    batching.ON_CPU = 1
