"""The recorder with a real sound server: PortAudio, ALSA and PulseAudio, and speech played into them."""

from pathlib import Path

import pytest

from tests.harness import PATIENCE, CallError, Daemon, running_daemon, wait_for
from tests.integration.dictation.clips import SENTENCES, speech, words
from tests.microphone import virtual_microphone
from tests.speech import word_errors, write_audio


def test_speech_played_into_the_sound_server_becomes_text_until_the_microphone_is_gone(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "speech.wav", speech(SENTENCES[1]))
    with running_daemon() as daemon, virtual_microphone() as microphone:
        microphone.give_to(daemon)
        daemon.kill()
        daemon.start()
        devices = daemon.call("dictate.devices")["devices"]
        assert any(device["default"] for device in devices)
        client = daemon.client()
        client.call("events.subscribe", topics=["dictate.state"])
        session = client.call("dictate.start", language="en")["session"]
        client.wait_event(lambda event: event["data"]["state"] == "listening")
        assert microphone.play(path).wait(PATIENCE) == 0
        result = client.call("dictate.stop", session=session)
        assert word_errors(words(result["text"]), SENTENCES[1]) <= 1, result
        # The microphone is unplugged in the middle of a word.
        session = client.call("dictate.start", language="en")["session"]
        client.wait_event(lambda event: event["data"] == {"session": session, "state": "listening"})
        assert microphone.play(path).wait(PATIENCE) == 0
        microphone.stop()
        result = client.call("dictate.stop", session=session) if _listens(daemon) else {}
        ended = client.wait_event(lambda event: event["data"]["state"] in ("done", "failed", "nothing_heard"))["data"]
        assert ended["state"] == "done", (ended, result)
        with pytest.raises(CallError) as error:
            daemon.call("dictate.start")
        assert error.value.data["kind"] == "microphone"
        microphone.start()
        wait_for(lambda: bool(daemon.call("dictate.devices")["devices"]))
        session = daemon.call("dictate.start", language="en")["session"]
        assert daemon.call("dictate.cancel", session=session)["state"] == "cancelled"


def _listens(daemon: Daemon) -> bool:
    """False once the daemon itself has ended the recording."""
    return daemon.call("dictate.status")["state"] == "listening"
