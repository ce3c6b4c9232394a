"""One recording: frames from a source into a growing WAV, as they come.

Owns: the thread that writes, levels, when it ends and why. What arrives is in the file within milliseconds and on the
disk within a second, whatever the daemon does meanwhile. Leaves to others: opening the source (`sources`), the file's
form (`wav`).
"""

import sys
import time
from array import array
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Final

from whisperd.frames import SAMPLE_RATE
from whisperd.recorder.messages import Ended, EndReason, Level
from whisperd.recorder.sources import Block, Source
from whisperd.recorder.wav import GrowingWav

if TYPE_CHECKING:
    from whisperd.recorder.resample import Resampler

SILENT_DEVICE: Final = 2.0
"""Seconds without a frame after which the device counts as gone: PortAudio has no event for that."""

TAIL: Final = 0.3
"""Seconds after a stop in which what was in the air before it still comes in, at most."""

_LEVEL_INTERVAL: Final = SAMPLE_RATE // 10
"""Samples between two levels."""

_SYNC_INTERVAL: Final = 1.0

_FULL_SCALE: Final = 32_768

_LOUDNESS_STEP: Final = 4
"""Every fourth sample is enough to tell how loud it is."""


class _Woken:
    """In the queue: look whether it is to stop."""


_Item = Block | None | _Woken


class Recording:
    """Records from `start` on until `stop`, or the source or the disk fails; `tell` is called from its thread."""

    def __init__(self, source: Source, wav: GrowingWav, tell: Callable[[Level | Ended], None]) -> None:
        self._source = source
        self._wav = wav
        self._tell = tell
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._resampler: Resampler | None = None
        self._stop_at: float | None = None
        self._stop_by = float("inf")
        self._overflows = 0
        self._peak = 0
        self._meter = array("h")
        self._thread = Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Raises RefusedError."""
        self._source.start(self._queue.put)
        self._thread.start()

    def stop(self) -> None:
        """End once all that is in the air now is in the file."""
        self._stop_by = time.monotonic() + TAIL
        self._stop_at = self._source.now()
        self._queue.put(_Woken())

    def join(self) -> None:
        """Wait until the device is closed."""
        self._thread.join()

    def _run(self) -> None:
        reason, error = EndReason.DISK, None
        try:
            reason, error = self._write_all()
        except OSError as refused:
            error = f"the recording could not be written: {refused.strerror}"
        try:
            self._wav.state_length()
        except OSError as refused:
            error = error or f"the recording could not be written to the end: {refused.strerror}"
        # Told before the disk has taken the last second: whoever waits for the text waits for this.
        self._tell(Ended(reason, self._wav.samples, self._peak / _FULL_SCALE, self._overflows, error))
        try:
            self._wav.close()
        except OSError as refused:
            print(f"the end of a recording did not reach the disk: {refused.strerror}", file=sys.stderr, flush=True)
        self._source.close()

    def _write_all(self) -> tuple[EndReason, str | None]:
        if (self._source.rate, self._source.channels) != (SAMPLE_RATE, 1):
            from whisperd.recorder.resample import Resampler

            self._resampler = Resampler(self._source.rate, self._source.channels)
        synced = time.monotonic()
        heard = synced
        while True:
            now = time.monotonic()
            try:
                item = self._queue.get(timeout=max(0.001, min(heard + SILENT_DEVICE, self._stop_by) - now))
            except Empty:
                self._flush()
                if self._stop_at is not None:
                    return EndReason.STOPPED, None
                return EndReason.SILENT_DEVICE, f"the microphone gave nothing for {SILENT_DEVICE:.0f} s"
            if item is None:
                self._flush()
                return EndReason.DEVICE_GONE, "the microphone ended the recording; it may have been unplugged"
            if isinstance(item, _Woken):
                continue
            heard = time.monotonic()
            self._take(item)
            if self._stop_at is not None and item.ends_at >= self._stop_at:
                self._flush()
                return EndReason.STOPPED, None
            if heard - synced >= _SYNC_INTERVAL:
                self._wav.sync()
                synced = time.monotonic()

    def _take(self, block: Block) -> None:
        self._overflows += block.overflow
        self._store(self._resampler.convert(block.frames) if self._resampler else block.frames)

    def _flush(self) -> None:
        if self._resampler:
            self._store(self._resampler.flush())

    def _store(self, samples: bytes) -> None:
        if not samples:
            return
        first = self._wav.samples == 0
        self._wav.write(samples)
        self._meter.frombytes(samples)
        if first or len(self._meter) >= _LEVEL_INTERVAL:
            self._measure()

    def _measure(self) -> None:
        highest, lowest = max(self._meter), min(self._meter)
        peak = max(highest, -lowest)
        self._peak = max(self._peak, peak)
        some = self._meter[::_LOUDNESS_STEP]
        level = (sum(sample * sample for sample in some) / len(some)) ** 0.5
        self._meter = array("h")
        self._tell(Level(round(level / _FULL_SCALE, 4), round(min(1.0, peak / _FULL_SCALE), 4), self._wav.samples))
