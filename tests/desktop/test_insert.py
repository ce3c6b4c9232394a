"""Text at the cursor: by real programs under X, by stand-ins for what is not there."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.parts import Field, Programs, Screen
from tests.harness import PATIENCE, wait_for
from whisperctl.insert import Delivered, Manner, deliver, manner
from whisperctl.insert import backends as every_backend
from whisperctl.insert.desktop import found
from whisperctl.keys import chord

SENTENCE = "The quick brown fox, 42 times: (a_b) {c} ~ 'd' \"e\" #f!"
SCRIPTS = "naïve Straße – „ok“ 日本語 Привет שלום हिन्दी 👍🏽 👩‍👩‍👧"


@pytest.fixture
def ydotoold(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A socket on which somebody listens, as ydotool's daemon does."""
    path = folder / ".ydotool_socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        monkeypatch.setenv("XKB_DEFAULT_LAYOUT", "us")
        yield


# -- X, with real programs --------------------------------------------------------------------------------------------


def test_a_sentence_is_typed_into_another_programs_field(field: Field) -> None:
    assert deliver(SENTENCE, "type") == Delivered("typed", "xdotool", ())
    field.wait_for(SENTENCE)


def test_characters_without_a_key_are_pasted_and_the_old_clipboard_comes_back(field: Field) -> None:
    _to_clipboard("what was there")
    delivered = deliver(SCRIPTS, "type")
    assert (delivered.where, delivered.by) == ("typed", "clipboard")
    assert delivered.tried[0][0] == "xdotool"
    field.wait_for(SCRIPTS)
    wait_for(lambda: _clipboard() == "what was there")


def test_line_breaks_become_spaces_unless_asked_for(field: Field) -> None:
    deliver("one\ntwo\n\nthree\n", "type")
    field.wait_for("one two three ")
    deliver("four\nfive", "type", Manner(newlines="enter"))
    field.wait_for("one two three four\nfive")


def test_a_paste_that_no_program_takes_is_known_and_leaves_the_text_on_the_clipboard(x11: Screen) -> None:
    delivered = deliver("words", "type", Manner(backends=("clipboard",), paste=chord("ctrl+f9")))
    assert delivered.where == "clipboard"
    assert delivered.tried == (("clipboard", "no program took the text that was offered with ctrl+f9"),)
    wait_for(lambda: _clipboard() == "words")
    assert delivered.problem("type") is not None


def test_output_to_the_clipboard_keeps_line_breaks(x11: Screen) -> None:
    assert deliver("one\ntwo", "clipboard") == Delivered("clipboard", "clipboard", ())
    wait_for(lambda: _clipboard() == "one\ntwo")


def test_a_modifier_that_is_still_held_turns_no_letter_into_a_command(field: Field, x11: Screen) -> None:
    x11.do("keydown", "ctrl")
    try:
        deliver("abc", "type")
    finally:
        x11.do("keyup", "ctrl")
    field.wait_for("abc")


# -- Wayland and the console, with stand-ins --------------------------------------------------------------------------


def test_wtype_is_first_under_wayland_and_takes_every_script(wayland: None, programs: Programs) -> None:
    programs.stand_in("wtype")
    assert deliver(SCRIPTS, "type") == Delivered("typed", "wtype", ())
    assert programs.typed("wtype") == SCRIPTS


def test_what_was_said_is_never_an_argument(wayland: None, programs: Programs) -> None:
    programs.stand_in("wtype")
    deliver("secret words\nand more", "type", Manner(newlines="shift+enter"))
    arguments = [word for words, _ in programs.runs("wtype") for word in words]
    assert not [word for word in arguments if "secret" in word or "more" in word]
    assert ["-M", "shift", "-k", "Return", "-m", "shift"] in [words for words, _ in programs.runs("wtype")]


def test_a_failing_backend_hands_on_to_the_next(wayland: None, programs: Programs, ydotoold: None) -> None:
    programs.stand_in("wtype", "echo Compositor does not support the virtual keyboard protocol >&2; exit 1")
    programs.stand_in("ydotool")
    delivered = deliver(SENTENCE, "type")
    assert delivered == Delivered(
        "typed",
        "ydotool",
        (("wtype", "wtype failed: Compositor does not support the virtual keyboard protocol"),),
    )
    assert programs.typed("ydotool") == SENTENCE


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        ("exit 0", "too soon to have typed anything"),
        ("echo 'ydotoold backend unavailable' >&2; sleep 0.3", "backend unavailable"),
        ("kill -9 $$", "signal 9 ended it"),
    ],
)
def test_a_program_that_only_pretends_is_found_out(
    wayland: None, programs: Programs, ydotoold: None, then: str, reason: str
) -> None:
    programs.stand_in("wtype", then)
    programs.stand_in("ydotool")
    text = SENTENCE * 5
    delivered = deliver(text, "type")
    assert delivered.by == "ydotool"
    assert reason in delivered.tried[0][1]
    assert programs.typed("ydotool") == text


def test_the_next_backend_goes_on_where_the_one_before_failed(
    wayland: None, programs: Programs, ydotoold: None
) -> None:
    text = "word " * 100
    programs.stand_in("wtype", 'sleep 0.3; [ "$n" = 0 ]')
    programs.stand_in("ydotool")
    assert deliver(text, "type").by == "ydotool"
    first = programs.runs("wtype")[0][1]
    assert first + programs.typed("ydotool") == text


def test_a_backend_that_would_garble_is_passed_over(
    wayland: None, programs: Programs, ydotoold: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XKB_DEFAULT_LAYOUT", "de")
    programs.stand_in("ydotool")
    delivered = deliver("xyz", "type")
    assert delivered.where == "nowhere"
    assert ("ydotool", "ydotool types as on a US keyboard, and the layout here is de") in delivered.tried
    assert programs.runs("ydotool") == []


def test_pasting_under_wayland_puts_the_old_content_back(wayland: None, programs: Programs, ydotoold: None) -> None:
    programs.stand_in("wtype", "exit 1")
    programs.stand_in("ydotool")
    programs.stand_in("wl-copy", 'case "$*" in *--foreground*) sleep 0.3;; esac')
    programs.stand_in("wl-paste", 'case "$*" in *--list-types*) echo image/png;; *) printf picture;; esac')
    delivered = deliver("日本語", "type")
    assert (delivered.where, delivered.by) == ("typed", "clipboard")
    offered, kept, restored = programs.runs("wl-copy")
    assert "--paste-once" in offered[0]
    assert (offered[1], kept[1], restored[1]) == ("日本語", "日本語", "picture")
    assert restored[0] == ["--type", "image/png"]
    assert programs.runs("ydotool")[0][0] == ["key", "29:1", "47:1", "47:0", "29:0"]


def test_when_nothing_works_the_person_is_told_that_the_history_has_it(console: Path, programs: Programs) -> None:
    delivered = deliver("words", "type")
    assert delivered.where == "nowhere"
    told = delivered.problem("type")
    assert told
    assert "in the history" in told
    assert "ydotool is not installed" in told


def test_every_backend_says_why_it_cant_work_and_what_to_do(
    console: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    known = every_backend(found(), manner((), "space", "ctrl+v"))
    assert set(known) == {"wtype", "ydotool", "xdotool", "clipboard", "keyboard"}
    obstacles = {name: backend.obstacle() for name, backend in known.items()}
    assert all(obstacle and obstacle.reason and obstacle.remedy for obstacle in obstacles.values())


def test_stdout_and_none_touch_nothing(console: Path, programs: Programs) -> None:
    written: list[str] = []
    assert deliver("one\n", "stdout", write=written.append).where == "stdout"
    assert written == ["one\n"]
    assert deliver("one", "none").problem("none") is None


def _to_clipboard(text: str) -> None:
    subprocess.run(["xclip", "-selection", "clipboard", "-in"], input=text, text=True, check=True, timeout=PATIENCE)


def _clipboard() -> str:
    read = ["xclip", "-selection", "clipboard", "-out"]
    return subprocess.run(read, capture_output=True, text=True, check=False, timeout=PATIENCE).stdout
