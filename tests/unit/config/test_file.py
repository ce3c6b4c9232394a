"""Configuration from anything but a file: refused at once, whatever it would give or keep waiting for."""

import os
import socket
from pathlib import Path

import pytest

from whisperd.config.file import LARGEST, read_file
from whisperd.config.load import load
from whisperd.errors import ConfigError


def test_a_device_that_never_ends_is_refused() -> None:
    with pytest.raises(ConfigError, match="Is a device"):
        read_file(Path("/dev/zero"))


def test_a_pipe_that_nobody_writes_to_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.toml")
    with pytest.raises(ConfigError, match="Is a pipe"):
        load(tmp_path / "config.toml")


def test_a_folder_and_a_socket_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Is a directory"):
        read_file(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        with pytest.raises(ConfigError, match="can't read"):
            read_file(tmp_path / "s")


def test_the_null_device_is_an_empty_file() -> None:
    assert read_file(Path("/dev/null")) == b""


def test_a_file_that_is_far_too_large_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.touch()
    os.truncate(file, 1 << 40)
    with pytest.raises(ConfigError, match=f"more than {LARGEST >> 20} MB"):
        read_file(file)


def test_a_path_with_a_nul_is_refused_and_a_missing_file_is_told_from_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="NUL"):
        read_file(tmp_path / "a\0b")
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "nothing")
