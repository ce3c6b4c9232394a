"""The table from what is known of a file to what is done about it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.jobs.folder import FileState
from whisperd.jobs.job import Options
from whisperd.jobs.version import Version, signature
from whisperd.watch.orphans import Decision, concerns, decide

FILE = Version(1, 2, 3, 4)
EDITED = Version(1, 2, 3, 5)
REPLACED = Version(1, 9, 3, 4)
REMOUNTED = Version(7, 8, 3, 4)


def test_a_file_is_the_same_at_its_path_until_it_changes_or_another_takes_its_place() -> None:
    assert FILE.same_at_its_path(FILE)
    assert not EDITED.same_at_its_path(FILE)
    assert not REPLACED.same_at_its_path(FILE)
    assert REMOUNTED.same_at_its_path(FILE)  # device numbers change when a disk is mounted again


@pytest.mark.parametrize("state", FileState)
def test_a_known_file_concerns_nobody_unless_it_was_gone(state: FileState) -> None:
    assert concerns((FILE, state), FILE) is (state is FileState.GONE)
    assert concerns((FILE, state), EDITED)


@pytest.mark.parametrize("state", FileState)
def test_who_asks_again_gets_what_ended_without_a_transcript(state: FileState) -> None:
    asked = {FileState.FAILED, FileState.CANCELLED, FileState.DONE, FileState.GONE}
    assert concerns((FILE, state), FILE, again=True) is (state in asked)


@pytest.mark.parametrize(
    ("known", "found", "again", "moved", "transcribed", "decision"),
    [
        (None, FILE, False, False, False, Decision.QUEUE),
        (None, FILE, False, False, True, Decision.DONE),
        (None, FILE, False, True, False, Decision.FOLLOW),
        (None, FILE, False, True, True, Decision.FOLLOW),
        ((FILE, FileState.DONE), FILE, False, False, False, Decision.KEEP),
        ((FILE, FileState.DONE), FILE, True, False, False, Decision.QUEUE),
        ((FILE, FileState.DONE), FILE, True, False, True, Decision.KEEP),
        ((FILE, FileState.DONE), EDITED, False, False, True, Decision.QUEUE),
        ((FILE, FileState.DONE), REPLACED, False, True, True, Decision.FOLLOW),
        ((FILE, FileState.CANCELLED), FILE, False, False, False, Decision.KEEP),
        ((FILE, FileState.CANCELLED), FILE, True, False, True, Decision.QUEUE),
        ((FILE, FileState.FAILED), FILE, False, False, False, Decision.KEEP),
        ((FILE, FileState.FAILED), EDITED, False, False, False, Decision.QUEUE),
        ((FILE, FileState.QUEUED), FILE, True, False, False, Decision.KEEP),
        ((FILE, FileState.SKIPPED), FILE, True, False, False, Decision.KEEP),
        ((FILE, FileState.LEFT), FILE, True, False, False, Decision.KEEP),
        ((FILE, FileState.LEFT), EDITED, False, False, False, Decision.QUEUE),
        ((FILE, FileState.GONE), FILE, False, False, True, Decision.QUEUE),
    ],
)
def test_what_a_finished_file_leads_to(
    known: tuple[Version, FileState] | None,
    found: Version,
    again: bool,
    moved: bool,
    transcribed: bool,
    decision: Decision,
) -> None:
    assert decide(known, found, again=again, moved=moved, transcribed=transcribed) is decision


@given(st.sampled_from([None, *itertools.product([FILE, EDITED], FileState)]), st.booleans(), st.booleans())
def test_what_concerns_nobody_is_kept(known: tuple[Version, FileState] | None, moved: bool, transcribed: bool) -> None:
    decision = decide(known, FILE, again=False, moved=moved, transcribed=transcribed)
    assert (decision is Decision.KEEP) is not concerns(known, FILE)


def test_a_signature_names_the_version_and_the_options() -> None:
    assert signature(FILE, Options()) == signature(FILE, Options())
    assert len({signature(FILE, Options()), signature(EDITED, Options()), signature(FILE, Options(words=True))}) == 3


def test_of_a_file_with_several_names_each_has_a_signature_of_its_own() -> None:
    names = [signature(FILE, Options(), path) for path in (None, b"/d/a.wav", b"/d/b.wav")]
    assert len(set(names)) == 3
    assert signature(FILE, Options(), b"/d/a.wav") == names[1]
