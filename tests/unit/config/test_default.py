"""The annotated default file: every setting, its default, and what is allowed; and settings as TOML."""

import inspect
import re
import tomllib
from typing import Any, get_args, get_origin

import msgspec
import pytest

from tests.unit.config.test_load import EVERY_SETTING
from whisperd.config.default import annotated, in_force
from whisperd.config.load import parse
from whisperd.config.settings import Section, Settings


def uncommented() -> str:
    """The default file with every setting that has a default in force."""
    lines = [re.sub(r"^#(\w+ = .+)$", r"\1", line) for line in annotated().splitlines()]
    return re.sub(r"^#\[\[.*?(?=^#?\[|\Z)", "", "\n".join(lines), flags=re.DOTALL | re.MULTILINE)


def test_the_default_file_is_valid_as_it_stands_and_changes_nothing() -> None:
    assert parse(annotated().encode()) == (Settings(), [])


def test_the_default_file_with_its_settings_taken_out_of_comments_is_the_defaults() -> None:
    assert parse(uncommented().encode()) == (Settings(), [])


def structs() -> list[tuple[str, type[Section]]]:
    fields: Any = msgspec.structs.fields(Settings)
    return [(f.name, get_args(f.type)[0] if get_origin(f.type) is tuple else f.type) for f in fields]


@pytest.mark.parametrize(("name", "struct"), structs())
def test_every_setting_is_in_the_default_file_and_explained(name: str, struct: type[Section]) -> None:
    [section] = re.findall(rf"^#?\[{{1,2}}{name}\]{{1,2}}\n(.*?)(?=^#?\[|\Z)", annotated(), re.DOTALL | re.MULTILINE)
    for key in struct.__struct_fields__:
        assert re.search(rf"^#   {key}: \S+", section, re.MULTILINE), f"{key}: what is allowed"
        assert re.search(rf"^#{key} =", section, re.MULTILINE), f"{key}: the line to change"
        doc = inspect.getdoc(struct) or ""
        assert f"`{key}`" in doc or "`language` … `words`" in doc, f"{struct.__name__}'s docstring leaves out {key}"


def test_settings_in_force_are_toml_that_reads_back_as_the_same() -> None:
    settings, _ = parse(EVERY_SETTING.encode())
    assert parse(in_force(settings).encode()) == (settings, [])
    assert parse(in_force(Settings()).encode()) == (Settings(), [])
    assert set(tomllib.loads(in_force(settings))) == set(tomllib.loads(EVERY_SETTING))
