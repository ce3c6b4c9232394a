"""One line of the socket to a JSON-RPC 2.0 message, and answers back to a line.

Owns: JSON more strictly than the parsers at hand read it (they accept duplicate keys, any depth, or lone surrogates),
and the envelope of JSON-RPC 2.0 (https://www.jsonrpc.org/specification). Leaves to others: parameters (`params`),
which errors mean what (`whisperd.rpc.dispatch`), and splitting a stream into lines (`whisperd.rpc.lines`).

A bad line raises; a bad element of a batch is a value (`Rejected`), because its neighbours are answered all the same.
"""

import json
import re
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET, UnsetType

from whisperd.errors import InvalidRequestError, ParseError, WhisperdError
from whisperd.wire import names
from whisperd.wire.types import ErrorObject

Id = str | int | None


class Request(msgspec.Struct, frozen=True):
    """A call; without an `id` a notification, which is never answered."""

    method: str
    params: dict[str, Any] | list[Any]
    id: Id | UnsetType


class Rejected(msgspec.Struct, frozen=True):
    """What stands where a request should be: answered with `error`, under its `id` where that could be read."""

    id: Id
    error: WhisperdError


Call = Request | Rejected
Message = Call | list[Call]


class _Result(msgspec.Struct, frozen=True):
    id: Id
    result: Any
    jsonrpc: str = names.JSONRPC


class _Error(msgspec.Struct, frozen=True):
    id: Id
    error: ErrorObject
    jsonrpc: str = names.JSONRPC


class _Notification(msgspec.Struct, frozen=True):
    method: str
    params: Any
    jsonrpc: str = names.JSONRPC


_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode
_ENVELOPE: Final = frozenset({"jsonrpc", "id", "method", "params"})
_BRACKETS: Final = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_LONG_NUMBER: Final = re.compile(rb"(?<![-+.0-9eE])[-+.0-9eE]{%d}" % (names.MAX_DIGITS + 1))


# -- JSON -------------------------------------------------------------------------------------------------------------


def decode_json(line: bytes) -> Any:
    """The value of one JSON text; equal to what `json.loads` makes of it, for every text that both accept.

    Raises `InvalidRequestError` over `MAX_REQUEST` bytes, and `ParseError` for what is not UTF-8, not JSON (NaN and
    Infinity are not), nested deeper than `MAX_DEPTH`, holds a key twice in one object, a lone surrogate, or a number
    that is longer than `MAX_DIGITS` characters or beyond a double.
    """
    if len(line) > names.MAX_REQUEST:
        raise too_long()
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise ParseError(f"not UTF-8: byte {error.start} is {line[error.start]:#04x}") from None
    outside = _without_strings(line)
    _check_depth(outside)
    if _LONG_NUMBER.search(outside):
        raise ParseError(f"a number is longer than {names.MAX_DIGITS} characters")
    try:
        value = _decode(line)
    except msgspec.MsgspecError as error:
        raise _explain(text, error) from None
    if outside.count(b":") != _count_keys(value):
        raise ParseError(_duplicate_key(text))
    return value


def too_long() -> InvalidRequestError:
    """The error of a line over the limit, for the reader that discards it unread."""
    return InvalidRequestError(
        f"the request is longer than {names.MAX_REQUEST:,} bytes",
        hint="send it in several requests",
    )


def _without_strings(line: bytes) -> bytes:
    """What stands between strings, at the speed of `bytes` methods.

    A run of backslashes begins with an escape, so removing the pairs first leaves only quotes that open or close.
    """
    if b"\\" in line:
        line = line.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b'"'.join(line.split(b'"')[::2])


def _check_depth(outside: bytes) -> None:
    """Without recursion: each pass removes the innermost pairs, so depth is the number of passes."""
    if outside.count(b"[") + outside.count(b"{") <= names.MAX_DEPTH:
        return
    brackets = outside.translate(_BRACKETS, _NOT_BRACKETS)
    for _ in range(names.MAX_DEPTH):
        left = brackets.replace(b"[]", b"")
        if left == brackets:
            break  # nothing is nested any more: empty, or brackets without a partner
        brackets = left
    if b"[]" in brackets or brackets.startswith(b"[" * (names.MAX_DEPTH + 1)):
        raise ParseError(f"nested deeper than {names.MAX_DEPTH} levels")


def _count_keys(value: Any) -> int:
    count = 0
    open_values = [value]
    while open_values:
        item = open_values.pop()
        if isinstance(item, dict):
            members = cast("dict[str, Any]", item)
            count += len(members)
            open_values.extend(members.values())
        elif isinstance(item, list):
            open_values.extend(cast("list[Any]", item))
    return count


def _duplicate_key(text: str) -> str:
    """Names the key; only called for texts known to have one."""
    found: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        found.extend(key for key, _ in pairs if key in seen or seen.add(key))

    json.loads(text, object_pairs_hook=note)
    return f"the key {json.dumps(found[0][:80])} stands twice in one object"


def _explain(text: str, error: Exception) -> ParseError:
    """Python's own parser says best where a text goes wrong, and tolerates only what is named here."""

    def refuse(constant: str) -> None:
        raise ParseError(f"{constant} is not JSON")

    try:
        json.loads(text, parse_constant=refuse)
    except ParseError as refused:
        return refused
    except json.JSONDecodeError as reason:
        return ParseError(f"not JSON: {reason}", hint="one request is one JSON text on one line")
    if isinstance(error, msgspec.ValidationError):
        return ParseError("a number is too large for a double")
    return ParseError("a lone surrogate in a string: not Unicode text")


# -- JSON-RPC ---------------------------------------------------------------------------------------------------------


def parse(line: bytes) -> Message:
    """A request, a notification, or a batch of them. Raises `ParseError` and `InvalidRequestError` (see `decode_json`;
    also for an empty batch and one of more than `MAX_BATCH`)."""
    value = decode_json(line)
    if not isinstance(value, list):
        return _parse_call(value)
    batch = cast("list[Any]", value)
    if not batch:
        raise InvalidRequestError("the batch is empty")
    if len(batch) > names.MAX_BATCH:
        raise InvalidRequestError(
            f"the batch has {len(batch)} requests, more than {names.MAX_BATCH}", hint="send them in several batches"
        )
    return [_parse_call(item) for item in batch]


def _parse_call(value: Any) -> Call:
    if not isinstance(value, dict):
        return Rejected(None, InvalidRequestError("a request is a JSON object"))
    members = cast("dict[str, Any]", value)
    call_id = members.get("id", UNSET)
    if call_id is not UNSET and (isinstance(call_id, bool) or not isinstance(call_id, str | int | None)):
        return Rejected(None, InvalidRequestError("`id` must be a string, an integer or null"))
    params = members.get("params", {})
    fault = _fault(members, params)
    if fault:
        return Rejected(None if call_id is UNSET else call_id, InvalidRequestError(fault))
    return Request(members["method"], params, call_id)


def _fault(members: dict[str, Any], params: Any) -> str | None:
    if members.get("jsonrpc") != names.JSONRPC:
        return '`jsonrpc` must be "2.0"'
    if not isinstance(members.get("method"), str):
        return "`method` must be a string"
    if not isinstance(params, dict | list):
        return "`params` must be an object or an array"
    unknown = sorted(members.keys() - _ENVELOPE)
    if unknown:
        return f"a request has no member {json.dumps(unknown[0][:80])}: only jsonrpc, id, method and params"
    return None


# -- answers; each is one line without its newline, since JSON escapes newlines in strings -----------------------------


def encode_result(call_id: Id, result: Any) -> bytes:
    """Raises what msgspec raises for a value that is not JSON (a lone surrogate: `UnicodeEncodeError`)."""
    return _encode(_Result(call_id, result))


def encode_error(call_id: Id, error: ErrorObject) -> bytes:
    return _encode(_Error(call_id, error))


def encode_notification(method: str, params: Any) -> bytes:
    return _encode(_Notification(method, params))


def encode_batch(answers: list[bytes]) -> bytes:
    return b"[" + b",".join(answers) + b"]"
