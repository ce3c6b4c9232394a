"""Chords as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperctl.errors import UsageError
from whisperctl.keys import KEYS, MODIFIERS, Chord, chord


@pytest.mark.parametrize(
    ("written", "read", "codes", "keysyms"),
    [
        ("ctrl+space", Chord(("ctrl",), "space"), [29, 57], "ctrl+space"),
        ("Shift + Control+D", Chord(("ctrl", "shift"), "d"), [29, 42, 32], "ctrl+shift+d"),
        ("super+esc", Chord(("super",), "escape"), [125, 1], "super+Escape"),
        ("altgr", Chord((), "rightalt"), [100], "Alt_R"),
        ("f9", Chord((), "f9"), [67], "F9"),
        ("F13", Chord((), "f13"), [183], "F13"),
        ("win+.", Chord(("super",), "period"), [125, 52], "super+period"),
    ],
)
def test_a_chord_is_read(written: str, read: Chord, codes: list[int], keysyms: str) -> None:
    assert chord(written) == read
    assert read.codes() == codes
    assert read.keysyms({}) == keysyms


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "names no key"),
        ("ctrl", "no key besides its modifiers"),
        ("ctrl+", "names no key"),
        ("a+b", "'a' in 'a+b' is not a modifier"),
        ("ctrl+spcae", "no key 'spcae'"),
        ("ctrl+ctrl+a", "names a modifier twice"),
    ],
)
def test_what_is_no_chord_is_said(written: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        chord(written)
    assert told in caught.value.message
    assert caught.value.hint


@given(st.sets(st.sampled_from(sorted(MODIFIERS))), st.sampled_from(sorted(KEYS)))
def test_a_chord_reads_back_as_it_is_written(modifiers: set[str], key: str) -> None:
    made = Chord(tuple(name for name in MODIFIERS if name in modifiers), key)
    assert chord(str(made)) == made


def test_no_two_keys_share_a_code() -> None:
    assert len({key.code for key in KEYS.values()}) == len(KEYS)
