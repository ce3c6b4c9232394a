"""When memory runs out, a job goes on with less of it, and says so."""

from pathlib import Path

from tests.harness import running_daemon
from tests.speech import long_speech, write_audio

STARVED = ("env", f"PYTHONPATH={Path(__file__).parent / 'starved'}")


def test_the_decoding_batch_is_halved_until_it_fits_and_the_text_is_the_same(tmp_path: Path) -> None:
    samples, _ = long_speech(150, seed=41)
    path = write_audio(tmp_path / "talk.wav", samples)
    with running_daemon() as daemon:
        plenty = daemon.transcribe(path)
        daemon.stop()
        daemon.wrapper = STARVED
        daemon.start()
        [job] = daemon.submit(path)
        [job] = daemon.wait(job["id"])
        starved = daemon.call("job.text", id=job["id"])["transcript"]
    assert job["state"] == "completed"
    assert starved["notes"] == [
        "memory ran out, so the decoding batch was reduced to 2",
        "memory ran out, so the decoding batch was reduced to 1",
    ]
    assert starved["segments"] == plenty["segments"]
