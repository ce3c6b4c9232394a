"""`whisperctl top`, driven with keys and mouse against a scripted daemon."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen
from textual.timer import Timer

from tests.integration.whisperctl.tui.scripted_top import Driver, Jobs, drive
from tests.scripted_daemon import AnswerError, Conversation, ScriptedDaemon
from tests.unit.whisperctl.tui.making import batch, in_state
from whisperctl.tui import views
from whisperctl.tui.app import Top
from whisperctl.tui.palette import DARK
from whisperd.wire import names


def some_jobs() -> Jobs:
    return Jobs(
        in_state(1, "running", path="/a/running.wav", progress=0.5, speed=4.0, eta=60.0, duration=100.0),
        *(in_state(number, "queued", path=f"/a/file {number}.wav", place=number - 1) for number in (2, 3, 4, 5)),
        in_state(
            8, "failed", path="/a/broken.mp3", error={"kind": "bad_input", "message": "not audio", "hint": "look at it"}
        ),
        in_state(9, "completed", path="/a/done.wav", duration=60.0, processing_time=6.0),
    )


def test_keys_act_on_the_row_or_on_all_that_are_chosen_and_what_destroys_asks(folder: Path) -> None:
    async def scenario(driver: Driver, daemon: ScriptedDaemon) -> None:
        await driver.sees(
            "RUNNING 1", "QUEUE 4", "running.wav", "50%", "4.0×", "file 2.wav", "RECENTLY DONE", "done.wav"
        )
        await driver.until(lambda: "p pause" in driver.screen()[-1])
        await driver.press("p")
        await driver.sees("PAUSED 1")
        assert daemon.asked("job.pause") == [{"ids": [1]}]
        await driver.stands_on("· 1 file 2.wav")  # not along with what is done with
        await driver.press("space", "space", "down", "space")
        await driver.until(lambda: "p pause 3" in driver.screen()[-1])
        await driver.press("p")
        await driver.sees("PAUSED 4", "r resume 3")
        assert daemon.asked("job.pause")[-1] == {"ids": [2, 3, 5]}
        await driver.press("escape", "c")
        await driver.sees("Cancel job 1?", "running.wav", "kept for a")
        await driver.press("n")
        await driver.until(lambda: "Cancel" not in driver.text())
        assert daemon.asked("job.cancel") == []
        await driver.press("c")
        await driver.sees("Cancel job 1?")
        await driver.press("y")
        await driver.until(lambda: daemon.asked("job.cancel") == [{"ids": [1]}])
        await driver.press("P")
        await driver.sees("queue paused")
        await driver.press("P")
        await driver.until(lambda: "queue paused" not in driver.text())

    drive(folder, some_jobs(), scenario)


def test_failed_jobs_say_why_and_are_tried_again_or_deleted(folder: Path) -> None:
    async def scenario(driver: Driver, daemon: ScriptedDaemon) -> None:
        await driver.press("3")
        await driver.sees("✗", "broken.mp3", "not audio", "→ look at it")
        await driver.press("d")
        await driver.sees("Delete job 8?", "Transcripts go with their jobs")
        await driver.press("escape")
        await driver.press("t")
        await driver.sees("Nothing has failed")
        assert (daemon.asked("job.retry"), daemon.asked("job.delete")) == ([{"ids": [8]}], [])

    drive(folder, some_jobs(), scenario)


def test_jobs_are_moved_with_keys_and_to_a_place(folder: Path) -> None:
    async def scenario(driver: Driver, daemon: ScriptedDaemon) -> None:
        await driver.sees("file 5.wav")
        await driver.press("down", "down", "J")
        await driver.until(lambda: daemon.asked("job.move") == [{"ids": [3], "place": 3}])
        await driver.press("m")
        await driver.sees("to which place")
        await driver.press("1", "2", "enter")
        await driver.until(lambda: daemon.asked("job.move")[-1] == {"ids": [3], "place": 12})

    drive(folder, some_jobs(), scenario)


def test_a_refusal_is_said_and_nothing_stays_pending(folder: Path) -> None:
    async def scenario(driver: Driver, _: ScriptedDaemon) -> None:
        await driver.sees("running.wav")
        await driver.press("p")
        await driver.until(lambda: any("it is still ending" in note.message for note in driver.app._notifications))
        await driver.until(lambda: "pausing…" not in driver.text())

    refused = {"kind": "refused", "retryable": True, "message": "it is still ending", "hint": "try again"}
    answers: Any = {"job.pause": lambda _, params: {"jobs": [{"id": 1, "ok": False, "job": None, "error": refused}]}}
    drive(folder, some_jobs(), scenario, **answers)


def test_the_filter_shows_what_it_names_and_escape_shows_everything(folder: Path) -> None:
    async def scenario(driver: Driver, _: ScriptedDaemon) -> None:
        await driver.sees("running.wav")
        await driver.press("slash", *"file", "space", "4")
        await driver.until(lambda: "file 4.wav" in driver.text() and "file 3.wav" not in driver.text())
        await driver.press("enter")
        await driver.stands_on("· 3 file 4.wav")  # its place, not its row
        await driver.press("escape")
        await driver.sees("running.wav", "file 3.wav")

    drive(folder, some_jobs(), scenario)


def test_the_mouse_goes_to_rows_and_tabs_and_chooses_with_control(folder: Path) -> None:
    async def scenario(driver: Driver, _: ScriptedDaemon) -> None:
        await driver.sees("file 3.wav")
        await driver.click(row=next(n for n, line in enumerate(driver.screen()) if "file 3.wav" in line))
        await driver.stands_on("· 2 file 3.wav")
        await driver.click(row=next(n for n, line in enumerate(driver.screen()) if "file 5.wav" in line), control=True)
        await driver.sees("esc unchoose")
        await driver.click(row=1, column=driver.screen()[1].index("Failed"))
        await driver.sees("broken.mp3", "not audio")
        await driver.click(row=23, column=driver.screen()[-1].index("help"))
        await driver.sees("Look around", "whisperd goes on")
        await driver.press("x")
        await driver.until(lambda: "Look around" not in driver.text())

    drive(folder, some_jobs(), scenario)


def test_a_long_queue_shows_its_head_first_and_its_end_at_once(folder: Path) -> None:
    jobs = Jobs(*(in_state(number, "queued", path=f"/a/{number:05}.wav", place=number) for number in range(1, 10_001)))

    async def scenario(driver: Driver, _: ScriptedDaemon) -> None:
        await driver.sees("QUEUE 10,000", "00001.wav")
        await driver.until(lambda: len(driver.app.scene.picture.listed("queue")) == 10_000)
        await driver.press("end")
        await driver.sees("10000.wav")
        listing = driver.app.listing
        assert listing is not None
        await driver.press("up")
        top = listing.scroll_offset.y
        for number in range(1, 40):
            jobs.change(number, "running")
        await driver.sees("39 running")
        await driver.stands_on("· 9,960 09999.wav")
        assert listing.scroll_offset.y != top  # more rows stand above, and the cursor's row stays where it was

    drive(folder, jobs, scenario)


def test_a_daemon_that_goes_is_said_to_be_gone_and_found_again(folder: Path) -> None:
    jobs = some_jobs()

    async def scenario(driver: Driver, daemon: ScriptedDaemon) -> None:
        await driver.sees("file 5.wav")
        await driver.press("down", "down")
        daemon.stop()
        await driver.sees("✗ gone", "whisperd is gone", "goes on when it is back", "file 5.wav")
        await driver.until(lambda: "p pause" not in driver.screen()[-1])
        jobs.listeners.clear()
        jobs.jobs[5] = in_state(5, "completed", path="/a/file 5.wav", duration=1.0)
        daemon.start()
        await driver.until(lambda: "gone" not in driver.text() and "QUEUE 3" in driver.text())
        await driver.stands_on("· 2 file 3.wav")

    drive(folder, jobs, scenario)


def test_a_text_is_read_and_a_running_jobs_words_are_followed(folder: Path) -> None:
    segments = [{"start": 0.0, "end": 2.0, "text": " hello there"}, {"start": 65.0, "end": 66.0, "text": " the end"}]
    text = {"id": 9, "transcript": {"text": " hello there the end", "segments": segments}, "rendered": None}
    jobs = some_jobs()

    async def scenario(driver: Driver, daemon: ScriptedDaemon) -> None:
        await driver.sees("done.wav")
        await driver.press("end", "enter")
        await driver.sees("0:00  hello there", "1:05  the end")
        await driver.press("t")
        await driver.sees("hello there the end")
        await driver.press("escape")
        await driver.sees("RUNNING 1")
        await driver.press("home", "f")
        await driver.sees("what happened", "the words so far", "0:00  hello there", "1:05  the end")
        assert daemon.asked("job.text")[-1] == {"id": 1, "so_far": True}
        segments.append({"start": 70.0, "end": 71.0, "text": " spoken just now"})
        jobs.listeners[-1].event("job.progress", 1, {"done": 71.0})
        await driver.sees("1:10  spoken just now")
        await driver.press("escape")
        await driver.sees("RUNNING 1")

    drive(folder, jobs, scenario, **{"job.text": text})


def transcript(number: int, **facts: Any) -> Any:
    return {
        "id": number, "source": "file", "path": f"/a/{number}.wav", "at": "2026-01-01T00:00:00.000Z",
        "created_at": "2026-01-01T00:00:00.000Z", "duration": 60.0, "processing_time": 6.0, "confidence": 0.9,
        "model": "base", "device": "cpu", "beginning": f"text of {number}", "path_b64": None, "language": "en",
        "partial": False, "edited": False, "batch": None, "batch_name": None, **facts,
    }  # fmt: skip


def test_history_is_listed_searched_and_goes_on_at_its_end(folder: Path) -> None:
    def listed(_: Conversation, params: Any) -> Any:
        first = int(params["cursor"] or 0)
        numbers = range(first, min(first + 100, 150))
        more = str(first + 100) if first + 100 < 150 else None
        return {"transcripts": [transcript(n) for n in numbers], "folders": [], "next_cursor": more}

    def searched(_: Conversation, params: Any) -> Any:
        if params["query"] == '"':
            raise AnswerError(names.INVALID_PARAMS, "invalid_params", "params.query: a quote is not closed")
        snippet = [{"text": "by the ", "match": False}, {"text": "river", "match": True}]
        return {"matches": [{"transcript": transcript(7), "snippet": snippet}], "next_cursor": None}

    async def scenario(driver: Driver, daemon: ScriptedDaemon) -> None:
        await driver.press("4")
        await driver.sees("text of 0", "1:00", "90%")
        await driver.press("end")
        await driver.until(lambda: ("transcript", 149) in driver.app.scene.shown().keys)
        await driver.press("slash", *"river")
        await driver.sees("by the river")
        assert daemon.asked("history.search")[-1]["query"] == "river"
        await driver.type('"')
        await driver.sees("a quote is not closed")

    drive(folder, some_jobs(), scenario, **{"history.list": listed, "history.search": searched})


def test_batches_unfold_into_items_and_take_verbs(folder: Path) -> None:
    counts = {**batch(7)["items"], "completed": 2, "failed": 1, "running": 1}
    found = batch(7, name="interviews", items=counts, eta=90.0, speed=8.0)
    items = [in_state(1, "running", path="/a/one.wav"), in_state(8, "failed", path="/a/two.wav")]
    shown = {"batch": found, "items": items, "failures": [], "next_cursor": None}
    answers: Any = {
        "batch.list": {"batches": [found, batch(6, "completed_with_errors", name="lectures")], "next_cursor": None},
        "batch.show": shown,
        "batch.pause": lambda _, params: {"batches": [{"id": 7, "ok": True, "batch": found, "error": None}]},
        "batch.retry": {"batch": batch(6)},
    }

    async def scenario(driver: Driver, daemon: ScriptedDaemon) -> None:
        await driver.press("2")
        await driver.sees("▸ ▶ interviews", "running", "50%", "2/4", "1 failed", "lectures", "with errors")
        await driver.press("right")
        await driver.sees("▾ ▶ interviews", "one.wav", "two.wav")
        await driver.press("p")
        await driver.until(lambda: daemon.asked("batch.pause") == [{"ids": [7]}])
        await driver.press("down", "down", "t")
        await driver.until(lambda: daemon.asked("job.retry") == [{"ids": [8]}])
        await driver.press("left")
        await driver.until(lambda: "one.wav" not in driver.text())
        await driver.press("down", "t")
        await driver.until(lambda: daemon.asked("batch.retry") == [{"id": 6}])

    drive(folder, some_jobs(), scenario, **answers)


def test_a_daemon_without_batches_and_history_is_shown_without_them(folder: Path) -> None:
    async def scenario(driver: Driver, _: ScriptedDaemon) -> None:
        await driver.sees("running.wav")
        await driver.press("2")
        await driver.sees("no batches: it is older")
        await driver.press("tab", "tab")
        await driver.sees("no history: it is older")
        await driver.press("tab")
        await driver.sees("WORKERS", "background", "WHISPERD", "/w.sock")

    drive(folder, some_jobs(), scenario)


def test_a_wide_screen_has_a_panel_beside_the_list_and_a_resized_one_keeps_its_place(folder: Path) -> None:
    async def scenario(driver: Driver, _: ScriptedDaemon) -> None:
        await driver.sees("file 5.wav", "│", "WORKERS", "DICTATION", "job 1")
        await driver.press("end")
        await driver.sees("job 9")
        for size in ((80, 24), (40, 10), (160, 50)):
            await driver.resize(*size)
            await driver.until(lambda: "done.wav" in driver.text())
            await driver.until(lambda width=size[0]: all(len(line) <= width for line in driver.screen()))
            assert driver.cursor_line().endswith("1:00 of audio in 6.0 s (10×)")

    drive(folder, some_jobs(), scenario, size=(160, 50))


def test_nothing_is_missed_on_a_machine_so_slow_that_short_timers_never_fire(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Textual passes over a one-shot timer whose moment has gone by before it begins to wait; a terminal's new size
    # comes by way of one.
    fire = Timer._tick

    async def fire_unless_short(timer: Timer, *, next_timer: float, count: int) -> None:
        if timer._repeat is None or timer._interval > 0.5:
            await fire(timer, next_timer=next_timer, count=count)

    monkeypatch.setattr(Timer, "_tick", fire_unless_short)
    jobs = some_jobs()

    async def scenario(driver: Driver, _: ScriptedDaemon) -> None:
        await driver.sees("file 5.wav")
        await driver.resize(160, 50)
        await driver.sees("WORKERS", "DICTATION", "job 1")
        jobs.change(5, "paused")
        await driver.sees("PAUSED 1")

    drive(folder, jobs, scenario)


def test_colours_are_changed_with_a_key(folder: Path) -> None:
    async def scenario(driver: Driver, _: ScriptedDaemon) -> None:
        await driver.sees("running.wav")
        seen = [driver.app.theme]
        for _ in range(3):
            await driver.press("T")
            seen.append(driver.app.theme)
        assert seen == ["whisperd-dark", "whisperd-bright", "whisperd-terminal", "whisperd-dark"]
        assert driver.app.scene.view == views.QUEUE

    drive(folder, some_jobs(), scenario)


class DrawsAtItsEnd(Screen[None]):
    """Has the view drawn when its widgets are gone already and it is still there, as a timer does once in a while."""

    def on_unmount(self) -> None:
        assert isinstance(self.app, TopOfDrawsAtItsEnd)
        self.app.settle()
        self.app.drawn_at_its_end = True


class TopOfDrawsAtItsEnd(Top):
    drawn_at_its_end = False

    def get_default_screen(self) -> Screen[None]:
        return DrawsAtItsEnd(id="_default")


def test_a_view_that_is_to_be_drawn_while_it_ends_ends_in_peace(folder: Path) -> None:
    app = TopOfDrawsAtItsEnd(str(folder / "run" / "no.sock"), DARK)

    async def run() -> None:
        async with app.run_test() as pilot:
            await pilot.pause()

    asyncio.run(run())
    assert app.drawn_at_its_end
