"""How fast the history answers over the socket when 100,000 transcripts are in it.

The transcripts are made of 20,000 words drawn as words are (Zipf: the commonest is in three of four transcripts), 40 of
them in the median and up to 2,000; every tenth is Chinese, without spaces; a third are watched files of fifty folders.
The searches are a stated mix: rare words, middling ones, the commonest, beginnings of words, a common word beside a
rare one, phrases, two Chinese characters, and filtered searches. Lists are asked for at both ends.
"""

import bisect
import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from benchmarks.measure import Report, median, percentile, timed
from tests.harness import Client, Daemon, running_daemon
from whisperd.jobs.job import Kind, Priority
from whisperd.store import jobs, transcripts
from whisperd.store.connection import connect
from whisperd.store.jobs import NewJob
from whisperd.transcripts.transcript import Transcript

SEARCH_LIMIT, LIST_LIMIT = 50.0, 20.0
"""Milliseconds for 95 of 100 answers."""
PAGE = 100
WORDS = 20_000
CHARACTERS = 3_000
BEGIN = 1_700_000_000.0
MINUTE = 60.0
AT_ONCE = 2_000
KINDS = (Kind.DICTATION, Kind.FILE, Kind.WATCH)


def run(report: Report, *, quick: bool) -> None:
    count, rounds = (10_000, 5) if quick else (100_000, 25)
    with running_daemon() as daemon:
        daemon.stop()
        seconds = timed(lambda: _fill(daemon, count))
        report.note(f"{count:,} transcripts stored, {count / seconds:,.0f} a second")
        report.figure("the database", daemon.database.stat().st_size / 1e6, "MB")
        daemon.start()
        client = daemon.client()
        _tell_lists(report, client, count, 4 * rounds)
        _tell_searches(report, client, rounds)


# -- the transcripts --------------------------------------------------------------------------------------------------


class Vocabulary:
    """Words, the commonest first, and texts in which they are as common as words are."""

    def __init__(self, words: list[str], between: str) -> None:
        self.words = words
        self._between = between
        self._weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(len(words))))

    def text(self, draw: random.Random, length: int) -> str:
        places = (bisect.bisect(self._weights, draw.random() * self._weights[-1]) for _ in range(length))
        return self._between.join(self.words[place] for place in places)


def _syllables() -> Iterator[str]:
    """Words that nobody knows, each once."""
    draw = random.Random(1)
    seen: set[str] = set()
    while True:
        syllables = draw.choice((1, 2, 2, 3, 3, 4))
        word = "".join(draw.choice("bcdfghklmnprstvw") + draw.choice("aeiou") for _ in range(syllables))
        word += draw.choice(("", "n", "s", "t"))
        if word not in seen:
            seen.add(word)
            yield word


SPACED = Vocabulary(list(itertools.islice(_syllables(), WORDS)), " ")
UNSPACED = Vocabulary([chr(0x4E00 + 5 * rank) for rank in range(CHARACTERS)], "")


def _fill(daemon: Daemon, count: int) -> None:
    """Put transcripts into the database of a daemon that does not run; their jobs are not on the list any more."""
    draw = random.Random(2)
    connection = connect(daemon.database)
    connection.execute("BEGIN")
    pattern = jobs.insert(connection, NewJob(path=b"/a", kind=Kind.FILE, priority=Priority.LOW), BEGIN).job
    connection.execute("ROLLBACK")
    for first in range(1, count + 1, AT_ONCE):
        connection.execute("BEGIN")
        for number in range(first, min(first + AT_ONCE, count + 1)):
            kind = draw.choice(KINDS)
            path = b"/audio/%d/%d.flac" % (number % 50, number)
            job = msgspec.structs.replace(pattern, id=number, kind=kind, path=path)
            transcripts.save(connection, job, _transcript(draw, number), BEGIN + number * MINUTE)
        connection.execute("COMMIT")
    connection.close()


def _transcript(draw: random.Random, number: int) -> Transcript:
    words = min(2_000, 1 + int(draw.lognormvariate(3.7, 0.9)))
    chinese = number % 10 == 0
    return Transcript(
        text=UNSPACED.text(draw, 2 * words) if chinese else SPACED.text(draw, words),
        segments=(),
        language="zh" if chinese else draw.choice(("en", "en", "de")),
        language_probability=1.0,
        confidence=draw.random(),
        duration=words / 2.5,
        processing_time=1.0,
        model="base",
        device="cpu",
    )


# -- asking -----------------------------------------------------------------------------------------------------------


def _tell_lists(report: Report, client: Client, count: int, rounds: int) -> None:
    near_the_end = f"{BEGIN + (PAGE + 1) * MINUTE!r}:{PAGE + 1}"
    asked: dict[str, Callable[[], Any]] = {
        "list, first page": lambda: client.call("history.list", limit=PAGE, unfold=True),
        "list, last page": lambda: client.call("history.list", limit=PAGE, unfold=True, cursor=near_the_end),
        "list, first page, watched files folded": lambda: client.call("history.list", limit=PAGE),
        "list, last page, watched files folded": lambda: client.call("history.list", limit=PAGE, cursor=near_the_end),
        "list of a language that nobody spoke": lambda: client.call("history.list", filter={"language": "xx"}),
    }
    assert [one["id"] for one in asked["list, first page"]()["transcripts"]] == list(range(count, count - PAGE, -1))
    assert [one["id"] for one in asked["list, last page"]()["transcripts"]] == list(range(PAGE, 0, -1))
    for name, values in _took(asked, rounds).items():
        limit = LIST_LIMIT if "page" in name else None
        report.figure(f"{name}: p95", percentile(values, 0.95), "ms", limit=limit)


def _tell_searches(report: Report, client: Client, rounds: int) -> None:
    """Equal numbers of every kind; each search is for other words."""
    draw = random.Random(3)
    words, characters = SPACED.words, UNSPACED.words
    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        "rare words": lambda: {"query": draw.choice(words[5_000:])},
        "middling words": lambda: {"query": draw.choice(words[100:2_000])},
        "the fifty commonest words": lambda: {"query": draw.choice(words[:50])},
        "beginnings of three letters": lambda: {"query": draw.choice(words[:2_000])[:3]},
        "a common word beside a rare one": lambda: {
            "query": f"{draw.choice(words[:50])} {draw.choice(words[2_000:8_000])}"
        },
        "phrases of two common words": lambda: {"query": f'"{draw.choice(words[:50])} {draw.choice(words[:50])}"'},
        "two Chinese characters": lambda: {"query": draw.choice(characters[:300]) + draw.choice(characters[:300])},
        "a common word among dictations": lambda: {
            "query": draw.choice(words[:50]), "filter": {"sources": ["dictation"]}
        },
    }  # fmt: skip
    asked = {name: lambda made=made: client.call("history.search", **made()) for name, made in kinds.items()}
    took = _took(asked, rounds)
    report.note(f"{rounds} searches of each kind, a page of 20 with snippets each")
    for name, values in took.items():
        report.figure(f"search, {name}: median", median(values), "ms")
    every = list(itertools.chain.from_iterable(took.values()))
    report.figure(f"search, all {len(every)}: median", median(every), "ms")
    report.figure(f"search, all {len(every)}: p95", percentile(every, 0.95), "ms", limit=SEARCH_LIMIT)


def _took(asked: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each answer; the questions take turns."""
    took: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, ask in asked.items():
            took[name].append(1000 * timed(ask))
    return took
