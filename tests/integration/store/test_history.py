"""Transcripts found again: pages by time, folders, words; edited and deleted ones."""

import sqlite3

import msgspec
import pytest

from tests.integration.store.making import new_job, queued
from whisperd.errors import NotFoundError
from whisperd.frames import Segment
from whisperd.jobs.job import Kind
from whisperd.store import history, jobs, queue, transcripts
from whisperd.store.history import Filter, Place, Position
from whisperd.transcripts.transcript import Transcript
from whisperd.transcripts.words import expression


def said(text: str, *, language: str | None = "en", confidence: float = 0.9) -> Transcript:
    segment = Segment(0.0, 2.0, f" {text}", confidence, -0.1, 1.0, 0.0, 0, ())
    return Transcript(
        text=text,
        segments=(segment,),
        language=language,
        language_probability=1.0,
        confidence=confidence,
        duration=2.0,
        processing_time=0.5,
        model="test-en",
        device="cpu",
    )


def kept(
    conn: sqlite3.Connection,
    text: str,
    at: float = 1.0,
    *,
    kind: Kind = Kind.FILE,
    path: bytes = b"/audio/a.wav",
    language: str | None = "en",
    confidence: float = 0.9,
) -> int:
    job = queued(conn, new_job(path, kind=kind), now=at)
    transcripts.save(conn, job, said(text, language=language, confidence=confidence), at)
    return job.id


def found(conn: sqlite3.Connection, query: str, wanted: Filter | None = None) -> list[int]:
    matches, _ = history.search(conn, expression(query), wanted or Filter(), limit=100)
    return [match.row.job for match in matches]


# -- lists ------------------------------------------------------------------------------------------------------------


def test_pages_go_from_the_newest_to_the_oldest_and_miss_none_of_the_same_moment(conn: sqlite3.Connection) -> None:
    ids = [kept(conn, "word", at) for at in (5.0, 1.0, 3.0, 3.0, 3.0, 2.0)]
    seen: list[int] = []
    before: Position | None = None
    while rows := history.page(conn, Filter(), limit=2, before=before):
        seen += [row.job for row in rows]
        before = Position(rows[-1].at, rows[-1].job)
    assert seen == [ids[0], ids[4], ids[3], ids[2], ids[5], ids[1]]


@pytest.mark.parametrize(
    ("wanted", "which"),
    [
        (Filter(), [4, 3, 2, 1, 0]),
        (Filter(sources=(Kind.DICTATION, Kind.WATCH)), [3, 1]),
        (Filter(since=2.0, until=4.0), [2, 1]),
        (Filter(language="de"), [2]),
        (Filter(confidence_below=0.5), [4]),
        (Filter(folder=b"/in"), [3]),
        (Filter(since=2.0, language="en", sources=(Kind.FILE,)), [4]),
        (Filter(language="xx"), []),
    ],
)
def test_a_filter_lets_through_what_it_names(conn: sqlite3.Connection, wanted: Filter, which: list[int]) -> None:
    ids = [
        kept(conn, "word", 1.0),
        kept(conn, "word", 2.0, kind=Kind.DICTATION),
        kept(conn, "word", 3.0, language="de"),
        kept(conn, "word", 4.0, kind=Kind.WATCH, path=b"/in/a.wav"),
        kept(conn, "word", 5.0, confidence=0.4),
    ]
    assert [row.job for row in history.page(conn, wanted, limit=10)] == [ids[n] for n in which]
    assert sorted(found(conn, "word", wanted)) == sorted(ids[n] for n in which)
    assert [row.job for row in history.oldest(conn, wanted, limit=10)] == sorted(ids[n] for n in which)


def test_watched_files_fold_into_their_folders(conn: sqlite3.Connection) -> None:
    spoken = kept(conn, "word", 1.0)
    last = [kept(conn, "word", at, kind=Kind.WATCH, path=path) for at, path in
            ((2.0, b"/in/a.wav"), (5.0, b"/in/b.wav"), (3.0, b"/other/c.wav"), (4.0, b"/in/sub/d.wav"))]  # fmt: skip
    assert [row.job for row in history.page(conn, Filter(), limit=10, folded=True)] == [spoken]

    def lines(wanted: Filter) -> list[tuple[bytes, int, float, float]]:
        return [(row.folder, row.transcripts, row.duration, row.at) for row in history.folders(conn, wanted, limit=10)]

    every = [(b"/in", 2, 4.0, 5.0), (b"/in/sub", 1, 2.0, 4.0), (b"/other", 1, 2.0, 3.0)]
    assert lines(Filter()) == lines(Filter(since=0.0)) == every
    assert lines(Filter(until=4.5)) == [(b"/in/sub", 1, 2.0, 4.0), (b"/other", 1, 2.0, 3.0), (b"/in", 1, 2.0, 2.0)]
    transcripts.delete(conn, last[1])
    transcripts.delete(conn, last[2])
    assert lines(Filter()) == lines(Filter(since=0.0)) == [(b"/in/sub", 1, 2.0, 4.0), (b"/in", 1, 2.0, 2.0)]


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("The meeting begins.", "MEETING"),
        ("The meeting begins.", "begins the"),
        ("The meeting begins.", "meet"),
        ("The meeting begins.", '"the meeting"'),
        ("Un café très doux", "cafe tres"),
        ("Schöne Grüße", "grüße"),
        ("明日会議を開きます", "会議"),
        ("我们明天开会", "开会"),
        ("我们明天开会", "会"),
        ("내일 회의를 합니다", "회의"),
        ("การประชุมวันพรุ่งนี้", "ประชุม"),
        ("नमस्ते दुनिया", "दुनिया"),
        ("Встреча завтра в девять", "завтра"),
        ("اجتماع غدا", "غدا"),
        ("we said データベース twice", "データベース"),
        ("it is 3.5 percent", "3.5"),
        ("to do it", "do"),
    ],
)
def test_words_of_any_script_are_found(conn: sqlite3.Connection, text: str, query: str) -> None:
    wanted = kept(conn, text)
    kept(conn, "something else")
    assert found(conn, query) == [wanted]


@pytest.mark.parametrize("query", ["eeting", '"meeting the"', '"meet"', "meeting absent", "th"])
def test_what_is_no_word_of_the_text_is_not_found(conn: sqlite3.Connection, query: str) -> None:
    kept(conn, "The meeting begins.")
    assert found(conn, query) == []


def test_the_better_match_comes_first(conn: sqlite3.Connection) -> None:
    best = kept(conn, "lighthouse lighthouse")
    kept(conn, "one lighthouse among many other words that have nothing to do with it at all")
    for _ in range(5):
        kept(conn, "nothing of the kind")
    assert found(conn, "lighthouse")[0] == best


def test_a_snippet_shows_what_matched_in_the_text_as_it_was(conn: sqlite3.Connection) -> None:
    kept(conn, "and so 明日会議を開き the\nMeeting ended")
    [match], _ = history.search(conn, expression("会議 meet"), Filter(), limit=1)
    assert match.snippet == (
        ("and so 明日", False), ("会議", True), ("を開き the ", False), ("Meeting", True), (" ended", False),
    )  # fmt: skip


def test_every_match_is_on_exactly_one_page(conn: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "WINDOW", 5)
    ids = [kept(conn, "word " * (n % 4 + 1)) for n in range(13)]
    seen: list[int] = []
    place: Place | None = None
    while True:
        matches, place = history.search(conn, expression("word"), Filter(), limit=3, place=place)
        seen += [match.row.job for match in matches]
        kept(conn, "word that came later")
        if place is None:
            break
    assert set(seen[:5]) == set(ids[-5:])  # the newest are ranked among themselves
    assert sorted(seen) == ids


def test_the_index_follows_what_happens_to_a_text(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    transcripts.save(conn, job, said("first 会議"), 1.0)
    transcripts.save(conn, job, said("second"), 2.0)
    assert (found(conn, "first"), found(conn, "会議"), found(conn, "second")) == ([], [], [job.id])
    transcripts.edit(conn, job.id, "third 会議", 3.0)
    assert (found(conn, "second"), found(conn, "会議"), found(conn, "third")) == ([], [job.id], [job.id])
    transcripts.delete(conn, job.id)
    assert found(conn, "third") == []
    conn.execute("INSERT INTO transcript_words (transcript_words) VALUES ('integrity-check')")  # raises if it differs


# -- editing and deleting ---------------------------------------------------------------------------------------------


def test_an_edit_keeps_the_original_and_can_be_taken_back(conn: sqlite3.Connection) -> None:
    job = kept(conn, "a tail of two cities")
    transcripts.edit(conn, job, "a tale of two towns", 2.0)
    transcripts.edit(conn, job, "a tale of two cities", 3.0)
    edited = transcripts.get(conn, job)
    assert edited is not None
    assert edited.text == "a tale of two cities"
    assert [segment.text for segment in edited.segments] == ["a tale of two cities"]
    assert transcripts.original(conn, job) == "a tail of two cities"
    row = history.get(conn, job)
    assert row is not None
    assert (row.edited_at, row.beginning) == (3.0, "a tale of two cities")
    transcripts.edit(conn, job, None, 4.0)
    assert transcripts.get(conn, job) == said("a tail of two cities")
    assert transcripts.original(conn, job) is None


def test_what_does_not_exist_can_not_be_edited(conn: sqlite3.Connection) -> None:
    with pytest.raises(NotFoundError, match="no transcript 7"):
        transcripts.edit(conn, 7, "text", 1.0)


def test_what_outlives_a_job_can_be_forgotten(conn: sqlite3.Connection) -> None:
    job = kept(conn, "word")
    conn.execute("UPDATE jobs SET state = 'completed', finished_at = 1.0")
    jobs.delete(conn, [job])
    assert history.get(conn, job) is not None
    queue.forget(conn, job)
    assert history.get(conn, job) is None
    for table in ("transcripts", "transcript_texts"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_transcript_is_found_by_content_and_options(conn: sqlite3.Connection) -> None:
    job = queued(conn)
    transcripts.save(conn, job, said("word"), 1.0)
    assert transcripts.find(conn, "digest", job.options.signature) is None
    conn.execute("UPDATE transcripts SET digest = 'digest'")
    assert transcripts.find(conn, "digest", job.options.signature) == job.id
    other = msgspec.structs.replace(job.options, language="de")
    assert transcripts.find(conn, "digest", other.signature) is None
    files = msgspec.structs.replace(job.options, output_dir="/out")
    assert transcripts.find(conn, "digest", files.signature) == job.id
