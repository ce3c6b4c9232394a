"""The annotated default file, made from the settings' own types and docstrings so that it can't differ from them.

Owns: that text (`python -m whisperd.config.default` prints it). Leaves to others: the settings (`settings`), the words
for what is allowed (`words`). Every key is commented out with its default: a file holds what differs, and later
defaults reach everybody else.
"""

import enum
import inspect
import sys
import textwrap
from pathlib import Path
from typing import Any, Final, cast, get_args, get_origin

import msgspec

from whisperd.config import words
from whisperd.config.settings import Section, Settings

_WIDTH: Final = 98

_HEAD: Final = """\
# whisperd's configuration, with every setting at its default. To change one, take the # from its line and from its
# [section]. Times are seconds and sizes bytes unless the name says otherwise; paths begin with "/" or "~/".
# Saving the file is enough: the daemon reads it again, and says in `whisperctl status` what is wrong with it.
"""


def annotated() -> str:
    """The whole file; TOML in which only section headers are not comments."""
    return "\n".join([_HEAD, *(_section(field) for field in msgspec.structs.fields(Settings))])


def in_force(settings: Settings) -> str:
    """These settings as TOML, in which those at their defaults are comments."""
    lines: list[str] = []
    for field in msgspec.structs.fields(Settings):
        tables = getattr(settings, field.name)
        array = isinstance(tables, tuple)
        for table in cast("tuple[Section, ...]", tables if array else (tables,)):
            lines += ["", f"[[{field.name}]]" if array else f"[{field.name}]"]
            for setting in msgspec.structs.fields(type(table)):
                value = getattr(table, setting.name)
                line = f"{setting.name} = {'' if value is None else toml(value)}".rstrip()
                lines.append(f"#{line}" if value == _default_value(setting) else line)
    return "\n".join(lines[1:]) + "\n"


def _section(field: Any) -> str:
    array = get_origin(field.type) is tuple
    struct: type[Section] = get_args(field.type)[0] if array else field.type
    header = f"#[[{field.name}]]" if array else f"[{field.name}]"
    lines = [header, *_comment(_plain(inspect.getdoc(struct) or "")), "#"]
    for setting in msgspec.structs.fields(struct):
        lines += textwrap.wrap(
            f"{setting.name}: {words.allowed(msgspec.inspect.type_info(setting.type))}",
            _WIDTH,
            initial_indent="#   ",
            subsequent_indent="#     ",
            break_on_hyphens=False,
        )
        lines.append(f"#{setting.name} = {_default(setting)}".rstrip())
    return "\n".join([*lines, ""])


def _comment(text: str) -> list[str]:
    return [f"# {line}".rstrip() for line in text.split("\n")]


def _plain(doc: str) -> str:
    """A docstring without its marks for names."""
    return doc.replace("`", "")


def _default(setting: Any) -> str:
    """The default as TOML; nothing where there is none, since TOML has no word for that."""
    value = _default_value(setting)
    return "" if value in (None, msgspec.NODEFAULT) else toml(value)


def _default_value(setting: Any) -> Any:
    if setting.default is msgspec.NODEFAULT and setting.default_factory is not msgspec.NODEFAULT:
        return setting.default_factory()
    return setting.default


def toml(value: Any) -> str:
    """A setting's value as TOML writes it."""
    match value:
        case enum.Enum():
            return toml(value.value)
        case Path():
            return words.found(str(value))
        case tuple() | list():
            return f"[{', '.join(map(toml, cast('tuple[Any, ...]', value)))}]"
        case msgspec.Struct():
            fields = [field for field in msgspec.structs.fields(value) if getattr(value, field.name) != field.default]
            return f"{{ {', '.join(f'{field.name} = {toml(getattr(value, field.name))}' for field in fields)} }}"
        case dict():
            pairs = cast("dict[Any, Any]", value).items()
            return f"{{ {', '.join(f'{_key(key)} = {toml(item)}' for key, item in pairs)} }}" if value else "{}"
        case str():
            return msgspec.json.encode(value).decode()  # TOML's basic strings have JSON's escapes
        case _:
            return words.found(value)


def _key(key: Any) -> str:
    return str(key.value if isinstance(key, enum.Enum) else key)


if __name__ == "__main__":
    sys.stdout.write(annotated())
