"""Files that can't be transcribed, or not wholly, through a real daemon: a clear error, nothing lost, no harm."""

import itertools
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.acceptance import broken_media as media
from tests.harness import Daemon, alive, running_daemon
from tests.speech import SAMPLE_RATE, Encoding, Samples, long_speech, resample, silence, word_errors, write_audio

# Root reads everything; without these capabilities it is refused as anybody is.
AS_ANYBODY = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
TEST_MODEL = Path(__file__).parents[2] / "whisperd" / "data" / "test-en"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    """One daemon for the module: what a bad file did to it would show in the tests after."""
    with running_daemon(config="[retry]\nbase_delay = 0.0\n", wrapper=AS_ANYBODY) as running:
        yield running


@pytest.fixture(autouse=True)
def unharmed(daemon: Daemon) -> Iterator[None]:
    """After every bad file: the same process answers, nothing is left running, and no defect was logged."""
    pid = daemon.pid
    yield
    assert alive(pid)
    assert daemon.call("daemon.status")["queue"]["running"] == 0
    assert "Traceback" not in daemon.log.read_text()


REFUSED = [
    (media.missing, "input_missing", "does not exist", "check the path"),
    (media.below_a_file, "input_missing", "does not exist", "check the path"),
    (media.dangling_link, "input_missing", "does not exist", "check the path"),
    (media.a_folder, "bad_input", "is a folder, not a file", "submit the files in it"),
    (media.empty, "bad_input", "is empty", "record or copy it again"),
    (media.unreadable, "bad_input", "may not be read", "give your user read permission"),
    (media.in_an_unreadable_folder, "bad_input", "may not be read", "give your user read permission"),
    (media.pipe, "bad_input", "is a pipe, socket or device, not a file", "pipe it to `whisperctl transcribe -`"),
    (media.device, "bad_input", "is a pipe, socket or device, not a file", "pipe it to `whisperctl transcribe -`"),
    (media.link_loop, "bad_input", "is a symbolic link that leads back to itself", "give the path of the audio"),
    (media.too_long_a_name, "bad_input", "has a name that is too long", "shorten its name or path"),
    (media.text, "bad_input", "is a text file, not audio", "give the audio itself"),
    (media.random_bytes, "bad_input", "is not an audio file that can be read", "can be read"),
    (
        media.only_a_header,
        "bad_input",
        "is cut off or damaged: nothing that can be read follows its header",
        "copy or download it again",
    ),
    (
        media.cut_recording,
        "bad_input",
        "is cut off: its index (moov), which most recorders write last, is missing",
        "copy or download it again",
    ),
    (media.mute_video, "no_audio", "has no audio in it (it holds video)", "record again with the microphone on"),
]


@pytest.mark.parametrize(("make", "kind", "what", "hint"), REFUSED, ids=lambda value: getattr(value, "__name__", ""))
def test_bad_file_fails_its_job_with_what_is_wrong_and_what_to_do(
    daemon: Daemon, tmp_path: Path, make: Callable[[Path], Path], kind: str, what: str, hint: str
) -> None:
    path = make(tmp_path)
    [job] = daemon.submit(path)
    [job] = daemon.wait(job["id"])
    assert (job["state"], job["error"]["kind"]) == ("failed", kind)
    assert job["error"]["message"] == f"{path} {what}"
    assert hint in (job["error"]["hint"] or "")


def test_bad_files_among_good_ones_take_nothing_with_them(daemon: Daemon, tmp_path: Path) -> None:
    paths = [media.missing(tmp_path), media.speech(tmp_path), media.text(tmp_path), media.empty(tmp_path)]
    heard = daemon.ctl("transcribe", *map(str, paths))
    assert heard.returncode == 1
    assert len(heard.stdout.splitlines()) == 1
    assert len(heard.stdout.split()) > 20
    for path, reason in zip(paths, ("does not exist", "", "is a text file", "is empty"), strict=True):
        assert (f"{path} {reason}" in heard.stderr) == bool(reason)


@pytest.mark.parametrize("name", [b"caf\xe9.wav", b"two\nlines \x1b[31mred.wav", "Übung – 二.wav".encode()])
def test_any_name_a_file_can_have_is_taken(daemon: Daemon, tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    os.rename(media.speech(tmp_path), path)
    heard = daemon.ctl("transcribe", os.fsdecode(path))
    assert heard.returncode == 0
    assert len(heard.stdout.split()) > 20
    assert "\x1b" not in heard.stderr
    [job] = daemon.call("job.list", limit=1)["jobs"]
    assert job["state"] == "completed"
    shown = json.loads(daemon.ctl("--json", "job", "show", str(job["id"])).stdout)["job"]
    assert (shown["path_b64"] is None) == (name != b"caf\xe9.wav")


@pytest.mark.parametrize("make", [media.cut_download, media.cut_wav, media.cut_flac], ids=lambda make: make.__name__)
def test_truncated_file_is_transcribed_as_far_as_it_goes_and_marked_partial(
    daemon: Daemon, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    whole = daemon.transcribe(media.speech(tmp_path))
    path = make(tmp_path)
    [job] = daemon.submit(path)
    [job] = daemon.wait(job["id"])
    assert (job["state"], job["partial"]) == ("completed", True)
    assert job["missing"] == pytest.approx(whole["duration"] - job["duration"], abs=0.2)
    assert job["missing"] > 5
    transcript = daemon.call("job.text", id=job["id"])["transcript"]
    assert transcript["partial"]
    assert transcript["text"].split()[:6] == whole["text"].split()[:6]
    told = daemon.ctl("transcribe", str(path)).stderr
    assert "of the audio could not be read and is not in the transcript" in told


@pytest.mark.parametrize("suffix", ["mp3", "m4a", "flac", "ogg", "opus", "webm"])
def test_times_after_damaged_packets_are_right(daemon: Daemon, tmp_path: Path, suffix: str) -> None:
    # After the silence a segment begins, where somebody speaks: no decoding can shift that.
    samples = np.concatenate([media.SPEECH, silence(40), media.SPEECH[: 6 * SAMPLE_RATE]])
    whole = daemon.transcribe(write_audio(tmp_path / "speech.wav", samples))
    broken = daemon.transcribe(media.damaged(tmp_path, suffix, samples))
    assert broken["duration"] == pytest.approx(whole["duration"], abs=0.15)
    after = len(media.SPEECH) / SAMPLE_RATE + 20
    [expected, *_] = (one["start"] for one in whole["segments"] if one["start"] > after)
    [found, *_] = (one["start"] for one in broken["segments"] if one["start"] > after)
    assert found == pytest.approx(expected, abs=0.15)


def test_damaged_packets_are_counted(daemon: Daemon, tmp_path: Path) -> None:
    [job] = daemon.submit(media.damaged(tmp_path, "m4a", media.SPEECH))
    [job] = daemon.wait(job["id"])
    assert [note for note in job["notes"] if note.endswith("damaged packets were skipped")]


@pytest.mark.parametrize("make", [media.hls_playlist, media.concat_list, media.dash_manifest], ids=lambda m: m.__name__)
def test_playlist_under_an_audio_name_reaches_neither_network_nor_other_files(
    daemon: Daemon, tmp_path: Path, make: Callable[[Path, str], Path]
) -> None:
    secret = media.speech(tmp_path, "secret.wav")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}/talk.wav", str(secret), f"file://{secret}"):
            path = make(tmp_path, url)
            [job] = daemon.submit(path)
            [job] = daemon.wait(job["id"])
            assert (job["state"], job["error"]["kind"]) == ("failed", "bad_input")
            assert job["error"]["message"] == f"{path} is a playlist, not audio"
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


UNUSUAL = {
    "8 kHz": Encoding("wav", "pcm_s16le", rate=8_000),
    "192 kHz": Encoding("wav", "pcm_s16le", rate=192_000),
    "7.1 channels": Encoding("wav", "pcm_s16le", layout="7.1"),
    "7.1 channels, flac": Encoding("flac", "flac", rate=48_000, layout="7.1"),
}


def narrowed(samples: Samples, rate: int) -> Samples:
    """What is left of samples that were kept at a lower rate."""
    lower = resample((samples * 32767).astype(np.int16), SAMPLE_RATE, rate)
    return resample((lower * 32767).astype(np.int16), rate, SAMPLE_RATE)


@pytest.mark.parametrize("encoding", UNUSUAL)
def test_unusual_rates_and_channels_are_understood(daemon: Daemon, tmp_path: Path, encoding: str) -> None:
    # What the encoding leaves of the sound, at the usual rate: a telephone's band is all noise to the test model.
    rate = UNUSUAL[encoding].rate
    heard = media.SPEECH if rate >= SAMPLE_RATE else narrowed(media.SPEECH, rate)
    plain = daemon.transcribe(write_audio(tmp_path / "plain.wav", heard))["text"]
    unusual = daemon.transcribe(write_audio(tmp_path / "unusual", media.SPEECH, UNUSUAL[encoding]))
    # The small model mistakes words as soon as anything differs; at a wrong speed or mix all would be wrong.
    assert word_errors(unusual["text"], plain) < len(plain.split()) / 2


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_three_samples_are_a_transcript_without_text(daemon: Daemon, tmp_path: Path, kind: str) -> None:
    transcript = daemon.transcribe(write_audio(tmp_path / f"three.{kind}", media.SPEECH[:3]))
    assert (transcript["text"], transcript["segments"], transcript["language"]) == ("", [], None)


def test_silence_over_several_blocks_has_no_words(daemon: Daemon, tmp_path: Path) -> None:
    transcript = daemon.transcribe(media.silence_flac(tmp_path, minutes=12))
    assert transcript["text"] == ""
    assert transcript["duration"] == pytest.approx(720)


def test_speech_without_a_pause_is_transcribed_to_its_end(daemon: Daemon, tmp_path: Path) -> None:
    samples, spoken = long_speech(120, seed=11, pauses=(0.0, 0.0))
    transcript = daemon.transcribe(write_audio(tmp_path / "breathless.wav", samples))
    chunks = sorted({segment["seek"] / 100 for segment in transcript["segments"]})
    assert max(after - before for before, after in itertools.pairwise(chunks)) <= 30
    assert len(samples) / SAMPLE_RATE - chunks[-1] <= 30
    assert len(transcript["text"].split()) > 0.6 * len(spoken.split())


# -- models -----------------------------------------------------------------------------------------------------------


def broken_model(folder: Path, break_it: Callable[[Path], object]) -> Path:
    model = folder / "model"
    shutil.copytree(TEST_MODEL, model)
    break_it(model)
    return model


def halve(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


NOT_A_MODEL: dict[str, tuple[Callable[[Path], str], str]] = {
    "unknown name": (lambda folder: "base-xl", 'the model "base-xl" is not installed'),
    "misspelt name": (lambda folder: "test_en", 'the model "test_en" is not installed'),
    "no such folder": (lambda folder: str(folder / "none"), "does not exist, or is not a folder"),
    "a file": (lambda folder: str(media.speech(folder)), "does not exist, or is not a folder"),
    "an empty folder": (lambda folder: str(media.a_folder(folder)), "model.bin and tokenizer.json and vocabulary.json"),
    "no tokenizer": (
        lambda folder: str(broken_model(folder, lambda model: (model / "tokenizer.json").unlink())),
        "is incomplete: tokenizer.json is missing or empty",
    ),
    "an empty model.bin": (
        lambda folder: str(broken_model(folder, lambda model: os.truncate(model / "model.bin", 0))),
        "is incomplete: model.bin is missing or empty",
    ),
}


@pytest.mark.parametrize("case", NOT_A_MODEL)
def test_model_that_is_not_there_refuses_the_submission(daemon: Daemon, tmp_path: Path, case: str) -> None:
    make, message = NOT_A_MODEL[case]
    before = daemon.call("job.list", limit=1)["jobs"]
    refused = daemon.ctl("submit", str(media.speech(tmp_path)), "--model", make(tmp_path))
    assert refused.returncode == 4
    assert message in refused.stderr
    assert "→" in refused.stderr
    assert daemon.call("job.list", limit=1)["jobs"] == before


DAMAGED_MODELS: dict[str, Callable[[Path], object]] = {
    "garbage": lambda model: (model / "model.bin").write_bytes(os.urandom(1 << 20)),
    "truncated": lambda model: halve(model / "model.bin"),
    "config": lambda model: (model / "config.json").write_text("{nope"),
    "tokenizer": lambda model: (model / "tokenizer.json").write_text('{"version": nope'),
}


@pytest.mark.parametrize("case", DAMAGED_MODELS)
def test_damaged_model_fails_the_job_by_name_after_one_retry(daemon: Daemon, tmp_path: Path, case: str) -> None:
    model = broken_model(tmp_path, DAMAGED_MODELS[case])
    [job] = daemon.submit(media.speech(tmp_path), options={"model": str(model)})
    [job] = daemon.wait(job["id"])
    assert (job["state"], job["error"]["kind"], job["attempts"]) == ("failed", "model_load", 2)
    assert str(model) in job["error"]["message"]
    assert job["error"]["hint"]
    assert daemon.transcribe(media.speech(tmp_path))["text"]
