"""Values and allowed ranges in the words of someone who writes TOML.

Owns: the sentences' parts. Leaves to others: what is allowed (`settings`) and finding mistakes (`load`).
"""

import json
from pathlib import Path
from typing import Any, cast

from msgspec import inspect


def found(value: Any) -> str:
    """A value as TOML writes it, shortened; tables and lists by name only."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= 60 else f"{text[:57]}…"
        case dict():
            return "a table"
        case list():
            return "a list"
        case _:
            return str(value)


def allowed(info: inspect.Type) -> str:
    """The values of a type in words, for a person who writes TOML."""
    match info:
        case inspect.Metadata(type=inner):
            return _description(info) or allowed(inner)
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() | inspect.FloatType():
            return _number_in_words(info)
        case inspect.StrType(min_length=least, max_length=most):
            return (
                "text in quotes" + (", not empty" if least else "") + (f", at most {most} characters" if most else "")
            )
        case inspect.LiteralType(values=values):
            return _alternatives([found(value) for value in values])
        case inspect.EnumType(cls=enumeration):
            return _alternatives([found(member.value) for member in enumeration])
        case inspect.UnionType(types=types):
            return " or ".join(allowed(kind) for kind in types if not isinstance(kind, inspect.NoneType))
        case inspect.VarTupleType(item_type=item):
            return f"a list, each item {allowed(item)}"
        case inspect.StructType(fields=fields):
            return f"a table with {', '.join(field.encode_name for field in fields)}"
        case inspect.DictType(value_type=value):
            return f"a table, each value {allowed(value)}"
        case inspect.CustomType(cls=cls) if cls is Path:
            return 'a path that begins with "/" or "~/"'
        case _:
            raise TypeError(f"no words for {info}")


def _description(info: inspect.Metadata) -> str | None:
    schema = cast("dict[str, str]", info.extra_json_schema or {})  # pyright: ignore[reportUnknownMemberType] (a bare dict)
    return schema.get("description")


def _number_in_words(info: inspect.IntType | inspect.FloatType) -> str:
    noun = "a whole number" if isinstance(info, inspect.IntType) else "a number"
    low = f"{info.ge}" if info.ge is not None else None
    high = f"{info.le}" if info.le is not None else None
    if info.gt is not None:
        return f"{noun} above {info.gt}" + (f", at most {high}" if high else "")
    if low and high:
        return f"{noun} from {low} to {high}"
    if low:
        return f"{noun}, at least {low}"
    return noun


def _alternatives(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
