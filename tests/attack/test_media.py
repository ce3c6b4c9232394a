"""The short form of the attack on the reader: the same trials in every run."""

import random
from pathlib import Path

import pytest

from tests.attack import media
from tests.attack.corpus import KINDS, corpus
from tests.attack.mutations import mutate
from tests.attack.trials import Course

SEED = 16


def test_damaged_files_of_every_kind_are_read_in_part_or_refused_and_never_more(tmp_path: Path) -> None:
    report = media.attack(Course("media", SEED, tmp_path, count=250))
    assert [finding.outcome for finding in report.findings] == []
    assert report.trials > 240
    assert report.outcomes["read in part"] > 40
    assert report.outcomes["bad_input"] > 40


def test_whole_files_of_every_kind_are_read(tmp_path: Path) -> None:
    with media.reader() as child:
        for kind in KINDS:
            path = tmp_path / kind
            path.write_bytes(corpus()[kind])
            assert (kind, child.read(path)["outcome"]) == (kind, "read")


def test_a_trial_is_told_by_its_seed_and_number_alone(tmp_path: Path) -> None:
    one, other = (Course("media", seed, tmp_path) for seed in (SEED, SEED + 1))
    assert media.trial(one, 7) == media.trial(one, 7) != media.trial(other, 7)
    assert list(Course("media", SEED, tmp_path, first=3, count=2).numbers()) == [3, 4]


@pytest.mark.parametrize("kind", ["wav", "m4a", "opus"])
def test_damage_is_damage(kind: str) -> None:
    files = corpus()
    damaged = [mutate(kind, files, random.Random(seed))[0] for seed in range(20)]
    assert files[kind] not in damaged
    assert len(set(damaged)) == 20


def test_a_file_that_ends_its_reader_is_found_and_kept_with_what_makes_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = {"outcome": "reader ended", "words": "signal SIGSEGV", "seconds": 0.0, "memory": 0}
    monkeypatch.setattr(media.Reader, "read", lambda *_: ends)
    report = media.attack(Course("media", SEED, tmp_path, first=5, count=1))
    assert [finding.outcome for finding in report.findings] == ["reader ended: signal SIGSEGV"]
    kept = {path.suffix: path for path in tmp_path.iterdir()}
    assert f"python -m tests.attack media --seed {SEED} --first 5 --count 1" in kept.pop(".txt").read_text()
    [(_, file)] = kept.items()
    assert file.read_bytes() == media.trial(Course("media", SEED, tmp_path), 5)[1]
