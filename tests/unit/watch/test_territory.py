"""Whose a path is: one rule, for events and scans alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.jobs.folder import FolderRules
from whisperd.watch.names import NameRules, NameVerdict, joined
from whisperd.watch.territory import Claims, Territory, foreign_to

OWN = Claims(frozenset({b"/d"}), archives=frozenset({b"/d/done"}), mirrors=frozenset({b"/d/texts"}))
INNER = Claims(frozenset({b"/d/in", b"/link/in"}), archives=frozenset({b"/d/in-done"}), mirrors=frozenset({b"/d/both"}))


def territory(own: Claims = OWN, *others: Claims, recursive: bool = True) -> Territory:
    [root] = own.roots
    claimed = frozenset[bytes]().union(*(other.roots | other.archives for other in others))
    return Territory(root, NameRules(FolderRules(ignore=("secret", "a/b"))), recursive, foreign_to(own, claimed))


@pytest.mark.parametrize(
    ("parent", "held"),
    [
        (b"", True),
        (b"sub", True),
        (b"sub/deep", True),
        (b"in", False),  # another watched folder's, whatever it does with its files
        (b"in/deep/er", False),
        (b"sub/in", True),
        (b"inn", True),
        (b"done", False),  # its own archive
        (b"done/deep", False),
        (b"texts", False),  # its own mirrored tree
        (b"in-done", False),  # another's archive
        (b"both", True),  # another's mirrored tree, where audio may lie
        (b".hidden", False),
        (b"sub/.hidden/x", False),
        (b"secret/x", False),
        (b"a/b/c", False),
        (b"a/c", True),
        (b"\xff/x", True),
    ],
)
def test_a_folder_holds_what_lies_below_it_up_to_what_others_claim(parent: bytes, held: bool) -> None:
    assert territory(OWN, INNER).holds(parent) is held
    verdict = territory(OWN, INNER).judge(parent, b"x.wav")
    assert verdict is (NameVerdict.WANTED if held else NameVerdict.IGNORED)


def test_a_folder_that_does_not_look_below_itself_holds_only_what_lies_in_it() -> None:
    flat = territory(recursive=False)
    assert flat.holds(b"")
    assert not flat.holds(b"sub")


def test_a_watched_folder_is_its_own_even_where_another_one_moves_its_audio_into_it() -> None:
    chained = Claims(frozenset({b"/e"}), archives=frozenset({b"/d"}))
    assert territory(OWN, chained).holds(b"")
    assert territory(OWN, chained).holds(b"sub")
    around = Claims(frozenset({b"/d"}), mirrors=frozenset({b"/d"}))
    assert territory(around).holds(b"sub")


NAMES = st.sampled_from([b"a", b"b", b"in", b".c", b"\xff"])
PATHS = st.lists(NAMES, max_size=4).map(b"/".join)
INSIDE = st.lists(NAMES, min_size=1, max_size=3).map(b"/".join)


@given(st.frozensets(INSIDE, max_size=3), PATHS, st.booleans())
def test_what_a_walk_from_the_top_reaches_is_what_the_rule_holds(
    others: frozenset[bytes], parent: bytes, recursive: bool
) -> None:
    """A scan asks of each folder on its way down, an event of the last one only."""
    ours = territory(
        Claims(frozenset({b"/d"})), *(Claims(frozenset({b"/d/" + other})) for other in others), recursive=recursive
    )
    reached, inside = True, b""
    for name in parent.split(b"/") if parent else []:
        inside = joined(inside, name)
        reached = reached and ours.holds(inside)
    assert ours.holds(parent) is reached


@given(st.frozensets(INSIDE, max_size=3), PATHS)
def test_no_path_is_two_folders_own(inner: frozenset[bytes], path: bytes) -> None:
    roots = {b"/d", *(b"/d/" + one for one in inner)}
    holders = set[bytes]()
    for root in roots:
        if (b"/d/" + path + b"/").startswith(root + b"/"):
            claims = Claims(frozenset({root}))
            others = [Claims(frozenset({other})) for other in roots - {root}]
            if territory(claims, *others).holds((b"/d/" + path)[len(root) + 1 :].rstrip(b"/")):
                holders.add(root)
    assert len(holders) <= 1
    assert holders <= {max((root for root in roots if (b"/d/" + path + b"/").startswith(root + b"/")), key=len)}
