"""Makes the wall clock of a daemon started with this folder on PYTHONPATH go wrong, as a bad time server does.

It is ahead by the seconds in the file that CLOCK_AHEAD names; right, where there is none.
"""

import os
import time

right = time.time


def wrong():
    try:
        with open(os.environ["CLOCK_AHEAD"]) as ahead:
            return right() + float(ahead.read())
    except (FileNotFoundError, ValueError):
        return right()


time.time = wrong
