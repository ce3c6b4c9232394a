"""A folder's own thread, and a file system that hangs."""

import threading

import pytest

from whisperd.watch.disk import Disk, UnresponsiveError

pytestmark = pytest.mark.anyio


async def test_a_call_that_hangs_is_given_up_and_the_next_ones_wait_for_it_without_piling_up() -> None:
    disk, hanging, ran = Disk(), threading.Event(), list[int]()
    with pytest.raises(UnresponsiveError, match="has not answered"):
        await disk.call(lambda: hanging.wait(30), deadline=0.05)
    with pytest.raises(UnresponsiveError):
        await disk.call(lambda: ran.append(1), deadline=0.05)
    assert ran == []
    hanging.set()
    await disk.call(lambda: ran.append(2))
    assert ran == [2]
    disk.end()


async def test_what_a_call_raises_is_its_caller_s() -> None:
    disk = Disk()
    with pytest.raises(ZeroDivisionError):
        await disk.call(lambda: 1 // 0)
    assert await disk.call(lambda: 7) == 7
    disk.end()
