"""Sounds and notifications, shown and played by stand-ins."""

import io
import wave
from pathlib import Path

import pytest

from tests.desktop.hearing import Hearing
from tests.desktop.parts import Programs, Screen
from tests.desktop.running_agent import running_agent
from tests.desktop.stand_in_portal import StandInNotifications
from tests.harness import wait_for
from whisperctl.feedback import Feedback
from whisperctl.feedback.sounds import RATE, Sound, wav


@pytest.mark.parametrize("sound", ["ready", "done", "nothing", "problem"])
def test_a_sound_is_a_short_wav_that_neither_clicks_nor_clips(sound: Sound) -> None:
    with wave.open(io.BytesIO(wav(sound))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        frames = memoryview(file.readframes(file.getnframes())).cast("h")
    assert 0.05 < len(frames) / RATE < 0.4
    assert frames[0] == 0
    assert abs(frames[-1]) < 1000
    assert 4000 < max(frames) < 16_000


def test_sounds_go_to_the_desktops_player_in_order(programs: Programs) -> None:
    programs.stand_in("paplay", "")
    feedback = Feedback("none", audible=True)
    feedback.listening()
    feedback.done()
    wait_for(lambda: len(programs.finished("paplay")) == 2)
    assert programs.finished("paplay") == [wav("ready"), wav("done")]


def test_the_ready_sound_waits_for_the_first_frames(
    x11: Screen, programs: Programs, folder: Path, bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the states of a dictation are shown one in place of the other, until the text is there."""
    programs.real("xdotool")
    programs.stand_in("paplay", "")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus)
    hearing = Hearing("text", "")
    hearing.first_frames.clear()
    words = ("--keys", "F9", "--mode", "toggle", "--output", "none", "--notifications", "all", "--backend", "x11")
    with (
        StandInNotifications(bus) as shown,
        hearing.daemon(folder) as daemon,
        running_agent(daemon.socket, *words, silent=False),
    ):
        wait_for(lambda: bool(daemon.asked("events.subscribe")))
        x11.do("key", "F9")
        wait_for(lambda: hearing.sessions == 1)
        assert programs.finished("paplay") == []
        hearing.first_frames.set()
        hearing.tell(1, "listening")
        shown.wait_for("Listening…")
        assert programs.finished("paplay") == [wav("ready")]
        x11.do("key", "F9")
        shown.wait_for("Thinking…")
        wait_for(lambda: shown.shown == {})
        assert programs.finished("paplay")[1:] == [wav("done")]
        x11.do("key", "F9")
        wait_for(lambda: hearing.sessions == 2)
        x11.do("key", "F9")
        shown.wait_for("Nothing heard")
        hearing.texts = []
        x11.do("key", "F9")
        shown.wait_for("Dictation", "there is no microphone\nplug one in")


def test_a_problem_is_plain_text_for_services_that_read_markup(
    console: Path, bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus)
    with StandInNotifications(bus) as shown:
        Feedback("problems", audible=False).problem("a < b & c", None)
        shown.wait_for("Dictation", "a &lt; b &amp; c")


def test_without_a_notification_service_problems_are_on_stderr(
    console: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Feedback("all", audible=True).problem("it broke", "mend it")
    assert capsys.readouterr().err == "whisperctl: it broke (mend it)\n"
