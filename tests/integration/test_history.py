"""`history.*` of a real daemon, and its commands, on one transcript; and on more that are put into the database."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import DATA, CallError, Daemon, running_daemon

SPOKEN = " ".join((DATA / "demo.txt").read_text().split())


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """One daemon with one transcript, whose job's row was cleared: the history does not need it."""
    with running_daemon() as running:
        shutil.copy(DATA / "demo.flac", running.folder / "talk.flac")
        [job] = running.submit(running.folder / "talk.flac")
        running.wait(job["id"])
        assert running.call("queue.clear") == {"removed": 1}
        yield running


def shown(daemon: Daemon) -> dict[str, Any]:
    return daemon.call("history.show", id=1)


def test_a_transcript_is_listed_found_and_shown_after_its_job_was_cleared(daemon: Daemon) -> None:
    [listed] = daemon.call("history.list")["transcripts"]
    assert (listed["id"], listed["source"], listed["language"], listed["edited"]) == (1, "file", "en", False)
    assert listed["path"] == str(daemon.folder / "talk.flac")
    assert SPOKEN.startswith(listed["beginning"][:20])
    [match] = daemon.call("history.search", query="yell river")["matches"]
    assert match["transcript"] == listed
    assert {part["text"] for part in match["snippet"] if part["match"]} == {"yellow", "river"}
    assert shown(daemon)["summary"] == listed
    assert daemon.call("job.text", id=1)["transcript"] == shown(daemon)["transcript"]
    assert daemon.call("history.show", id=1, format="srt")["rendered"].startswith("1\n00:00:")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"since": "2020-01-01T00:00:00Z"}, True),
        ({"until": "2020-01-01T00:00:00+02:00"}, False),
        ({"sources": ["file"]}, True),
        ({"sources": ["watch", "dictation"]}, False),
        ({"batch": "interviews"}, False),
        ({"batch": 7}, False),
        ({"confidence_below": 1.0}, True),
        ({"folder": "/somewhere"}, False),
    ],
)
def test_filters_hold_for_lists_searches_and_exports(daemon: Daemon, wanted: dict[str, Any], found: bool) -> None:
    assert bool(daemon.call("history.list", filter=wanted)["transcripts"]) is found
    assert bool(daemon.call("history.search", query="yellow", filter=wanted)["matches"]) is found
    assert bool(daemon.call("history.export", filter=wanted)["documents"]) is found


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("history.list", {"filter": {"since": "2020-01-01"}}, "params.filter.since"),
        ("history.list", {"cursor": "x"}, "cursor"),
        ("history.search", {"query": "…"}, "no word"),
        ("history.search", {"query": "a", "cursor": "1:x"}, "cursor"),
        ("history.search", {"query": "a", "cursor": "-1:0"}, "cursor"),
        ("history.show", {"id": 99}, "no transcript 99"),
        ("history.edit", {"id": 99, "text": "x"}, "no transcript 99"),
        ("history.export", {"ids": [1, 99]}, "no transcript 99"),
        ("history.list", {"filter": {"folder": "relative"}}, "absolute"),
    ],
)
def test_what_is_wrong_is_said(daemon: Daemon, method: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(CallError, match=message):
        daemon.call(method, **params)


def test_an_edited_text_is_everywhere_and_the_original_can_be_brought_back(daemon: Daemon) -> None:
    before = shown(daemon)["transcript"]["text"]
    after = before.replace("villages", "vineyards", 1)
    edited = daemon.ctl("history", "edit", "1", "--text", after)
    assert (edited.returncode, edited.stderr) == (0, "")
    assert shown(daemon)["original"] == before
    assert "vineyards" in daemon.ctl("history", "show", "1", "--format", "vtt").stdout
    assert daemon.ctl("history", "show", "1", "--original").stdout.strip() == before
    assert "vineyards" in daemon.ctl("job", "text", "1").stdout
    assert len(daemon.call("history.search", query="vineyards")["matches"]) == 1
    assert daemon.call("history.search", query="villages")["matches"] == []
    assert daemon.ctl("history", "edit", "1", "--original").returncode == 0
    assert (shown(daemon)["transcript"]["text"], shown(daemon)["original"]) == (before, None)


def test_the_commands_show_tables_snippets_and_json(daemon: Daemon) -> None:
    listed = daemon.ctl("history", "list", "--since", "7d")
    assert listed.returncode == 0
    header, row = listed.stdout.splitlines()
    assert header.split()[:3] == ["id", "finished", "source"]
    assert "talk.flac" in row
    assert json.loads(daemon.ctl("--json", "history", "list").stdout) == daemon.call("history.list")
    found = daemon.ctl("history", "search", "yellow", "river")
    assert "yellow river" in found.stdout
    nothing = daemon.ctl("history", "search", "xylophone")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (1, "", "nothing was found\n")
    assert daemon.ctl("history", "show", "99").returncode == 4
    assert "not a time" in daemon.ctl("history", "list", "--since", "soon").stderr


def test_an_export_writes_whole_files_and_none_that_is_there_is_touched(daemon: Daemon, tmp_path: Path) -> None:
    foreign = tmp_path / "talk.txt"
    foreign.write_text("mine")
    for _ in range(2):  # the second time everything is there
        exported = daemon.ctl("history", "export", "--output-dir", str(tmp_path), "--format", "txt,srt")
        assert exported.stdout == f"2 files in {tmp_path}\n"
    assert foreign.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["talk (2).txt", "talk.srt", "talk.txt"]
    assert (tmp_path / "talk.srt").read_text() == daemon.call("history.show", id=1, format="srt")["rendered"]


def test_an_export_is_one_file_of_json_lines(daemon: Daemon, tmp_path: Path) -> None:
    target = tmp_path / "all.jsonl"
    assert daemon.ctl("history", "export", "--json-lines", str(target)).returncode == 0
    [line] = target.read_text().splitlines()
    record = json.loads(line)
    assert (record["id"], record["text"]) == (1, shown(daemon)["transcript"]["text"])
    assert len(record["segments"]) == len(shown(daemon)["transcript"]["segments"])
    assert daemon.ctl("history", "export", "1", "--json-lines", "-").stdout == line + "\n"
    again = daemon.ctl("history", "export", "--json-lines", str(target))
    assert (again.returncode, "there already" in again.stderr) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["all.jsonl"]


def test_an_export_is_told_where_to_and_what_as(daemon: Daemon, tmp_path: Path) -> None:
    assert daemon.ctl("history", "export").returncode == 2
    assert daemon.ctl("history", "export", "--output-dir", str(tmp_path), "--format", "doc").returncode == 2
    assert daemon.ctl("history", "export", "99", "--output-dir", str(tmp_path)).returncode == 4


def test_a_deleted_transcript_is_gone_and_its_job_with_it(daemon: Daemon) -> None:
    [job] = daemon.submit(DATA / "demo.flac")
    daemon.wait(job["id"])
    assert daemon.ctl("history", "delete", str(job["id"])).returncode == 2  # nobody can be asked
    assert daemon.ctl("history", "delete", str(job["id"]), "--yes").stdout == "deleted 1 transcript\n"
    assert [one["id"] for one in daemon.call("history.list")["transcripts"]] == [1]
    with pytest.raises(CallError, match="no job"):
        daemon.call("job.show", id=job["id"])
    assert daemon.ctl("history", "delete", str(job["id"]), "--yes").returncode == 4
    with pytest.raises(CallError, match="no job"):
        daemon.call("job.text", id=job["id"])
