"""What unread answers may cost: the arithmetic."""

import anyio
import pytest

from whisperd.errors import TooManyRequestsError
from whisperd.rpc.budget import SMALL, Allowance, Budget

pytestmark = pytest.mark.anyio

MEGABYTE = 1 << 20


async def test_what_is_read_makes_room_for_others() -> None:
    budget = Budget(total=3 * MEGABYTE, each=MEGABYTE, at_once=1)
    one, other = Allowance(budget), Allowance(budget)
    async with one.share() as first:
        first.take(3 * MEGABYTE)  # the only one may be larger than the limit
        async with other.share() as second:
            with pytest.raises(TooManyRequestsError):
                second.take(SMALL + 1)
            second.take(SMALL)
        assert budget.held == 3 * MEGABYTE
    assert budget.held == 0
    async with other.share() as third:
        third.take(MEGABYTE)


async def test_a_small_answer_is_made_whatever_is_held() -> None:
    budget = Budget(total=MEGABYTE, each=MEGABYTE, at_once=1)
    async with Allowance(budget).share() as held, Allowance(budget).share() as small:
        held.take(MEGABYTE)
        for _ in range(100):
            small.take(100)
        assert budget.held == MEGABYTE + 10_000


async def test_one_connections_large_answers_wait_until_those_before_are_read_and_other_connections_do_not() -> None:
    budget = Budget(total=MEGABYTE, each=MEGABYTE, at_once=2)
    mine, others = Allowance(budget), Allowance(budget)
    made: list[str] = []
    read = anyio.Event()

    async def answer(allowance: Allowance, name: str) -> None:
        async with allowance.share() as share:
            async with share.making():
                made.append(name)
            await read.wait()

    async with anyio.create_task_group() as group:
        for name in ("first", "second"):
            group.start_soon(answer, mine, name)
        group.start_soon(answer, others, "other")
        await anyio.wait_all_tasks_blocked()
        assert made == ["first", "other"]
        read.set()
    assert made == ["first", "other", "second"]
