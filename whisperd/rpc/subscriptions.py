"""`events.subscribe` and `events.unsubscribe` of one connection, and the notifications that follow.

Owns: the connection's subscriptions, and how an event looks on the wire. Leaves to others: which events there are and
in what order (`whisperd.events`), and writing lines (`connection`).
"""

import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from whisperd.api.handler import Handler
from whisperd.errors import InvalidParamsError, RefusedError
from whisperd.events import Event, EventBus, EventsLostError, Replay, Subscription
from whisperd.rpc.dispatch import trace
from whisperd.rpc.limits import RpcLimits
from whisperd.wire import codec, names
from whisperd.wire.events import (
    EventsLostView,
    EventView,
    SubscribeParams,
    SubscribeResult,
    UnsubscribeParams,
    UnsubscribeResult,
)
from whisperd.wire.params import did_you_mean
from whisperd.wire.times import iso8601

_log = logging.getLogger(__name__)


class Opened(msgspec.Struct, frozen=True):
    """A subscription whose events may flow once its answer is sent."""

    number: int
    subscription: Subscription
    since: int | None


class Subscriptions:
    def __init__(
        self, bus: EventBus, replay: Replay, send: Callable[[bytes], Awaitable[None]], limits: RpcLimits
    ) -> None:
        self._bus = bus
        self._replay = replay
        self._send = send
        self._limits = limits
        self._numbers = itertools.count(1)
        self._open: dict[int, Subscription] = {}

    def __len__(self) -> int:
        return len(self._open)

    def handlers(self, opened: list[Opened]) -> Mapping[str, Handler]:
        """Handlers for one message; what it opens is added to `opened`, to be given to `deliver` after the answer."""

        async def subscribe(params: SubscribeParams) -> SubscribeResult:
            opened.append(self._subscribe(params))
            subscription = opened[-1].subscription
            return SubscribeResult(opened[-1].number, seq=self._bus.newest, pruned=subscription.pruned)

        async def unsubscribe(params: UnsubscribeParams) -> UnsubscribeResult:
            return UnsubscribeResult(unsubscribed=self._end(params.subscription))

        return {names.EVENTS_SUBSCRIBE: subscribe, names.EVENTS_UNSUBSCRIBE: unsubscribe}

    async def deliver(self, opened: Opened) -> None:
        """Notifications until the subscription ends; by itself only with `events.lost`."""
        subscription = opened.subscription
        events = subscription.follow(opened.since, self._replay, self._limits.replay_page)
        try:
            async with contextlib.aclosing(events):
                async for event in events:
                    await self._send(_notification(opened.number, event))
        except EventsLostError:
            await self._send(_lost(opened.number, subscription.position))
        except Exception as error:  # the store could not be read: the reader may try again from where it is
            _log.error("events could not be read: %s", trace(error))
            await self._send(_lost(opened.number, subscription.position))
        finally:
            self._end(opened.number)

    def close(self) -> None:
        for number in list(self._open):
            self._end(number)

    def _subscribe(self, params: SubscribeParams) -> Opened:
        for place, topic in enumerate(params.topics):
            if topic not in names.TOPICS:
                raise InvalidParamsError(
                    f"params.topics[{place}]: there is no such topic",
                    hint=did_you_mean(topic, names.TOPICS) or f"topics are: {', '.join(names.TOPICS)}",
                )
        if len(self._open) >= self._limits.max_subscriptions:
            raise RefusedError(
                f"this connection has {len(self._open)} subscriptions already",
                hint="end one with events.unsubscribe, or subscribe once to several topics",
            )
        subscription = self._bus.subscribe(params.topics, params.jobs, self._limits.event_capacity, params.batches)
        number = next(self._numbers)
        self._open[number] = subscription
        return Opened(number, subscription, params.since)

    def _end(self, number: int) -> bool:
        subscription = self._open.pop(number, None)
        if subscription is None:
            return False
        subscription.close()
        return True


def _notification(number: int, event: Event) -> bytes:
    view = EventView(number, event.topic, iso8601(event.at), event.data, event.seq, event.job, event.batch)
    return codec.encode_notification(names.EVENT, view)


def _lost(number: int, since: int) -> bytes:
    return codec.encode_notification(names.EVENTS_LOST, EventsLostView(number, since))
