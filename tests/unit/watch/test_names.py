"""Which names in a drop folder are wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.jobs.folder import FolderRules, Recordings
from whisperd.watch.names import NameRules, NameVerdict, joined

WANTED, IGNORED, PLAYLIST = NameVerdict.WANTED, NameVerdict.IGNORED, NameVerdict.PLAYLIST


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        (b"talk.wav", WANTED),
        (b"TALK.MP3", WANTED),
        (b"two\nlines.ogg", WANTED),
        (b"caf\xe9.opus", WANTED),
        (b"'quoted' \"name\".flac", WANTED),
        (b"x" * 251 + b".wav", WANTED),
        (b"talk.wav.part", IGNORED),
        (b"talk.wav.crdownload", IGNORED),
        (b"Unconfirmed 1234.crdownload", IGNORED),
        (b"talk.tmp", IGNORED),
        (b".talk.wav.Xq7ab2", IGNORED),
        (b".talk.wav", IGNORED),
        (b"~talk.wav", IGNORED),
        (b"talk.wav~", IGNORED),
        (b"talk.txt", IGNORED),
        (b"wav", IGNORED),
        (b"list.m3u8", PLAYLIST),
        (b"list.PLS", PLAYLIST),
    ],
)
def test_names_are_judged_by_their_ends(name: bytes, verdict: NameVerdict) -> None:
    assert NameRules(FolderRules()).judge(b"", name) is verdict


def test_patterns_and_ignore_rules_disregard_case_and_take_paths_where_they_have_a_slash() -> None:
    rules = NameRules(FolderRules(patterns=("*.WAV", "memo*"), ignore=("*draft*", "raw/*", "old/2019")))
    assert rules.judge(b"", b"a.wav") is WANTED
    assert rules.judge(b"", b"memo") is WANTED
    assert rules.judge(b"", b"a.mp3") is IGNORED
    assert rules.judge(b"", b"Draft.wav") is IGNORED
    assert rules.judge(b"raw", b"a.wav") is IGNORED
    assert rules.judge(b"deep/raw", b"a.wav") is WANTED
    assert not rules.enters(b"old", b"2019")
    assert rules.enters(b"old", b"2020")
    assert not rules.enters(b"", b".git")


@pytest.mark.parametrize(
    ("recordings", "own", "other"),
    [(Recordings.ALL, WANTED, WANTED), (Recordings.OWN, WANTED, IGNORED), (Recordings.IMPORTED, IGNORED, WANTED)],
)
def test_own_recordings_are_told_by_their_names(recordings: Recordings, own: NameVerdict, other: NameVerdict) -> None:
    rules = NameRules(FolderRules(recordings=recordings))
    assert rules.judge(b"", b"2026-01-31-voice-note.wav") is own
    assert rules.judge(b"", b"voice-note-of-mine.wav") is other


@given(st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_every_name_that_a_file_can_have_is_judged(name: bytes) -> None:
    assert NameRules(FolderRules(patterns=("*",))).judge(b"in/side", name) in NameVerdict
    assert joined(b"in/side", name) == b"in/side/" + name
