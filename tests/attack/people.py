"""Two people at random, a third who dictates, and a hand that kills processes: nothing is lost, doubled or changed.

Owns: what the people do, which processes are killed when, and what must hold of the database, the files and the events
once all is settled. Leaves to others: the processes' own tests. A trial is one sequence on a daemon of its own; its
commands are those of its seed, what they meet depends on the machine's speed.
"""

import contextlib
import json
import os
import random
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tests.attack.trials import Course, Finding, Report
from tests.harness import CallError, Client, Daemon, process_state, running_daemon, wait_for
from tests.speech import VOICES, sentence, synthesize, write_audio
from whisperd.jobs.job import State
from whisperd.jobs.transitions import TRANSITIONS, Command

CLIPS: Final = 5
STEPS: Final = 40

CONFIG: Final = "[retry]\nbase_delay = 0.1\n[health]\n"

FINAL: Final = ("completed", "failed", "cancelled")


class _Trial:
    def __init__(self, daemon: Daemon, draw: random.Random, folder: Path) -> None:
        self._daemon = daemon
        self._draw = draw
        self._out = folder / "out"
        self._clips = _clips(folder / "audio")
        self._clients: dict[int, Client] = {}
        self._acknowledged: set[int] = set()
        self._deleted: set[int] = set()
        self._texts: list[tuple[int, str]] = []
        self.done: list[str] = []
        self.kills = 0
        self._pids: set[int] = set()

    # -- what they do -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        steps: list[tuple[int, Callable[[], None]]] = [
            (6, self._submit),
            (8, self._command_job),
            (3, self._make_batch),
            (6, self._command_batch),
            (2, self._command_queue),
            (3, self._dictate),
            (4, self._kill),
        ]
        weights = [weight for weight, _ in steps]
        for _ in range(STEPS):
            [(_, step)] = self._draw.choices(steps, weights)
            step()

    def _call(self, method: str, **params: Any) -> Any:
        """By one of the people; None where it is refused or the daemon dies meanwhile."""
        person = self._draw.randrange(2)
        self.done.append(f"{person}: {method} {json.dumps(params)[:200]}")
        try:
            if person not in self._clients:
                self._clients[person] = Client(self._daemon.socket)
            return self._clients[person].call(method, **params)
        except CallError as error:
            self.done.append(f"   refused: {error}")
        except OSError:
            self._hang_up(person)
        return None

    def _hang_up(self, *people: int) -> None:
        for person in people:
            if client := self._clients.pop(person, None):
                client.close()

    def _some_jobs(self) -> list[int]:
        known = sorted(self._acknowledged)
        return self._draw.sample(known, min(len(known), self._draw.randrange(1, 4)))

    def _files(self) -> list[dict[str, str]]:
        return [{"path": str(path)} for path in self._draw.sample(self._clips, self._draw.randrange(1, 4))]

    def _submit(self) -> None:
        options = {"formats": ["txt"], "output_dir": str(self._out)} if self._draw.random() < 0.7 else {}
        answer = self._call(
            "job.submit", files=self._files(), options=options, low=self._draw.random() < 0.3, again=self._chance()
        )
        self._note(answer)

    def _note(self, answer: Any) -> None:
        self._acknowledged |= {job["id"] for job in (answer or {}).get("jobs", ())}

    def _chance(self) -> bool:
        return self._draw.random() < 0.5

    def _command_job(self) -> None:
        verb = self._draw.choice(["pause", "resume", "cancel", "retry", "move", "delete"])
        if ids := self._some_jobs():
            more = {"place": self._draw.randrange(1, 5)} if verb == "move" else {}
            if verb == "delete":
                self._deleted |= set(ids)  # it may be carried out and the answer lost
            self._call(f"job.{verb}", ids=ids, **more)

    def _make_batch(self) -> None:
        name = self._draw.choice(["red", "blue"])
        made = self._call("batch.create", name=name, files=self._files(), start=self._chance())
        if made:
            shown = self._call("batch.show", id=made["batch"]["id"])
            self._acknowledged |= {item["id"] for item in (shown or {}).get("items", ())}

    def _command_batch(self) -> None:
        name = self._draw.choice(["red", "blue"])
        verb = self._draw.choice(["start", "pause", "resume", "cancel", "add", "remove", "retry"])
        if verb == "add":
            self._note(self._call("batch.add", id=name, files=self._files()))
        elif verb in ("remove", "retry"):
            if ids := self._some_jobs():
                self._call(f"batch.{verb}", id=name, jobs=ids)
        else:
            self._call(f"batch.{verb}", ids=[name])

    def _command_queue(self) -> None:
        self._call(f"queue.{self._draw.choice(['pause', 'resume'])}")

    def _dictate(self) -> None:
        """The third; with one dictation at a time, ended, thrown away, or left to end by itself."""
        device = f"wav:{self._draw.choice(self._clips)}"
        if self._call("dictate.start", device=device, language="en") is None:
            return
        ending = self._draw.choice(["stop", "stop", "cancel", None])
        result = self._call(f"dictate.{ending}") if ending else None
        if result and result["job"]:
            self._texts.append((result["job"], result["text"]))

    # -- what is done to them -----------------------------------------------------------------------------------------

    def _kill(self) -> None:
        pids = self._children()
        if not pids or self._draw.random() < 0.4:
            self.done.append("kill -9 of the daemon")
            self._daemon.kill()
            self._hang_up(*list(self._clients))
            self._daemon.start()
        else:
            pid = self._draw.choice(pids)
            self.done.append(f"kill -9 of a child, {pid}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.kills += 1

    def _children(self) -> list[int]:
        with contextlib.suppress(OSError):
            found = Path(f"/proc/{self._daemon.pid}/task/{self._daemon.pid}/children").read_text().split()
            self._pids |= set(map(int, found))
            return sorted(map(int, found))
        return []

    # -- what must hold -----------------------------------------------------------------------------------------------

    def settle(self) -> list[str]:
        """Let all end that is not held by a person's word, and what is wrong then."""
        daemon = self._daemon
        self._hang_up(*list(self._clients))
        daemon.call("queue.resume")
        for name in ("red", "blue"):
            for verb in ("start", "resume"):
                with contextlib.suppress(CallError):
                    daemon.call(f"batch.{verb}", ids=[name])
        jobs = {job["id"]: job for job in daemon.call("job.list", limit=1000)["jobs"]}
        if paused := [job for job, view in jobs.items() if view["state"] == "paused"]:
            daemon.call("job.resume", ids=paused)
        while left := len(self._unfinished()):  # each within its time, however many there are
            wait_for(lambda: len(self._unfinished()) < left)
        jobs = {job["id"]: job for job in daemon.call("job.list", limit=1000)["jobs"]}
        expected = {str(clip): self._reference(clip) for clip in self._clips}
        problems = [f"job {job} is lost" for job in self._acknowledged - jobs.keys() - self._deleted]
        for view in jobs.values():
            problems += self._of_job(view, expected)
        problems += [f"the dictation {job} is lost" for job, _ in self._texts if job not in jobs]
        self._children()
        problems += [] if daemon.stop() == 0 else ["the daemon did not stop as it should"]
        problems += self._of_files(expected) + self._of_database() + self._of_log()
        left = [pid for pid in self._pids if process_state(pid) not in (None, "Z")]
        return problems + [f"process {pid} is left, in state {process_state(pid)}" for pid in left]

    def _unfinished(self) -> list[int]:
        with contextlib.suppress(OSError):
            found = self._daemon.call("job.list", states=["queued", "running", "waiting", "paused"], limit=1000)["jobs"]
            return [job["id"] for job in found]
        return [0]

    def _reference(self, clip: Path) -> str:
        [job] = self._daemon.submit(clip, again=True)
        [job] = self._daemon.wait(job["id"])
        return self._daemon.call("job.text", id=job["id"])["transcript"]["text"]

    def _of_job(self, view: dict[str, Any], expected: dict[str, str]) -> list[str]:
        job = view["id"]
        if view["state"] == "failed":
            return [] if view["error"]["kind"] == "worker_died" else [f"job {job} failed: {view['error']}"]
        if view["state"] != "completed" or view["path"] not in expected:
            return []
        text = self._daemon.call("job.text", id=job)["transcript"]["text"]
        problems = [] if text == expected[view["path"]] else [f"job {job} has another text: {text!r}"]
        lacking = [o for o in view.get("outputs", ()) if o.get("error") or not Path(o["path"]).is_file()]
        return problems + [f"job {job} lacks its file {output}" for output in lacking]

    def _of_files(self, expected: dict[str, str]) -> list[str]:
        """Files with the same content are one; none is there that no transcript explains."""
        texts = {text.strip() for text in expected.values()}
        files = sorted(self._out.iterdir()) if self._out.is_dir() else []
        unknown = [file.name for file in files if file.read_text().replace("\n", " ").strip() not in texts]
        return [f"the file {name} is nobody's" for name in unknown if unknown] + [
            f"the file {file.name} is a second one" for file in files if "(" in file.name
        ]

    def _of_database(self) -> list[str]:
        with contextlib.closing(sqlite3.connect(self._daemon.database)) as conn:
            problems = [f"the database: {row}" for (row,) in conn.execute("PRAGMA integrity_check") if row != "ok"]
            problems += [f"foreign keys: {row}" for row in conn.execute("PRAGMA foreign_key_check")]
            missing = "SELECT id FROM jobs WHERE state = 'completed' AND id NOT IN (SELECT job FROM transcripts)"
            problems += [f"job {job} is completed without a transcript" for (job,) in conn.execute(missing)]
            for job, data in conn.execute("SELECT job, data FROM events WHERE topic = 'job.state' ORDER BY seq"):
                told = json.loads(data)
                if "previous" in told:
                    allowed = TRANSITIONS[State(told["previous"])]
                    if allowed.get(Command(told["command"])) != told["state"]:
                        problems.append(f"job {job} went from {told['previous']} to {told['state']}")
        return problems

    def _of_log(self) -> list[str]:
        log = self._daemon.log.read_text(errors="replace")
        words = ("Traceback", "internal error", "defect of whisperd")
        return [f"the log: {log[log.index(word) :][:1500]}" for word in words if word in log]


def _clips(folder: Path) -> list[Path]:
    folder.mkdir(parents=True)
    draw = random.Random(16)
    return [
        write_audio(folder / f"clip-{number}.wav", synthesize(sentence(draw), draw.choice(VOICES)))
        for number in range(CLIPS)
    ]


def attack(course: Course) -> Report:
    """One sequence of commands and kills a trial, each on a new daemon."""
    report = Report()
    kills = 0
    for number in course.numbers():
        with running_daemon(config=CONFIG) as daemon:
            trial = _Trial(daemon, course.draw(number), daemon.folder / "people")
            try:
                trial.run()
                problems = trial.settle()
            except AssertionError as error:
                problems = [f"it does not come to an end: {error}"]
            kills += trial.kills
            report.trials += 1
            report.outcomes["wrong" if problems else "as promised"] += 1
            if problems:
                finding = Finding(number, "\n".join(trial.done), "\n".join(problems))
                finding.keep(course, {"log": daemon.log.read_bytes()[-50_000:]})
                report.findings.append(finding)
    report.figures["kills"] = str(kills)
    return report
