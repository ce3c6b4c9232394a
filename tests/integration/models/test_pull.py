"""Downloads with the hub's own library from a stand-in hub: progress, interruption, checksums, disk, network."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import whisperd
from tests.harness import PATIENCE, wait_for
from tests.hub import Hub, running_hub
from whisperd.models.locate import installed
from whisperd.puller.messages import Failed, Message, Planned, Progress, Pulled, PullFailure, decode

MODEL = Path(whisperd.__file__).parent / "data" / "test-en"
REPOSITORY = "somebody/whisper-test-en"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.add(REPOSITORY, MODEL)
        yield hub


class Puller:
    """`python -m whisperd.puller`, with a home of its own."""

    def __init__(self, hub: Hub, into: Path, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "whisperd.puller", "--parent", str(os.getpid()), "--into", str(into)]
        self.process = subprocess.Popen(
            [*command, "--repository", REPOSITORY, *arguments],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(into.parent), "HF_ENDPOINT": hub.url, **environment},
        )

    def messages(self) -> list[Message]:
        output, _ = self.process.communicate(timeout=PATIENCE)
        return [decode(line) for line in output.splitlines()]

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_a_pulled_model_is_whole_and_the_way_there_is_told(hub: Hub, tmp_path: Path) -> None:
    into = tmp_path / "models" / "mine"
    messages = Puller(hub, into).messages()
    planned, *progress, pulled = messages
    assert isinstance(planned, Planned) and planned.done == 0
    assert isinstance(pulled, Pulled) and pulled.size == planned.total
    assert progress and all(isinstance(each, Progress) for each in progress)
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json", "preprocessor_config.json"):
        assert (into / name).read_bytes() == (MODEL / name).read_bytes()
    assert not (into / "README.md").exists()
    assert installed(tmp_path)["mine"] == into
    assert [entry.name for entry in into.parent.iterdir()] == ["mine"]


def test_an_interrupted_download_goes_on_where_it_ended(hub: Hub, tmp_path: Path) -> None:
    into = tmp_path / "models" / "mine"
    hub.trouble.hold_after = 1_000_000
    first = Puller(hub, into)
    assert hub.trouble.held.wait(60)
    part = tmp_path / "models" / ".mine.part"
    [partial] = [entry for entry in part.iterdir() if entry.name.startswith("model.bin.")]
    wait_for(lambda: partial.stat().st_size > 0)
    first.kill()
    have = partial.stat().st_size
    assert 0 < have < (MODEL / "model.bin").stat().st_size
    hub.trouble.hold_after = None
    hub.trouble.go_on.set()
    planned, *_, pulled = Puller(hub, into).messages()
    assert isinstance(planned, Planned) and planned.done >= have
    assert isinstance(pulled, Pulled)
    assert hub.ranges("model.bin")[-1] == f"bytes={have}-"
    assert (into / "model.bin").read_bytes() == (MODEL / "model.bin").read_bytes()


def test_what_was_begun_of_another_revision_is_begun_anew(hub: Hub, tmp_path: Path) -> None:
    part = tmp_path / "models" / ".mine.part"
    part.mkdir(parents=True)
    (part / "model.bin.0000000000000000.partial").write_bytes(b"old" * 1000)
    planned, *_, pulled = Puller(hub, tmp_path / "models" / "mine").messages()
    assert isinstance(planned, Planned) and planned.done == 0
    assert isinstance(pulled, Pulled)


@pytest.mark.parametrize("name", ["model.bin", "config.json"])
def test_a_wrong_checksum_is_named_and_nothing_of_it_is_kept(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.trouble.damaged = {name}
    into = tmp_path / "models" / "mine"
    *_, failed = Puller(hub, into).messages()
    assert isinstance(failed, Failed) and failed.kind is PullFailure.CHECKSUM
    assert failed.message.startswith(f"{name} arrived damaged")
    assert not into.exists()
    assert not list((tmp_path / "models" / ".mine.part").glob(f"{name}.*"))
    hub.trouble.damaged = set()
    assert isinstance(Puller(hub, into).messages()[-1], Pulled)


def test_a_disk_without_room_is_found_before_anything_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    *_, failed = Puller(hub, tmp_path / "models" / "mine", "--reserve", str(1 << 60)).messages()
    assert isinstance(failed, Failed) and failed.kind is PullFailure.DISK_FULL
    assert "MB are to be downloaded" in failed.message
    assert hub.ranges("model.bin") == []


def test_a_disk_that_fills_up_keeps_what_there_is(hub: Hub, tmp_path: Path) -> None:
    """A limit on the size of a file stands in for the disk: the kernel refuses the write."""
    into = tmp_path / "models" / "mine"
    limited = ["prlimit", "--fsize=1000000", sys.executable, "-m", "whisperd.puller", "--into", str(into)]
    ended = subprocess.run(
        [*limited, "--parent", str(os.getpid()), "--repository", REPOSITORY],
        env={**os.environ, "HOME": str(tmp_path), "HF_ENDPOINT": hub.url},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    failed = decode(ended.stdout.splitlines()[-1])
    assert isinstance(failed, Failed) and failed.kind is PullFailure.DISK_FULL
    assert isinstance(Puller(hub, into).messages()[-1], Pulled)
    assert any(wanted and wanted.startswith("bytes=") for wanted in hub.ranges("model.bin"))


@pytest.mark.parametrize(
    ("environment", "status", "repository", "kind"),
    [
        ({"HF_HUB_OFFLINE": "1"}, None, REPOSITORY, PullFailure.OFFLINE),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, None, REPOSITORY, PullFailure.NETWORK),
        ({}, 503, REPOSITORY, PullFailure.NETWORK),
        ({}, 403, REPOSITORY, PullFailure.REFUSED),
        ({}, None, "nobody/nothing", PullFailure.NOT_FOUND),
        ({}, None, "not a name", PullFailure.NOT_FOUND),
        ({}, None, "somebody/empty", PullFailure.NO_MODEL),
    ],
    ids=["offline", "no hub", "a hub in trouble", "refused", "no repository", "no name", "no model"],
)
def test_every_trouble_has_its_kind_and_says_what_to_do(
    hub: Hub, tmp_path: Path, environment: dict[str, str], status: int | None, repository: str, kind: PullFailure
) -> None:
    (tmp_path / "empty").mkdir()
    hub.add("somebody/empty", tmp_path / "empty")
    hub.trouble.status = status
    puller = Puller(hub, tmp_path / "models" / "mine", "--repository", repository, **environment)
    *_, failed = puller.messages()
    assert isinstance(failed, Failed) and failed.kind is kind, failed
    assert failed.hint
    assert puller.process.returncode == 1
