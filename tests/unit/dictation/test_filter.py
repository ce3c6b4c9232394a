"""The person's own filter, which can fail in every way and lose nothing."""

import sys
from pathlib import Path

import anyio
import pytest

from tests.harness import alive, wait_for
from whisperd.dictation.filter import run_filter

TEXT = "Grüße, Welt"


def filtered(command: tuple[str, ...], limit: float = 20.0) -> tuple[str, str | None]:
    async def run() -> tuple[str, str | None]:
        return await run_filter(command, TEXT, limit)

    return anyio.run(run)


def program(tmp_path: Path, source: str) -> tuple[str, ...]:
    path = tmp_path / "filter.py"
    path.write_text(source, encoding="utf-8")
    return sys.executable, "-I", str(path)


def test_a_filter_has_the_last_word() -> None:
    assert filtered(("sed", "s/Welt/Erde/")) == ("Grüße, Erde", None)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("raise SystemExit(3)", "ended with status 3"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "no UTF-8"),
        ("import sys\nwhile True: sys.stdout.write('x' * 65536)", "answered with more than 1 MB"),
    ],
)
def test_a_filter_that_fails_leaves_the_text(tmp_path: Path, source: str, problem: str) -> None:
    text, told = filtered(program(tmp_path, source))
    assert text == TEXT
    assert told is not None and problem in told


def test_a_filter_that_hangs_is_ended(tmp_path: Path) -> None:
    text, told = filtered(program(tmp_path, "import signal; signal.pause()"), limit=0.2)
    assert (text, "took longer than 0.2 s" in (told or "")) == (TEXT, True)


def test_a_filter_that_does_not_exist_is_told() -> None:
    text, told = filtered(("/no/such/program",))
    assert text == TEXT
    assert told == "the filter /no/such/program can't be started: No such file or directory; the text is as it was"


def test_what_a_filter_has_started_ends_with_it(tmp_path: Path) -> None:
    child = tmp_path / "child"
    text, told = filtered(("sh", "-c", f'sleep 1000 & echo $! > "{child}"; wait'), limit=1.0)
    assert (text, "took longer than 1 s" in (told or "")) == (TEXT, True)
    wait_for(lambda: not alive(int(child.read_text())))


def test_a_filter_that_leaves_something_behind_has_its_say_and_its_children_end(tmp_path: Path) -> None:
    child = tmp_path / "child"
    script = f'sleep 1000 > /dev/null & echo $! > "{child}"; tr a-z A-Z'
    assert filtered(("sh", "-c", script)) == ("GRüßE, WELT", None)
    wait_for(lambda: not alive(int(child.read_text())))
