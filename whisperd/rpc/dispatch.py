"""Messages to handlers, and what they return or raise to answers.

Owns: the one place where an error becomes a wire error. Leaves to others: what methods do (`whisperd.api`), and whose
message it was (`connection`).
"""

import contextlib
import logging
import secrets
import traceback
from collections.abc import Mapping
from typing import cast

import anyio
from msgspec import UNSET

from whisperd.api.handler import Handler
from whisperd.errors import InternalError, MethodNotFoundError, WhisperdError
from whisperd.rpc.budget import Share
from whisperd.wire import codec, params
from whisperd.wire.codec import Call, Id, Message, Rejected, Request
from whisperd.wire.methods import METHODS
from whisperd.wire.types import ErrorData, ErrorObject

_log = logging.getLogger(__name__)


class Dispatcher:
    """Answers messages with the handlers of all connections, and with those of the connection itself."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        """`handlers` by method name; each must be in the methods table."""
        unknown = handlers.keys() - METHODS.keys()
        if unknown:
            raise ValueError(f"handlers for methods that do not exist: {sorted(unknown)}")
        self._handlers = dict(handlers)

    async def answer(self, message: Message, own: Mapping[str, Handler], share: Share) -> bytes | None:
        """The line to send, or None where nothing is to be: a notification, or a batch of nothing else.

        What it takes is held by `share`. A batch's requests run side by side; their answers keep its order.
        """
        if not isinstance(message, list):
            return await self._answer(message, own, share)
        answers: list[bytes | None] = [None] * len(message)

        async def answer_one(place: int, call: Call) -> None:
            answers[place] = await self._answer(call, own, share)

        async with anyio.create_task_group() as tasks:
            for place, call in enumerate(message):
                tasks.start_soon(answer_one, place, call)
        return _join(answers)

    async def _answer(self, call: Call, own: Mapping[str, Handler], share: Share) -> bytes | None:
        if isinstance(call, Rejected):
            return refuse(call.id, call.error)
        try:
            answer = await self._run(call, own, share)
            if answer is not None:
                share.take(len(answer))
            return answer
        except Exception as error:
            known = _as_whisperd_error(error, call.method)
            return None if call.id is UNSET else refuse(call.id, known)

    async def _run(self, call: Request, own: Mapping[str, Handler], share: Share) -> bytes | None:
        method = params.find_method(call.method)
        handler = own.get(method.name) or self._handlers.get(method.name)
        if handler is None:
            raise MethodNotFoundError(f"this daemon has no method {method.name}")
        given = params.convert(method, call.params)
        async with share.making() if method.large else contextlib.nullcontext():
            result = await handler(given)
            return None if call.id is UNSET else codec.encode_result(call.id, result)


def refuse(call_id: Id, error: WhisperdError) -> bytes:
    data = ErrorData(kind=error.kind, retryable=error.retryable, hint=error.hint)
    return codec.encode_error(call_id, ErrorObject(code=error.code, message=error.message, data=data))


def refuse_all(message: Message, error: WhisperdError) -> bytes | None:
    """The same error for everything in the message that wants an answer."""
    if isinstance(message, list):
        return _join([_refuse_call(call, error) for call in message])
    return _refuse_call(message, error)


def _refuse_call(call: Call, error: WhisperdError) -> bytes | None:
    if isinstance(call, Rejected):
        return refuse(call.id, call.error)
    return None if call.id is UNSET else refuse(call.id, error)


def _join(answers: list[bytes | None]) -> bytes | None:
    wanted = [answer for answer in answers if answer is not None]
    return codec.encode_batch(wanted) if wanted else None


def _as_whisperd_error(error: Exception, method: str) -> WhisperdError:
    if isinstance(error, WhisperdError):
        return error
    grouped = _grouped(error)
    if len(grouped) == 1 and isinstance(grouped[0], WhisperdError):  # what one task of a handler raised
        return grouped[0]
    log_id = secrets.token_hex(4)
    _log.error("internal error %s in %s: %s", log_id, method, trace(error))
    return InternalError(f"an internal error in {method}", hint=f"the daemon's log has the details under {log_id}")


def trace(error: BaseException) -> str:
    """Where it happened and what kind of error it is; without its message, which may hold what somebody said."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    cause = error.__cause__ or error.__context__
    number = f" (errno {error.errno})" if isinstance(error, OSError) else ""
    inner = "".join(f"\n  of the group: {trace(e)}" for e in _grouped(error))
    return f"{type(error).__qualname__}{number}\n{frames}{inner}" + (f"caused by {trace(cause)}" if cause else "")


def _grouped(error: BaseException) -> tuple[BaseException, ...]:
    if not isinstance(error, BaseExceptionGroup):
        return ()
    return cast("BaseExceptionGroup[BaseException]", error).exceptions
