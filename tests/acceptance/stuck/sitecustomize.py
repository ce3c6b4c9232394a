"""Makes a daemon started with this folder on PYTHONPATH get stuck: its event loop on SIGUSR1, its scheduler on SIGUSR2.

Python's signal handlers run on the main thread, which is the event loop's.
"""

import signal
import sys
import threading

if "whisperd" in sys.orig_argv:
    never = threading.Event()

    def block_event_loop(number, frame):
        never.wait()

    def block_scheduler(number, frame):
        import anyio

        from whisperd.scheduler import Scheduler

        async def step(self, group):
            await anyio.sleep_forever()

        Scheduler._step = step

    signal.signal(signal.SIGUSR1, block_event_loop)
    signal.signal(signal.SIGUSR2, block_scheduler)
