"""The agent under a real X server: keys pressed by xdotool, text arriving in another program's field."""

from pathlib import Path

from tests.desktop.hearing import Hearing
from tests.desktop.parts import Field, Screen
from tests.desktop.running_agent import running_agent
from tests.harness import PATIENCE, wait_for


def test_a_held_key_dictates_and_reaches_no_other_program(field: Field, x11: Screen, folder: Path) -> None:
    hearing = Hearing("one", "two")
    with hearing.daemon(folder) as daemon, running_agent(daemon.socket, "--keys", "ctrl+F9", "--language", "en"):
        x11.do("keydown", "ctrl", "keydown", "F9")
        wait_for(lambda: hearing.sessions == 1)
        assert daemon.asked("dictate.stop") == []
        x11.do("keyup", "F9", "keyup", "ctrl")
        field.wait_for("one")
        assert daemon.asked("dictate.start") == [{"language": "en", "while_connected": True}]
        assert daemon.asked("dictate.stop") == [{"session": 1}]


def test_a_key_that_repeats_while_it_is_held_is_one_press(field: Field, x11: Screen, folder: Path) -> None:
    hearing = Hearing("once")
    with hearing.daemon(folder) as daemon, running_agent(daemon.socket, "--keys", "space"):
        x11.do("keydown", "space")
        x11.do("sleep", "1.2")  # Xvfb begins to repeat after 0.66 s
        x11.do("keyup", "space")
        field.wait_for("once")
        assert len(daemon.asked("dictate.start")) == 1


def test_toggle_cancel_and_again_have_keys_of_their_own_and_locks_dont_matter(
    field: Field, x11: Screen, folder: Path
) -> None:
    config = folder / "c.toml"
    config.write_text(
        '[[binding]]\nkeys = "f8"\nmode = "toggle"\nprompt = "names"\n'
        '[[binding]]\nkeys = "f7"\nmode = "cancel"\n[[binding]]\nkeys = "f6"\nmode = "again"\n',
        encoding="utf-8",
    )
    hearing = Hearing("said", "not said")
    x11.do("key", "Num_Lock")
    try:
        with hearing.daemon(folder) as daemon, running_agent(daemon.socket, "--config", str(config)):
            x11.do("key", "F8")
            wait_for(lambda: hearing.sessions == 1)
            x11.do("key", "F8")
            field.wait_for("said")
            x11.do("key", "F8")
            wait_for(lambda: hearing.sessions == 2)
            x11.do("key", "F7")
            wait_for(lambda: daemon.asked("dictate.cancel") == [{"session": 2}])
            x11.do("key", "F6")
            field.wait_for("saidonce more")
            assert daemon.asked("dictate.start")[0] == {"prompt": "names", "while_connected": True}
    finally:
        x11.do("key", "Num_Lock")


def test_the_next_dictation_starts_while_the_last_one_is_decoded_and_texts_keep_their_order(
    field: Field, x11: Screen, folder: Path
) -> None:
    hearing = Hearing("first ", "second ", "third")
    hearing.thinks.clear()
    with hearing.daemon(folder) as daemon, running_agent(daemon.socket, "--keys", "F9"):
        for number in (1, 2, 3):
            x11.do("key", "F9")
            wait_for(lambda number=number: len(daemon.asked("dictate.stop")) == number)
        assert field.text() == ""
        hearing.thinks.set()
        field.wait_for("first second third")


def test_a_dictation_that_ends_by_itself_is_delivered_and_the_key_is_free(
    field: Field, x11: Screen, folder: Path
) -> None:
    hearing = Hearing("all of it", " more")
    with (
        hearing.daemon(folder) as daemon,
        running_agent(daemon.socket, "--keys", "F9", "--mode", "toggle") as agent,
    ):
        wait_for(lambda: bool(daemon.asked("events.subscribe")))
        x11.do("key", "F9")
        wait_for(lambda: hearing.sessions == 1)
        hearing.tell(1, "thinking", reason="max_length")
        field.wait_for("all of it")
        agent.wait_until_said("maximum length")
        x11.do("key", "F9")
        wait_for(lambda: hearing.sessions == 2)
        x11.do("key", "F9")
        field.wait_for("all of it more")


def test_the_agent_outlives_the_daemon_and_says_what_became_of_the_dictation(
    field: Field, x11: Screen, folder: Path
) -> None:
    hearing = Hearing("before", "after")
    daemon = hearing.daemon(folder)
    with daemon, running_agent(daemon.socket, "--keys", "F9", "--mode", "toggle") as agent:
        wait_for(lambda: bool(daemon.asked("events.subscribe")))
        x11.do("key", "F9")
        wait_for(lambda: hearing.sessions == 1)
        daemon.stop()
        agent.wait_until_said("went away while it was listening")
        x11.do("key", "F9")
        agent.wait_until_said("whisperd is not running")
        daemon.start()
        hearing.texts.pop(0)
        x11.do("key", "F9")
        wait_for(lambda: hearing.sessions == 2)
        x11.do("key", "F9")
        field.wait_for("after")


def test_a_dictation_ends_with_the_agent_that_is_killed(x11: Screen, folder: Path) -> None:
    hearing = Hearing("never")
    with hearing.daemon(folder) as daemon, running_agent(daemon.socket, "--keys", "F9") as agent:
        wait_for(lambda: bool(daemon.asked("events.subscribe")))
        x11.do("keydown", "F9")
        wait_for(lambda: hearing.sessions == 1)
        agent.process.kill()
        agent.process.wait(PATIENCE)
        wait_for(lambda: not daemon.talking())
    x11.do("keyup", "F9")


def test_what_goes_wrong_is_said(x11: Screen, folder: Path) -> None:
    hearing = Hearing()
    with hearing.daemon(folder) as daemon, running_agent(daemon.socket, "--keys", "F9") as agent:
        x11.do("key", "F9")
        agent.wait_until_said("there is no microphone (plug one in)")
        with running_agent(daemon.socket, "--keys", "F9", ready=False) as second:
            second.wait_until_said("x11: another program has taken f9")
            assert second.process.wait(PATIENCE) == 1
        assert agent.end() == 0
