"""Reading `config.toml`: from text to `Settings`, or to every mistake in it at once.

Owns: parsing, strict conversion, and messages that name file, line, key, what was found and what is allowed. Leaves to
others: what settings exist (`settings`), and their effect. A missing file at the default place means the defaults; one
that was named must exist.
"""

import difflib
import math
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, TextIO, cast, get_args, get_origin

import msgspec
from msgspec import inspect

from whisperd.config import words
from whisperd.config.file import read_file
from whisperd.config.lines import KeyPath, item_part, key_lines, line_of
from whisperd.config.mismatches import mismatches
from whisperd.config.paths import config_file
from whisperd.config.settings import Section, Settings
from whisperd.errors import ConfigError
from whisperd.jobs import languages
from whisperd.printable import printable


class Problem(msgspec.Struct, frozen=True):
    """One mistake: where, and a sentence about what is wrong and what is allowed."""

    key: str
    message: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" if self.key else self.message


def load(path: Path | None = None) -> Settings:
    """The settings in a file; without a path those in the default place, or all defaults where there is no file.

    Raises ConfigError, whose message has one line `FILE:LINE: KEY: what is wrong` for every mistake.
    """
    file = path or config_file()
    try:
        data = read_file(file)
    except FileNotFoundError as error:
        if path is None:
            return Settings()
        raise ConfigError(
            f"there is no configuration file {printable(file)}", hint="check the path after --config"
        ) from error
    settings, problems = parse(data)
    if problems:
        raise ConfigError("\n".join(located(file, problem) for problem in problems))
    return settings


def parse(data: bytes) -> tuple[Settings, list[Problem]]:
    """The settings in a file's bytes and the mistakes; the settings are the defaults when there is any mistake."""
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Settings(), [Problem("", "not UTF-8, as TOML must be", line)]
    except (ValueError, RecursionError) as error:  # tomllib lets through int()'s on too many digits, and deep nesting
        return Settings(), [_syntax_problem(str(error), last_line=data.rstrip().count(b"\n") + 1)]
    lines = key_lines(text)
    problems = [msgspec.structs.replace(problem, line=line_of(path, lines)) for path, problem in _mistakes(document)]
    if problems:
        return Settings(), problems
    settings = _convert(document, Settings)
    problems = [Problem(_dotted(path), message, line_of(path, lines)) for path, message in mismatches(settings)]
    return (Settings() if problems else settings), problems


def located(file: Path, problem: Problem) -> str:
    return f"{printable(file)}:{problem.line}: {problem}" if problem.line else f"{printable(file)}: {problem}"


def check_config(path: Path | None = None, out: TextIO | None = None) -> int:
    """What `whisperd check-config [F]` does: print `ok` or every mistake; the exit status, 0 or 1."""
    out = out or sys.stdout
    file = path or config_file()
    try:
        load(path)
    except ConfigError as error:
        print(error.message, file=out)
        if error.hint:
            print(f"hint: {error.hint}", file=out)
        return 1
    found = path is not None or file.exists()
    print(f"{printable(file)}: ok" if found else f"{printable(file)}: not there; the defaults apply", file=out)
    return 0


# -- mistakes ---------------------------------------------------------------------------------------------------------

_Found = list[tuple[KeyPath, Problem]]


def _syntax_problem(message: str, last_line: int) -> Problem:
    """tomllib ends its messages in `(at line 3, column 7)` or `(at end of document)`; Python's own have no place."""
    place = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    if place is None:
        return Problem("", f"not TOML: {message}")
    what, line, column = place.groups()
    if line is None:
        return Problem("", f"not TOML: {what} at the end of the file", last_line)
    return Problem("", f"not TOML: {what} at column {column}", int(line))


def _mistakes(document: dict[str, Any]) -> _Found:
    sections = _sections()
    found: _Found = []
    for name, value in document.items():
        if name not in sections:
            found.append(((name,), Problem(name, _unknown(name, list(sections), "section", _home_of(name, "")))))
        elif _is_array(name):
            found += _array_mistakes(name, value, sections[name])
        elif not isinstance(value, dict):
            found.append(((name,), Problem(name, f"found {words.found(value)}; must be a table, written [{name}]")))
        else:
            found += _section_mistakes((name,), cast("dict[str, Any]", value), sections[name])
    return found


def _sections() -> dict[str, type[Section]]:
    """Each section's Struct, by name; of an array of tables, that of each."""
    kinds = {info.name: info.type for info in msgspec.structs.fields(Settings)}
    return {name: get_args(kind)[0] if _is_array(name) else kind for name, kind in kinds.items()}


def _is_array(name: str) -> bool:
    kinds = {info.name: info.type for info in msgspec.structs.fields(Settings)}
    return get_origin(kinds[name]) is tuple


def _array_mistakes(name: str, value: Any, struct: type[Section]) -> _Found:
    tables = cast("list[Any]", value)
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in tables):
        return [((name,), Problem(name, f"found {words.found(value)}; must be tables, each written [[{name}]]"))]
    found = [
        mistake for n, table in enumerate(tables) for mistake in _section_mistakes((name, item_part(n)), table, struct)
    ]
    if not found:  # only how the tables fit together is left
        try:
            _convert({name: tables}, Settings)
        except msgspec.ValidationError as error:
            found.append(((name,), Problem(name, str(error))))
    return found


def _section_mistakes(section: KeyPath, table: dict[str, Any], struct: type[Section]) -> _Found:
    types = {info.name: info.type for info in msgspec.structs.fields(struct)}
    found: _Found = []
    for key, value in table.items():
        path = (*section, key)
        if key in types:
            found += _value_mistakes(path, value, types[key])
        else:
            message = _unknown(key, list(types), "setting", _home_of(key, section[0]))
            found.append((path, Problem(_dotted(path), message)))
    if not found:  # only what no single value shows is left: what is lacking, and how settings fit together
        try:
            _convert(table, struct)
        except msgspec.ValidationError as error:
            message = re.sub(r"^Object missing required field", "lacks", str(error))
            found.append((section, Problem(_dotted(section), message)))
    return found


def _dotted(path: KeyPath) -> str:
    """`workers.lanes`, `watch[0].settle`."""
    return ".".join(path).replace(".[", "[")


def _value_mistakes(path: KeyPath, value: Any, kind: Any) -> _Found:
    info = inspect.type_info(kind)
    if isinstance(info, inspect.DictType) and isinstance(value, dict):
        key_type, value_type = get_args(kind)
        found: _Found = []
        for key, item in cast("dict[str, Any]", value).items():
            if _fits(key, key_type):
                found += _value_mistakes((*path, key), item, value_type)
            else:
                names = [str(name) for name in key_type]
                found.append(((*path, key), Problem(_dotted((*path, key)), _unknown(key, names, "name", None))))
        return found
    if isinstance(info, inspect.VarTupleType) and isinstance(value, list):
        items = enumerate(cast("list[Any]", value))
        item_type = get_args(kind)[0]
        return [
            (path, Problem(f"{_dotted(path)}[{n}]", message))
            for n, item in items
            if (message := _objection(item, item_type))
        ]
    message = _objection(value, kind)
    return [(path, Problem(_dotted(path), message))] if message else []


def _objection(value: Any, kind: Any) -> str | None:
    """Why a value does not fit; None where it does."""
    info = inspect.type_info(kind)
    if not _fits(value, kind):
        return _misfit(value, kind) if isinstance(info, inspect.StructType) else _not_allowed(value, info)
    alternatives = info.types if isinstance(info, inspect.UnionType) else (info,)
    for one in alternatives:
        if isinstance(one, inspect.Metadata) and isinstance(value, str):
            extra = cast("dict[str, Any]", one.extra or {})  # pyright: ignore[reportUnknownMemberType] (a bare dict)
            try:
                extra.get("check", str)(value)
            except languages.UnknownLanguageError as error:
                return str(error)
    return None


def _fits(value: Any, kind: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):  # TOML has inf and nan; no setting means them
        return False
    try:
        _convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _convert(value: Any, kind: Any) -> Any:
    return msgspec.convert(value, kind, dec_hook=_to_path)


def _to_path(kind: type, value: Any) -> Path:
    if kind is not Path or not isinstance(value, str) or not value.startswith(("/", "~/")) or "\0" in value:
        raise ValueError("not an absolute path")
    return Path(value).expanduser()


def _home_of(key: str, section: str) -> str | None:
    """The sections, other than the given one, that have such a setting."""
    homes = [
        f"[[{name}]]" if _is_array(name) else f"[{name}]"
        for name, struct in _sections().items()
        if name != section and key in struct.__struct_fields__
    ]
    return " or ".join(homes) or None


def _unknown(name: str, known: list[str], what: str, home: str | None) -> str:
    message = f"there is no such {what}"
    if near := difflib.get_close_matches(name, known, n=1):
        return f"{message}; did you mean {near[0]}?"
    if home:
        return f"{message} here; it belongs in {home}"
    return f"{message}; there are: {', '.join(known)}"


def _misfit(value: Any, kind: Any) -> str:
    """What is wrong with a table inside of a list."""
    try:
        _convert(value, kind)
    except msgspec.ValidationError as error:
        return str(error)
    raise AssertionError("it fits")


def _not_allowed(value: Any, info: inspect.Type) -> str:
    return f"found {words.found(value)}; must be {words.allowed(info)}"
