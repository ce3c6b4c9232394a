"""The wheel and the sdist in an environment of their own: everything is in them, and the service works from there."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import PATIENCE, ROOT, Client, wait_for
from whisperctl import units


@pytest.fixture(scope="module")
def built() -> Iterator[Path]:
    """A folder with a wheel and an sdist."""
    folder = Path(tempfile.mkdtemp(prefix="wp-"))
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def run(*words: str | Path, home: Path) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "runtime")}
    command = [str(word) for word in words]
    return subprocess.run(
        command, env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=PATIENCE
    )


def test_the_wheel_holds_all_that_runs_and_the_sdist_all_that_builds(built: Path) -> None:
    [wheel], [sdist] = built.glob("*.whl"), built.glob("*.tar.gz")
    in_wheel = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    ours = [p.relative_to(ROOT).as_posix() for part in ("whisperd", "whisperctl") for p in (ROOT / part).rglob("*.py")]
    assert set(ours) <= in_wheel
    assert set(ours) <= in_sdist
    shipped = [path.relative_to(ROOT).as_posix() for path in (ROOT / "systemd").rglob("*") if path.is_file()]
    assert {f"whisperd/{path}" for path in shipped} <= in_wheel
    assert {*shipped, "pyproject.toml", "README.md", "Makefile", "constraints.txt"} <= in_sdist
    assert "whisperd/data/test-en/model.bin" in in_wheel


def test_a_fresh_environment_installs_units_that_hold_and_start_the_daemon(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    home = Path(tempfile.mkdtemp(prefix="wh-"))
    try:
        fresh = home / "a venv"
        subprocess.run([sys.executable, "-m", "venv", str(fresh)], check=True, timeout=PATIENCE)
        # The dependencies are those of the tests' environment, which are the pinned ones; ours come from the wheel.
        purelib = sysconfig.get_path("purelib", vars={"base": str(fresh)})
        (Path(purelib) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
        pip = [fresh / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
        assert (installed := run(*pip, home=home)).returncode == 0, installed.stderr
        (home / "runtime" / "whisperd").mkdir(parents=True, mode=0o700)
        (home / "runtime").chmod(0o700)

        assert run(fresh / "bin" / "whisperctl", "service", "install", home=home).returncode == 0
        written = home / ".config" / "systemd" / "user"
        files = [written / name for name in units.UNITS]
        verified = run("systemd-analyze", "--user", "verify", *files, home=home)
        assert (verified.returncode, verified.stderr) == (0, "")

        [program] = re.findall(r'^ExecStart="(.*)" run$', (written / units.SERVICE).read_text(), re.MULTILINE)
        assert program == str(fresh / "bin" / "whisperd")
        socket = home / "runtime" / "whisperd" / "whisperd.sock"
        command = ["systemd-socket-activate", "--listen", str(socket), "-E", f"HOME={home}"]
        command += ["-E", f"XDG_RUNTIME_DIR={home / 'runtime'}", program, "run"]
        with subprocess.Popen(command, cwd=home, stderr=subprocess.DEVNULL) as daemon:
            try:
                wait_for(socket.exists)
                status = run(fresh / "bin" / "whisperctl", "status", home=home)
                assert status.returncode == 0, status.stderr
                client = Client(socket)
                assert client.call("daemon.status")["pid"] == daemon.pid
                client.close()
            finally:
                daemon.terminate()
    finally:
        shutil.rmtree(home, ignore_errors=True)
