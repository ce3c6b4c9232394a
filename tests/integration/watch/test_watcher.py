"""The kernel's hints: what is told of which folder, and how many are watched."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from tests.harness import PATIENCE
from whisperd.jobs.folder import FolderRules
from whisperd.watch.names import NameRules
from whisperd.watch.scanner import Key, Walk
from whisperd.watch.territory import Territory
from whisperd.watch.watcher import Watcher, most_watched

pytestmark = pytest.mark.anyio


class Ear:
    """A listener, and the scan that lets it hear."""

    def __init__(self, watcher: Watcher, folder: Path) -> None:
        self.hints: set[Key] = set()
        self.losses = 0
        self.refusals: list[str] = []
        self._watcher = watcher
        self._territory = Territory(os.fsencode(folder), NameRules(FolderRules()), True, frozenset())
        self._news = anyio.Event()

    def hint(self, keys: set[Key]) -> None:
        self.hints |= keys
        self._news.set()

    def lost(self) -> None:
        self.losses += 1
        self._news.set()

    def scan(self, *start: bytes) -> None:
        """From the top, or only what is below some folders."""
        if not start:
            self._watcher.begin_round(self)
        walk = Walk(self._territory, {}, start or (b"",), enter=self._enter)
        while not walk.done:
            walk.batch()
        if not start:
            self._watcher.end_round(self)

    def _enter(self, parent: bytes, folder: int) -> None:
        if refusal := self._watcher.enter(self, parent, folder):
            self.refusals.append(refusal)

    async def hears(self, heard: Callable[[], bool]) -> None:
        with anyio.fail_after(PATIENCE):
            while not heard():
                self._news = anyio.Event()
                await self._news.wait()


@asynccontextmanager
async def running(most: int | None = None) -> AsyncIterator[Watcher]:
    watcher = Watcher(most)
    async with anyio.create_task_group() as group:
        group.start_soon(watcher.run)
        await anyio.wait_all_tasks_blocked()
        yield watcher
        group.cancel_scope.cancel()


def touch(path: bytes) -> None:
    Path(os.fsdecode(path)).touch()


def setting(name: str) -> int:
    return int(Path("/proc/sys/fs/inotify", name).read_text())


async def test_every_name_is_told_of_whatever_its_bytes_and_depth(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    async with running() as watcher:
        ear = Ear(watcher, tmp_path)
        ear.scan()
        for parent, name in ((b"", b"\xff\xfe.wav"), (b"a/b", b"new\nline.wav"), (b"a", b"x.wav")):
            touch(os.path.join(os.fsencode(tmp_path), parent, name))
            await ear.hears(lambda parent=parent, name=name: (parent, name) in ear.hints)
        assert ear.losses == 0


async def test_links_are_not_watched(tmp_path: Path) -> None:
    outside, drop = tmp_path / "outside", tmp_path / "drop"
    outside.mkdir()
    (drop / "in").mkdir(parents=True)
    (drop / "sys").symlink_to("/sys")
    (drop / "out").symlink_to(outside)
    (drop / "in" / "up").symlink_to(drop)
    async with running() as watcher:
        ear = Ear(watcher, drop)
        ear.scan()
        (outside / "a.wav").touch()
        (drop / "in" / "b.wav").touch()
        await ear.hears(lambda: (b"in", b"b.wav") in ear.hints)
        assert {name for _, name in ear.hints} == {b"b.wav"}
        assert len(watcher._owners) == 2


async def test_a_folder_that_moves_is_told_of_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    async with running() as watcher:
        ear = Ear(watcher, tmp_path)
        ear.scan()
        (tmp_path / "a").rename(tmp_path / "z")
        await ear.hears(lambda: {(b"", b"a"), (b"", b"z")} <= ear.hints)
        ear.scan(b"z")
        (tmp_path / "z" / "deep" / "x.wav").touch()
        await ear.hears(lambda: (b"z/deep", b"x.wav") in ear.hints)
        (tmp_path / "z").rename(tmp_path.parent / f"{tmp_path.name}-away")
        ear.scan()
        assert len(watcher._owners) == 1


async def test_a_folder_that_is_removed_or_made_again_is_told_of(tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    (drop / "a").mkdir(parents=True)
    async with running() as watcher:
        ear = Ear(watcher, drop)
        ear.scan()
        (drop / "a").rmdir()
        (drop / "a").mkdir()
        await ear.hears(lambda: (b"", b"a") in ear.hints)
        ear.scan(b"a")
        (drop / "a" / "x.wav").touch()
        await ear.hears(lambda: (b"a", b"x.wav") in ear.hints)
        shutil.rmtree(drop)
        await ear.hears(lambda: ear.losses > 0)
        assert watcher._owners == {}


async def test_more_events_than_the_kernel_keeps_are_a_loss_that_is_told_of(tmp_path: Path) -> None:
    room = setting("max_queued_events")
    async with running() as watcher:
        ear = Ear(watcher, tmp_path)
        ear.scan()
        names = [os.fsencode(tmp_path) + b"/%d" % number for number in range(2)]
        touch(names[0])
        for number in range(room):  # one after the other, while nobody reads
            os.rename(names[number % 2], names[1 - number % 2])
        touch(names[1] + b"x")
        await ear.hears(lambda: ear.losses > 0)


async def test_folders_beyond_the_limit_are_refused_with_the_reason_and_let_in_when_there_is_room(
    tmp_path: Path,
) -> None:
    for number in range(9):
        (tmp_path / f"{number}").mkdir()
    async with running(most=5) as watcher:
        ear = Ear(watcher, tmp_path)
        ear.scan()
        assert len(watcher._owners) == 5
        assert len(ear.refusals) == 5
        assert ear.refusals[0].startswith("5 folders are watched, which is as many as whisperd takes")
        for number in range(7):
            (tmp_path / f"{number}").rmdir()
        await ear.hears(lambda: len(watcher._owners) == 1)
        ear.refusals.clear()
        ear.scan()
        assert (len(watcher._owners), ear.refusals) == (3, [])
        watcher.leave(ear)
        assert watcher._owners == {}
        ear.scan(b"8")  # a scan that was under way when it left
        assert watcher._owners == {}


def test_not_all_that_the_kernel_allows_is_taken() -> None:
    assert 0 < most_watched() <= setting("max_user_watches") / 2
