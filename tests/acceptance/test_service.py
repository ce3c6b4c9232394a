"""whisperd as a service manager sees it: activation by socket, readiness, status, the watchdog, and the units.

The protocols are the real ones: `systemd-socket-activate` passes the socket, and a datagram socket here receives what
the manager would.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import PATIENCE, ROOT, Daemon, running_daemon, wait_for
from tests.speech import silence, write_audio
from whisperctl import units

STUCK = Path(__file__).parent / "stuck"


class ServiceManager:
    """The receiving end of `NOTIFY_SOCKET`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(30)
        self._socket.bind(str(path))

    def wait_for(self, line: str) -> str:
        """The first message, from now on, that has such a line (a pattern); its text."""
        while True:
            message = self._socket.recv(4096).decode()
            if re.search(f"^{line}$", message, re.MULTILINE):
                return message

    def hears_nothing(self, seconds: float) -> bool:
        """Whether no message comes for so long, after what has come already."""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(4096)
        self._socket.settimeout(seconds)
        try:
            self._socket.recv(4096)
        except TimeoutError:
            return True
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="ws-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def manager(folder: Path) -> Iterator[ServiceManager]:
    listening = ServiceManager(folder / "notify")
    yield listening
    listening.close()


@contextlib.contextmanager
def activated(daemon: Daemon, manager: ServiceManager) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that starts the daemon with the first connection to its socket."""
    folder = daemon.config.parent
    daemon.socket.parent.mkdir(mode=0o700)
    command = ["systemd-socket-activate", "--listen", str(daemon.socket), "-E", f"NOTIFY_SOCKET={manager.path}"]
    command += ["-E", f"HOME={folder}", sys.executable, "-m", "whisperd", "run", "--config", str(daemon.config)]
    command += ["--state-dir", str(daemon.state_dir), "--model", "test-en"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log, cwd=ROOT) as process:
        try:
            wait_for(daemon.socket.exists)
            assert not daemon.state_dir.exists()
            yield process
        finally:
            process.kill()


def test_the_first_client_starts_the_daemon_which_is_ready_once_it_answers(
    folder: Path, manager: ServiceManager
) -> None:
    daemon = Daemon(folder)
    with activated(daemon, manager) as process:
        ran = daemon.ctl("status", "--json")
        assert ran.returncode == 0, ran.stderr + daemon.log.read_text()
        manager.wait_for("READY=1")
        assert daemon.call("daemon.ping") == {"pong": True}
        manager.wait_for("STATUS=idle")
        # systemd-socket-activate becomes the program: one process, which listens on what it was given.
        status = daemon.call("daemon.status")
        assert (status["pid"], status["socket"]) == (process.pid, str(daemon.socket))

        daemon.call("queue.pause")
        manager.wait_for("STATUS=idle, queue paused")
        process.send_signal(signal.SIGTERM)
        manager.wait_for("STOPPING=1")
        assert process.wait(timeout=PATIENCE) == 0
        assert daemon.socket.exists(), "the socket file is the service manager's"


def test_a_key_that_starts_the_daemon_dictates(folder: Path, manager: ServiceManager) -> None:
    daemon = Daemon(folder)
    microphone = write_audio(folder / "microphone.wav", silence(5.0))
    with activated(daemon, manager) as process:
        started = daemon.ctl("dictate", "start", "--device", f"wav:{microphone}")
        assert started.returncode == 0, started.stderr
        assert daemon.ctl("dictate", "cancel").returncode == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2], ids=["event loop", "scheduler"])
def test_a_daemon_that_is_stuck_misses_the_watchdog(manager: ServiceManager, number: signal.Signals) -> None:
    limit = 1.5
    wrapper = ("env", f"NOTIFY_SOCKET={manager.path}", f"WATCHDOG_USEC={limit * 1e6:.0f}", f"PYTHONPATH={STUCK}:{ROOT}")
    with running_daemon(wrapper=wrapper) as daemon:
        manager.wait_for("READY=1")
        for _ in range(4):
            manager.wait_for("WATCHDOG=1")
        os.kill(daemon.pid, number)
        wait_for(lambda: manager.hears_nothing(limit))
        daemon.kill()  # it would not hear of being stopped


def test_children_are_not_told_of_the_service_manager(manager: ServiceManager) -> None:
    with running_daemon(wrapper=("env", f"NOTIFY_SOCKET={manager.path}", "WATCHDOG_USEC=60000000")) as daemon:
        daemon.transcribe(ROOT / "tests" / "data" / "demo.flac")
        pid = daemon.worker_pid()
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"NOTIFY_SOCKET" not in environment
    assert b"WATCHDOG" not in environment


# -- the units --------------------------------------------------------------------------------------------------------


def verify(folder: Path) -> "subprocess.CompletedProcess[str]":
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    return subprocess.run(
        ["systemd-analyze", "--user", "verify", *map(str, sorted((folder / ".config/systemd/user").glob("*.s*t")))]
        + [str(path) for path in sorted((folder / ".config/systemd/user").glob("*.service"))],
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_installed_units_pass_systemds_verification(folder: Path) -> None:
    daemon = Daemon(folder)
    installed = daemon.ctl("service", "install", "--sandbox")
    assert installed.returncode == 0, installed.stderr
    written = folder / ".config" / "systemd" / "user"
    assert {path.name for path in written.iterdir()} == {*units.UNITS, "whisperd.service.d"}
    assert (written / units.SANDBOX).exists()
    assert f"{sys.prefix}/bin/whisperd run" in (written / units.SERVICE).read_text()
    verified = verify(folder)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")
    # The verification reads what was written: a wrong line is found.
    service = written / units.SERVICE
    service.write_text(service.read_text().replace("[Service]", "[Service]\nNoSuchSetting=yes"))
    assert "NoSuchSetting" in verify(folder).stderr

    assert "another version" in daemon.ctl("service", "status").stdout
    removed = daemon.ctl("service", "uninstall")
    assert removed.returncode == 0, removed.stderr
    assert [path for path in written.rglob("*") if path.is_file()] == []
    assert daemon.ctl("service", "status").returncode == 4


def exposure(unit: Path) -> float:
    """The overall score of `systemd-analyze security`, 0 for nothing to 10 for everything."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    [score] = re.findall(r"Overall exposure level for .*: ([0-9.]+)", said)
    return float(score)


def test_the_service_is_as_closed_as_its_work_allows(folder: Path) -> None:
    """Offline, the score takes a unit for a system service of root; what a user's service can't have is left out."""
    plain = folder / units.SERVICE
    plain.write_text(units.text(units.SERVICE))
    assert exposure(plain) <= 6.4
    as_user = "User=nobody\nCapabilityBoundingSet=\n"
    plain.write_text(units.text(units.SERVICE).replace("[Service]\n", f"[Service]\n{as_user}"))
    assert exposure(plain) <= 3.9
    sandbox = units.text(units.SANDBOX).partition("[Service]\n")[2]
    plain.write_text(units.text(units.SERVICE).replace("[Service]\n", f"[Service]\n{as_user}{sandbox}"))
    assert exposure(plain) <= 2.7


@pytest.mark.parametrize("name", [*units.UNITS, units.SANDBOX])
def test_no_unit_hides_what_people_transcribe(name: str) -> None:
    text = re.sub(r"^#.*$", "", units.text(name), flags=re.MULTILINE)
    hiding = r"ProtectHome|PrivateTmp|PrivateDevices|ProtectSystem=strict|RuntimeDirectory|MemoryDenyWriteExecute"
    assert not re.search(hiding, text)


def test_the_socket_unit_leaves_a_daemon_alone_that_was_started_by_hand(folder: Path) -> None:
    [command] = re.findall(r"^ExecStartPre=(.*)$", units.text(units.SOCKET), re.MULTILINE)
    assert command.split()[1:] == ["check-socket", "%t/whisperd/whisperd.sock"]
    with running_daemon() as daemon:
        taken = subprocess.run(
            [sys.executable, "-m", "whisperd", "check-socket", str(daemon.socket)],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        assert taken.returncode == 5
        assert "started by hand" in taken.stderr
        assert "whisperctl shutdown" in taken.stderr
        assert stat.S_ISSOCK(daemon.socket.stat().st_mode)
        assert daemon.call("daemon.ping")["pong"]
        daemon.stop()
    free = [sys.executable, "-m", "whisperd", "check-socket", str(folder / "w.sock")]
    assert subprocess.run(free, check=False, timeout=PATIENCE).returncode == 0


def test_a_user_manager_is_told_of_the_units_and_a_running_daemon_is_not_robbed(folder: Path) -> None:
    """The manager's part is played by a script that keeps a list of what it was asked."""
    played = folder / "bin" / "systemctl"
    played.parent.mkdir()
    played.write_text('#!/bin/sh\nshift 2\necho "$@" >> "$HOME/asked"\n')
    played.chmod(0o755)
    with running_daemon() as daemon:
        path = f"{played.parent}:{os.environ['PATH']}"
        environment = {**daemon.environment, "HOME": str(folder), "PATH": path}

        def service(*words: str) -> "subprocess.CompletedProcess[str]":
            command = [sys.executable, "-m", "whisperctl", "service", *words]
            return subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True, timeout=PATIENCE
            )

        assert f"started by hand runs (pid {daemon.pid})" in service("install").stderr
        assert "enable whisperd.socket" in (folder / "asked").read_text()
        assert "--now" not in (folder / "asked").read_text()
        daemon.stop()
        assert "whisperd listens" in service("install", "--hotkey").stdout
        asked = (folder / "asked").read_text()
        assert "enable --now whisperd.socket" in asked
        assert "enable --now whisperd-hotkey.service" in asked
        service("uninstall")
        assert "disable --now whisperd.socket whisperd.service" in (folder / "asked").read_text()


def test_a_path_with_odd_characters_is_quoted_for_systemd() -> None:
    for path, expected in [
        ("/usr/bin/whisperd", "/usr/bin/whisperd"),
        ("/home/a b/whisperd", '"/home/a b/whisperd"'),
        ("/50%/$HOME", "/50%%/$$HOME"),
        ('/a"b\\c', '"/a\\"b\\\\c"'),
    ]:
        assert units.quoted(path) == expected
