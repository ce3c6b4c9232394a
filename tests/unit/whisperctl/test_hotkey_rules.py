"""What keys mean, and how chords are found among single keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperctl.errors import UsageError
from whisperctl.hotkey.backend import Chords
from whisperctl.hotkey.bindings import Mode, binding, configured
from whisperctl.hotkey.rules import Action, action
from whisperctl.keys import KEYS, MODIFIERS

LEFT, RIGHT = 0, 1


@pytest.mark.parametrize(
    ("listening", "mode", "down", "asked"),
    [
        (None, "hold", True, Action.START),
        (1, "hold", False, Action.STOP),
        (None, "hold", False, None),
        (2, "hold", True, None),
        (2, "hold", False, None),
        (None, "toggle", True, Action.START),
        (1, "toggle", True, Action.STOP),
        (1, "toggle", False, None),
        (2, "toggle", True, None),
        (1, "cancel", True, Action.CANCEL),
        (None, "cancel", True, Action.CANCEL),
        (1, "cancel", False, None),
        (None, "again", True, Action.AGAIN),
        (2, "again", True, None),
    ],
)
def test_what_the_key_of_binding_1_asks_for(
    listening: int | None, mode: Mode, down: bool, asked: Action | None
) -> None:
    assert action(listening, 1, mode, down) is asked


@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=60), st.lists(st.sampled_from(("hold", "toggle")))
)
def test_one_binding_listens_at_most_and_only_its_own_key_ends_it(
    keys: list[tuple[int, bool]], modes: list[Mode]
) -> None:
    listening: int | None = None
    for number, down in keys:
        if number >= len(modes):
            continue
        asked = action(listening, number, modes[number], down)
        if asked is Action.START:
            assert listening is None
            listening = number
        elif asked is Action.STOP:
            assert listening == number
            listening = None


def reports(*chords: str) -> tuple[Chords, list[tuple[int, bool]]]:
    told: list[tuple[int, bool]] = []
    return Chords(tuple(binding(chord) for chord in chords), lambda *report: told.append(report)), told


def test_a_chord_wants_exactly_its_modifiers_of_either_side() -> None:
    chords, told = reports("ctrl+space", "space")
    ctrl, shift, space = MODIFIERS["ctrl"][RIGHT].code, MODIFIERS["shift"][LEFT].code, KEYS["space"].code
    for code, down in [(ctrl, True), (shift, True), (space, True), (space, False), (shift, False)]:
        chords.key("k", code, down)
    assert told == []
    chords.key("k", space, True)
    chords.key("k", ctrl, False)
    assert told == [(0, True)]
    chords.key("k", space, False)
    chords.key("k", space, True)
    assert told == [(0, True), (0, False), (1, True)]


def test_a_modifier_alone_is_a_key_like_any_other() -> None:
    chords, told = reports("rightctrl")
    for down in (True, True, False):
        chords.key("k", KEYS["rightctrl"].code, down)
    assert told == [(0, True), (0, False)]


KEY_EVENTS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from([29, 97, 42, 57, 30]), st.booleans()), max_size=80
)


@given(KEY_EVENTS)
def test_presses_and_releases_alternate_and_nothing_stays_pressed_without_devices(
    events: list[tuple[str, int, bool]],
) -> None:
    chords, told = reports("ctrl+space", "space", "ctrl+shift+a", "rightctrl")
    for event in events:
        chords.key(*event)
    for device in "ab":
        chords.lost(device)
    for number in range(4):
        downs = [down for told_of, down in told if told_of == number]
        assert downs == [True, False] * (len(downs) // 2)


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ([{"mode": "hold"}], "a binding has no keys"),
        ([{"keys": "f1", "mode": "press"}], "there is no mode 'press'"),
        ([{"keys": "f1", "output": "printer"}], "there is no output 'printer'"),
        ([{"keys": "f1", "langauge": "en"}], "a binding has no setting 'langauge'"),
        ([{"keys": "ctrl+f1"}, {"keys": "Control+F1"}], "ctrl+f1 is bound twice"),
    ],
)
def test_a_wrong_binding_is_explained(tables: list[dict[str, str]], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        configured(tables)
    assert told in caught.value.message
    assert caught.value.hint


def test_a_binding_s_languages_go_to_the_daemon() -> None:
    [made] = configured([{"keys": "f1", "language": "auto", "languages": ["en", "German"]}])
    assert made.options == {"language": "auto", "languages": ["en", "German"]}
    [plain] = configured([{"keys": "f1", "languages": []}])
    assert plain.options == {}


def test_without_bindings_there_is_one_to_hold() -> None:
    [made] = configured([])
    assert (str(made.chord), made.mode, made.output, made.options) == ("ctrl+alt+space", "hold", None, {})
