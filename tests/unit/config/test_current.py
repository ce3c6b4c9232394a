"""The settings in force, what a flag puts over them, and what a change of each takes."""

from pathlib import Path

import msgspec
import pytest

from tests.unit.config.test_load import EVERY_SETTING
from whisperd.config.current import Current
from whisperd.config.effects import Change, Effect, diff, effect_of, every_key
from whisperd.config.flags import Flags, apply, socket_path, state_dir
from whisperd.config.load import parse
from whisperd.config.settings import ModelSettings, QueueSettings, Settings

OTHER, _ = parse(EVERY_SETTING.encode())

NOT_LIVE = {
    "socket.path": Effect.DAEMON,
    "state.dir": Effect.DAEMON,
    "workers.lanes": Effect.DAEMON,
    "workers.device": Effect.WORKER,
    "workers.backend": Effect.WORKER,
    "workers.compute_type": Effect.WORKER,
    "workers.threads": Effect.WORKER,
}


def with_other(key: str) -> Settings:
    """The defaults but for one setting."""
    section, _, name = key.partition(".")
    if not name:  # an array of tables
        return msgspec.structs.replace(Settings(), **{section: getattr(OTHER, section)})
    changed = msgspec.structs.replace(getattr(Settings(), section), **{name: getattr(getattr(OTHER, section), name)})
    return msgspec.structs.replace(Settings(), **{section: changed})


@pytest.mark.parametrize("key", every_key())
def test_a_changed_setting_is_found_with_what_it_takes(key: str) -> None:
    assert diff(Settings(), with_other(key)) == [Change(key, NOT_LIVE.get(key, Effect.LIVE))]


def test_equal_settings_have_no_difference() -> None:
    assert diff(Settings(), Settings()) == []


def test_all_changes_come_in_the_order_of_the_file() -> None:
    assert [change.key for change in diff(Settings(), OTHER)] == every_key()


def test_the_rule_names_only_settings_that_exist() -> None:
    assert {key for key in every_key() if effect_of(key) is not Effect.LIVE} == set(NOT_LIVE)


def test_who_asked_is_told_of_a_change_and_of_nothing_else() -> None:
    told: list[tuple[int, int]] = []
    current = Current(Settings(), Flags())
    shorter = Settings(queue=QueueSettings(max_length=7))
    with current.told(lambda old, new: told.append((old.queue.max_length, new.queue.max_length))):
        current.replace(Settings())
        current.replace(shorter)
    assert current.settings is shorter
    current.replace(Settings())
    assert told == [(1_000_000, 7)]


def test_a_flag_wins_over_the_file() -> None:
    file = Settings(models=ModelSettings(default="small", dictation="base", allow_smaller=True))
    flags = Flags(socket=Path("/run/w"), state_dir=Path("/s"), model="tiny", log_level="debug", log_format="json")
    settings = apply(flags, file)
    assert settings.models == ModelSettings(default="tiny", allow_smaller=True)
    assert (settings.log.level, settings.log.format) == ("debug", "json")
    assert (socket_path(settings), state_dir(settings)) == (Path("/run/w"), Path("/s"))


def test_without_flags_the_file_holds() -> None:
    assert apply(Flags(), OTHER) == OTHER


def test_without_either_the_places_are_those_of_the_xdg_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/home/ada/state")
    for name in ("XDG_RUNTIME_DIR", "WHISPERD_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    assert state_dir(Settings()) == Path("/home/ada/state/whisperd")
    assert socket_path(Settings()) == Path("/home/ada/state/whisperd/run/whisperd.sock")
