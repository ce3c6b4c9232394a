"""The end of a job's run: completed with its transcript and files, or neither, whoever cancels it meanwhile."""

import stat
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import msgspec
import pytest

from tests.integration.store.making import new_job
from tests.unit.transcripts.samples import segment, transcript
from whisperd.config.current import Current
from whisperd.config.flags import Flags
from whisperd.config.settings import Settings
from whisperd.events import EventBus
from whisperd.jobs.job import Format, Kind, Options, State
from whisperd.jobs.transitions import Command
from whisperd.ledger import Ledger
from whisperd.live import LiveJobs
from whisperd.models.engine import Engine, resolve_engine
from whisperd.pulls import Pulls
from whisperd.runner import Runner
from whisperd.store import jobs, transcripts
from whisperd.store.connection import Database
from whisperd.store.jobs import JobRow
from whisperd.transcripts.transcript import Transcript
from whisperd.workers.lane import Lane, LaneLimits

pytestmark = pytest.mark.anyio

SAID = transcript(segment(0.0, 1.0, " please save the report"), text="please save the report")


class End:
    """A running job with its files in the folder `out`, and what ends it."""

    def __init__(self, ledger: Ledger, runner: Runner, engine: Engine, job: JobRow, folder: Path) -> None:
        self.ledger = ledger
        self.job = job
        self.folder = folder
        self._runner = runner
        self._engine = engine
        self._lane = Lane("test", arguments=(), limits=LaneLimits(), changed=lambda lane: None)

    async def give(self, command: Command) -> None:
        self.job = await self.ledger.transition(self.job.id, command)

    async def complete(self, said: Transcript = SAID) -> JobRow | None:
        return await self._runner._complete(self.job, said, self._engine, self._lane)

    async def kept(self) -> Transcript | None:
        return await self.ledger.database.read(lambda c: transcripts.get(c, self.job.id))

    def files(self) -> dict[str, str]:
        return {file.name: file.read_text() for file in self.folder.glob("*")}


@pytest.fixture
async def end(tmp_path: Path) -> AsyncIterator[End]:
    current = Current(Settings(), Flags())
    audio = tmp_path / "talk.wav"
    await anyio.Path(audio).write_bytes(b"audio")
    await anyio.Path(audio).chmod(0o600)
    out = tmp_path / "out"
    options = Options(formats=(Format.TXT, Format.SRT), output_dir=str(out))
    new = msgspec.structs.replace(new_job(bytes(audio)), options=options)
    async with Database.open(tmp_path / "whisperd.db") as database:
        bus = EventBus(0)
        ledger = Ledger(database, bus)

        async def as_it_is(job: JobRow, said: Transcript) -> Transcript:
            return said

        pulls = Pulls(ledger, bus, current, tmp_path)
        runner = Runner(ledger, bus, LiveJobs(), current, tmp_path, pulls, as_it_is)
        engine = await resolve_engine(Kind.FILE, Options(model="test-en"), Settings(), tmp_path)
        [job] = await ledger.commit(lambda c: [jobs.insert(c, new, 1.0)])
        made = End(ledger, runner, engine, job, out)
        await made.give(Command.START)
        yield made


async def test_a_completed_job_has_its_transcript_and_its_files(end: End) -> None:
    completed = await end.complete()
    assert completed is not None
    assert (completed.state, len(completed.outputs), await end.kept()) == (State.COMPLETED, 2, SAID)
    assert set(end.files()) == {"talk.txt", "talk.srt"}


@pytest.mark.parametrize("command", [Command.CANCEL, Command.PAUSE])
async def test_a_job_that_was_stopped_while_it_was_written_has_neither_transcript_nor_files(
    end: End, command: Command
) -> None:
    before = end.job
    await end.give(command)
    state, end.job = end.job.state, before
    assert await end.complete() is None
    assert (await end.kept(), end.files()) == (None, {})
    assert (await end.ledger.database.read(lambda c: jobs.get_many(c, [before.id])))[0].state is state


async def test_a_retry_that_was_cancelled_while_it_was_written_leaves_what_the_first_try_gave(end: End) -> None:
    await end.complete()
    await end.give(Command.RETRY)
    await end.give(Command.START)
    before = end.job
    await end.give(Command.CANCEL)
    end.job = before
    assert await end.complete(transcript(segment(0.0, 1.0, " another"), text="another")) is None
    assert await end.kept() == SAID
    assert set(end.files()) == {"talk.txt", "talk.srt"}
    assert end.files()["talk.txt"].strip() == SAID.text


async def test_a_file_that_was_there_before_is_not_taken_back(end: End) -> None:
    end.folder.mkdir()
    (end.folder / "talk.txt").write_text("a person's own")
    before = end.job
    await end.give(Command.CANCEL)
    end.job = before
    await end.complete()
    assert end.files() == {"talk.txt": "a person's own"}


async def test_who_may_not_hear_the_audio_may_not_read_its_transcript(end: End) -> None:
    await end.complete()
    assert {stat.S_IMODE(file.stat().st_mode) for file in end.folder.glob("*")} == {0o600}
