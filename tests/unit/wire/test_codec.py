"""Strict JSON, and JSON-RPC 2.0 envelopes."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.errors import InvalidRequestError, ParseError, WhisperdError
from whisperd.wire import codec, names
from whisperd.wire.codec import Rejected, Request
from whisperd.wire.types import ErrorData, ErrorObject

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**60), 10**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(['"', "\\", '\\"', "\\\\", "[{:", "}]", "\n", "a:b"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5), max_leaves=30
)


@given(values, st.booleans(), st.sampled_from([None, 1]))
def test_valid_json_is_what_json_loads_makes_of_it(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert codec.decode_json(text.encode()) == json.loads(text)


json_like = st.text('[]{}":,\\ -+.0123456789eEtrufalsn\nud8', max_size=60).map(str.encode) | st.binary(max_size=60)


@given(json_like)
def test_any_bytes_are_a_value_or_one_of_our_errors(line: bytes) -> None:
    try:
        value = codec.decode_json(line)
    except (ParseError, InvalidRequestError) as error:
        assert error.message
    else:
        assert value == json.loads(line)


@given(json_like.map(lambda inner: b'{"jsonrpc":"2.0","method":"x","id":1,"params":[' + inner + b"]}") | json_like)
def test_parsing_any_bytes_raises_nothing_but_our_errors(line: bytes) -> None:
    try:
        codec.parse(line)
    except WhisperdError as error:
        assert "\n" not in error.message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"NaN", "NaN is not JSON"),
        (b"[1,-Infinity]", "-Infinity is not JSON"),
        (b"[1e999]", "too large for a double"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\udc00":1}', "lone surrogate"),
        (b'"\xed\xa0\x80"', "not UTF-8: byte 1 is 0xed"),
        (b'"\xff"', "not UTF-8"),
        (b'{"a":1,"a":2}', 'the key "a" stands twice'),
        (b'{"x":[{"a":1,"\\u0061":2}]}', 'the key "a" stands twice'),
        (b"1" * 65, "longer than 64 characters"),
        (b"[0." + b"1" * 63 + b"]", "longer than 64 characters"),
        (b"[" * 65 + b"]" * 65, "deeper than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "deeper than 64"),
        (b"[" * 500_000, "deeper than 64"),
        (b"[{" * 500_000, "deeper than 64"),
        (b"", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":1', "not JSON"),
        (b"1 2", "not JSON"),
        (b"01", "not JSON"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (b'"a\tb"', "not JSON"),
    ],
)
def test_what_is_not_strict_json_is_a_parse_error_that_says_why(line: bytes, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        codec.decode_json(line)


@pytest.mark.parametrize(
    "line",
    [
        b"1" * 64,
        b"[" * 64 + b"]" * 64,
        b'"' + b"[" * 100 + b'"',
        b'["\\"[[", "\\\\", "\\\\\\"{"]',
        b'"' + b"1" * 100 + b'"',
        b'{"a:b":"c:d","e":":"}',
        b'[{"a":1},{"a":2}]',
        b'{"a":{"a":1}}',
    ],
)
def test_what_only_looks_like_too_much_is_accepted(line: bytes) -> None:
    assert codec.decode_json(line) == json.loads(line)


def test_a_request_of_the_limit_is_read_and_one_byte_more_is_refused() -> None:
    line = b'"' + b"a" * (names.MAX_REQUEST - 2) + b'"'
    assert len(codec.decode_json(line)) == names.MAX_REQUEST - 2
    with pytest.raises(InvalidRequestError, match="longer than 1,048,576 bytes"):
        codec.decode_json(line + b" ")


def call(**members: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": "m", **members}).encode()


@pytest.mark.parametrize("call_id", [0, -1, 2**63, "", "a", None])
def test_an_id_is_a_string_an_integer_or_null(call_id: Any) -> None:
    assert codec.parse(call(id=call_id)) == Request("m", {}, call_id)


def test_a_request_without_an_id_is_a_notification() -> None:
    assert codec.parse(call(params=[1])) == Request("m", [1], msgspec.UNSET)


@pytest.mark.parametrize(
    ("line", "call_id", "message"),
    [
        (b"1", None, "a request is a JSON object"),
        (b"null", None, "a request is a JSON object"),
        (b'{"method":"m","id":1}', 1, "`jsonrpc`"),
        (b'{"jsonrpc":"1.0","method":"m","id":1}', 1, "`jsonrpc`"),
        (b'{"jsonrpc":2.0,"method":"m"}', None, "`jsonrpc`"),
        (b'{"jsonrpc":"2.0","method":1,"params":"bar"}', None, "`method`"),
        (b'{"jsonrpc":"2.0","id":"x","result":1}', "x", "`method`"),
        (call(id=1, params=None), 1, "`params`"),
        (call(id=1, params="x"), 1, "`params`"),
        (call(id=1.5), None, "`id`"),
        (call(id=True), None, "`id`"),
        (call(id=[]), None, "`id`"),
        (call(id=1, parms={}), 1, 'no member "parms"'),
    ],
)
def test_a_bad_envelope_is_rejected_under_its_id(line: bytes, call_id: Any, message: str) -> None:
    rejected = codec.parse(line)
    assert isinstance(rejected, Rejected)
    assert rejected.id == call_id
    assert isinstance(rejected.error, InvalidRequestError)
    assert message in rejected.error.message


def test_a_batch_keeps_its_good_requests_beside_bad_ones() -> None:
    batch = codec.parse(b"[" + call(id=1) + b",1," + call() + b"]")
    assert isinstance(batch, list)
    assert [type(each) for each in batch] == [Request, Rejected, Request]


def test_an_empty_batch_is_an_invalid_request() -> None:
    with pytest.raises(InvalidRequestError, match="empty"):
        codec.parse(b"[]")


def test_a_batch_of_32_is_taken_and_one_of_33_is_refused_whole() -> None:
    assert len(codec.parse(b"[" + b",".join([call(id=1)] * 32) + b"]")) == 32  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="33 requests, more than 32"):
        codec.parse(b"[" + b",".join([call(id=1)] * 33) + b"]")


@given(values)
def test_an_answer_is_one_line(value: Any) -> None:
    lines = [
        codec.encode_result("i\nd", value),
        codec.encode_notification("event", value),
        codec.encode_error(None, ErrorObject(-1, "a\nb", ErrorData("k", False, hint="c\rd"))),
    ]
    assert all(b"\n" not in line and b"\r" not in line for line in [*lines, codec.encode_batch(lines)])
    assert json.loads(lines[0]) == {"jsonrpc": "2.0", "id": "i\nd", "result": json.loads(json.dumps(value))}
    assert json.loads(codec.encode_batch(lines)) == [json.loads(line) for line in lines]
