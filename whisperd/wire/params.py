"""A request's parameters to the method's type, and a readable sentence where they do not fit.

Owns: by-name and by-position parameters, and the messages of `InvalidParamsError` and `MethodNotFoundError`. Leaves to
others: what the types are (`types`, `methods`), what options may be (`whisperd.jobs.asked`).
"""

import difflib
import json
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn, cast

import msgspec
from msgspec import inspect

from whisperd.errors import InvalidParamsError, MethodNotFoundError
from whisperd.jobs.asked import OptionError, checked
from whisperd.jobs.job import Options
from whisperd.wire.methods import METHODS, Method
from whisperd.wire.types import Params

_WHERE: Final = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*)`")
_ENUM: Final = re.compile(r"Invalid enum value (?P<value>.*)", re.DOTALL)


def find_method(name: str) -> Method:
    """Raises `MethodNotFoundError`, with the nearest name as its hint."""
    method = METHODS.get(name)
    if method is None:
        raise MethodNotFoundError(f"no method {_quote(name)}", hint=did_you_mean(name, METHODS))
    return method


def convert(method: Method, given: dict[str, Any] | list[Any]) -> Params:
    """Raises `InvalidParamsError` that names the parameter, as in `params.files[0].path`."""
    if isinstance(given, list):
        given = _by_name(method, given)
    try:
        return msgspec.convert(given, method.params)
    except msgspec.ValidationError as error:
        _refuse(method, str(error))


def check_options(given: Options, where: str) -> Options:
    """A job's options, languages as codes. Raises InvalidParamsError; `where` is the parameter that they are."""
    try:
        return checked(given)
    except OptionError as error:
        raise InvalidParamsError(f"{where}.{error.option}: {error.message}", hint=error.hint) from None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    close = difflib.get_close_matches(name[:80], list(known), n=1)
    return f"did you mean `{close[0]}`?" if close else None


def _by_name(method: Method, values: list[Any]) -> dict[str, Any]:
    """An array stands for the parameters in the order in which the type declares them."""
    fields = method.params.__struct_fields__
    if len(values) > len(fields):
        raise InvalidParamsError(f"{method.name} takes at most {len(fields)} parameters, not {len(values)}")
    return dict(zip(fields, values, strict=False))


def _refuse(method: Method, error: str) -> NoReturn:
    match = _WHERE.match(error)
    assert match is not None  # the pattern matches everything
    what, path = match["what"], match["path"] or ""
    where = f"params{path}"
    shape = _type_at(method.params, path)
    if (unknown := _UNKNOWN.fullmatch(what)) and shape is not None:
        raise InvalidParamsError(
            f"{where} has no member {_quote(unknown['name'])}",
            hint=did_you_mean(unknown["name"], _members(shape)) or f"known are: {', '.join(_members(shape)) or 'none'}",
        )
    if missing := _MISSING.fullmatch(what):
        raise InvalidParamsError(f"{where} lacks `{missing['name']}`")
    if (wrong := _ENUM.fullmatch(what)) and (values := _enum_values(shape)):
        raise InvalidParamsError(
            f"{where}: {wrong['value'][:80]} is not one of {', '.join(values)}",
            hint=did_you_mean(wrong["value"].strip("'"), values),
        )
    raise InvalidParamsError(f"{where}: {what[:1].lower()}{what[1:]}")


def _quote(name: str) -> str:
    return json.dumps(name if len(name) <= 80 else name[:79] + "…", ensure_ascii=False)


# -- walking a type along a path such as `.files[0].path` ------------------------------------------------------------


def _type_at(root: type[Params], path: str) -> inspect.Type | None:
    """The type there; None where the path leads through something that has no members of its own."""
    shape: inspect.Type | None = inspect.type_info(root)
    for name, index in re.findall(r"\.([^.\[]+)|(\[[^\]]*\])", path):
        shape = _item(shape) if index else _member(shape, name)
    return shape


def _alternatives(shape: inspect.Type | None) -> list[inspect.Type]:
    if isinstance(shape, inspect.UnionType):
        return list(shape.types)
    return [shape] if shape is not None else []


def _member(shape: inspect.Type | None, name: str) -> inspect.Type | None:
    for struct in _alternatives(shape):
        if isinstance(struct, inspect.StructType):
            return next((field.type for field in struct.fields if field.encode_name == name), None)
    return None


def _item(shape: inspect.Type | None) -> inspect.Type | None:
    for sequence in _alternatives(shape):
        if isinstance(sequence, inspect.ListType | inspect.VarTupleType):
            return sequence.item_type
    return None


def _members(shape: inspect.Type) -> list[str]:
    return [
        field.encode_name
        for struct in _alternatives(shape)
        if isinstance(struct, inspect.StructType)
        for field in struct.fields
    ]


def _enum_values(shape: inspect.Type | None) -> list[str]:
    return [
        str(cast("Any", member).value)
        for enum in _alternatives(shape)
        if isinstance(enum, inspect.EnumType)
        for member in enum.cls
    ]
