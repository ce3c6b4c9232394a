"""Files of an export: whole, under a free name, and never in place of another."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from whisperctl import exporting
from whisperctl.errors import CommandError


def test_a_name_that_is_taken_is_numbered_and_equal_content_is_not_written_twice(tmp_path: Path) -> None:
    names = [exporting.write(str(tmp_path), b"talk", ".txt", content) for content in ("a\n", "b\n", "a\n", "b\n")]
    assert [os.path.basename(name) for name in names] == ["talk.txt", "talk (2).txt", "talk.txt", "talk (2).txt"]
    assert sorted(os.listdir(tmp_path)) == ["talk (2).txt", "talk.txt"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    (tmp_path / "talk.txt").symlink_to(target)
    assert exporting.write(str(tmp_path), b"talk", ".txt", "text").endswith("talk (2).txt")
    assert not target.exists()


def test_without_hard_links_a_name_is_reserved_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "talk.txt").write_text("mine")
    path = exporting.write(str(tmp_path), b"talk", ".txt", "text")
    assert (os.path.basename(path), Path(path).read_text()) == ("talk (2).txt", "text")
    assert (tmp_path / "talk.txt").read_text() == "mine"


def test_an_export_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        yield "one\n"
        raise CommandError("the daemon is gone")

    with pytest.raises(CommandError, match="gone"):
        exporting.write_new(str(tmp_path / "all.jsonl"), lines())
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "all.jsonl").write_text("mine")
    with pytest.raises(CommandError, match="there already"):
        exporting.write_new(str(tmp_path / "all.jsonl"), ["line\n"])
    assert (tmp_path / "all.jsonl").read_text() == "mine"


@pytest.mark.parametrize("stem", ["a" * 300, "é" * 200])
def test_a_long_name_is_shortened_at_a_character(stem: str) -> None:
    name = exporting.numbered(stem.encode(), ".txt", 12)
    assert len(name) <= 255
    assert name.decode().endswith(" (12).txt")
