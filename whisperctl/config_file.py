"""The client's sections of the configuration file.

Owns: finding and reading them. Leaves to others: what they mean; `whisperd check-config` names every mistake in them.
"""

import os
import tomllib

from whisperctl.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from whisperctl.shapes import Json, Params


def path() -> str:
    """`$XDG_CONFIG_HOME/whisperd/config.toml`, by default `~/.config/whisperd/config.toml`."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if not base.startswith("/"):  # the XDG specification: a relative path is to be ignored
        base = os.path.expanduser("~/.config")
    return base + "/whisperd/config.toml"


def section(name: str, file: str | None = None) -> "Params":
    """A table of the file, empty where there is none; a file that is named must exist. Raises `UsageError`."""
    table = _document(file).get(name, {})
    if not isinstance(table, dict):
        raise UsageError(f"{file or path()}: {name} must be a table, written [{name}]")
    return table  # pyright: ignore[reportUnknownVariableType]


def tables(name: str, file: str | None = None) -> "list[Params]":
    """An array of tables of the file. Raises `UsageError`."""
    found: Json = _document(file).get(name, [])
    if not isinstance(found, list) or not all(isinstance(table, dict) for table in found):  # pyright: ignore[reportUnknownVariableType]
        raise UsageError(f"{file or path()}: {name} must be tables, each written [[{name}]]")
    return found  # pyright: ignore[reportUnknownVariableType]


def _document(file: str | None) -> "Params":
    place = file or path()
    try:
        with open(place, "rb") as opened:
            return tomllib.load(opened)
    except FileNotFoundError:
        if file is None:
            return {}
        raise UsageError(f"there is no configuration file {place}", "check the path after --config") from None
    except OSError as error:
        raise UsageError(f"can't read the configuration file {place}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{place} is not TOML: {error}", "`whisperd check-config` names the line") from None
