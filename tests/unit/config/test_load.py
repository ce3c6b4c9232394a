"""From the configuration file to settings, or to messages that a person can act on."""

import datetime
import io
import os
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.config import words
from whisperd.config.desktop import BindingSettings
from whisperd.config.lines import key_lines, line_of
from whisperd.config.load import check_config, load, parse
from whisperd.config.paths import config_file
from whisperd.config.settings import Settings
from whisperd.config.watch import WatchSettings
from whisperd.errors import ConfigError
from whisperd.frames import AudioContext, FailureKind, Task
from whisperd.jobs.job import Format


def problems(text: str) -> list[str]:
    return [f"{problem.line}: {problem}" for problem in parse(text.encode())[1]]


@pytest.fixture
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "whisperd").mkdir()
    return tmp_path


# -- places -----------------------------------------------------------------------------------------------------------


def test_config_file_is_in_the_xdg_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    for base, expected in [
        ("/cfg", "/cfg/whisperd/config.toml"),
        ("", "/home/ada/.config/whisperd/config.toml"),
        ("relative", "/home/ada/.config/whisperd/config.toml"),
    ]:
        monkeypatch.setenv("XDG_CONFIG_HOME", base)
        assert config_file() == Path(expected)


def test_no_file_at_the_default_place_means_the_defaults(config_home: Path) -> None:
    assert load() == Settings()


def test_file_at_the_default_place_is_read(config_home: Path) -> None:
    config_file().write_text("[workers]\nlanes = 1\n")
    assert load().workers.lanes == 1


def test_a_named_file_that_is_missing_is_an_error(config_home: Path) -> None:
    with pytest.raises(ConfigError, match="there is no configuration file") as caught:
        load(config_home / "other.toml")
    assert "other.toml" in caught.value.message
    assert caught.value.hint


def test_a_folder_is_not_a_configuration_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't read .*: Is a directory"):
        load(tmp_path)


# -- values -----------------------------------------------------------------------------------------------------------

EVERY_SETTING = """
[socket]
path = "/run/w.sock"
[state]
dir = "~/state"
backups = 5
[models]
default = "small"
dictation = "base"
file = "/models/mine"
allow_smaller = true
download = true
offline = true
[workers]
lanes = 2
device = "cuda"
backend = "torch"
cpu_fallback = true
device_memory_mb = 4096
compute_type = "float16"
threads = 4
keep_alive = 90
recycle_after_jobs = 0
recycle_growth_mb = 512
max_job_seconds = 7200
batch_deadline = 90
[transcription]
language = "de"
languages = ["en-GB", "German"]
multilingual = true
chinese = "traditional"
task = "translate"
beam_size = 1
audio_context = "fit"
prompt = "Grüße"
hotwords = "whisperd"
words = true
formats = ["srt", "json"]
output_dir = "/out"
[dictation]
max_length = 120
audio_context = "full"
device = "USB"
keep_recordings = 3600
languages = ["de"]
vocabulary = ["Kubernetes", "whisperd"]
partial_text = true

[rules]
spoken_punctuation = true
capitals = false
hallucinations = ["thanks for nothing"]
filter = ["sed", "s/a/b/"]
filter_timeout = 1.5
trailing_space = false
continue_within = 30.0

[[rules.replacements]]
find = "w d"
put = "whisperd"

[queue]
max_length = 10
disk_floor = 0
[batches]
concurrency = 5

[retry]
base_delay = 0.5
max_delay = 200
attempts = { io = 5, worker_died = 0 }
[schedule]
low = "22:00-07:00"
[[watch]]
path = "~/drop"
enabled = false
recursive = false
patterns = ["*.wav"]
ignore = ["raw/*"]
language = "de"
languages = ["de", "fr"]
multilingual = true
chinese = "simplified"
model = "small"
task = "translate"
prompt = "Grüße"
hotwords = "whisperd"
words = true
formats = ["srt"]
output_dir = "/out"
recordings = "own"
settle = 5
min_duration = 1
max_duration = 7200
afterwards = "move"
move_to = "/archive"
delete_after = 7
notice = "polling"
[retention]
transcript_days = 365
transcript_mb = 2000
job_days = 7
checkpoint_days = 1
event_days = 14.5
max_events = 5000
[hooks]
on_completed = ["notify-send", "{transcript}"]
timeout = 5
[health]
queued = 10
wait = 60
success_rate = 0.5
least_jobs = 10
real_time_factor = 2.5
window = 3600
worker_gone = 5
disk = 0
[log]
level = "debug"
format = "json"
[insert]
backends = ["clipboard", "xdotool"]
newlines = "shift+enter"
paste = "ctrl+shift+v"
[hotkey]
backend = "evdev"
sounds = false
notifications = "all"
[[binding]]
keys = "ctrl+space"
mode = "toggle"
output = "clipboard"
language = "de"
languages = ["de", "fr"]
model = "small"
prompt = "Grüße"
hotwords = "whisperd"
device = "USB"
private = true
"""


OF_AN_ARRAY = {"watch": WatchSettings(Path("/elsewhere")), "binding": BindingSettings("f1")}
"""A table of each array, with what it can't do without."""
NEEDED = {"watch": ("path", "/a"), "binding": ("keys", "f1")}


def test_every_setting_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    settings, mistakes = parse(EVERY_SETTING.encode())
    assert mistakes == []
    document = tomllib.loads(EVERY_SETTING)
    for section in msgspec.structs.fields(Settings):
        told, value, default = document[section.name], getattr(settings, section.name), section.default
        if section.default is msgspec.NODEFAULT:
            default = section.default_factory()  # pyright: ignore[reportCallIssue]
        if isinstance(value, tuple):
            [told], [value], default = told, value, OF_AN_ARRAY[section.name]
        assert set(told) == set(value.__struct_fields__)
        for name in value.__struct_fields__:
            assert getattr(value, name) != getattr(default, name), f"{section.name}.{name} is at its default"
    assert settings.state.dir == Path("/home/ada/state")
    assert settings.workers.keep_alive == 90.0
    assert settings.transcription.task is Task.TRANSLATE
    assert settings.transcription.audio_context is AudioContext.FIT
    assert settings.transcription.formats == (Format.SRT, Format.JSON)
    assert settings.retry.attempts == {FailureKind.IO: 5, FailureKind.WORKER_DIED: 0}
    assert settings.schedule.low_hours() == (datetime.time(22), datetime.time(7))


def test_defaults_are_the_documented_ones() -> None:
    settings = Settings()
    assert settings.workers.lanes == "auto"
    assert settings.transcription.beam_size == 5
    assert settings.transcription.audio_context is AudioContext.FULL
    assert settings.transcription.formats == ()
    assert settings.dictation.max_length == 600
    assert settings.queue.max_length == 1_000_000
    assert (settings.retry.base_delay, settings.retry.max_delay) == (30, 300)
    assert settings.workers.max_job_seconds is None
    assert settings.schedule.low_hours() is None


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wokers = 3", "1: wokers: there is no such section; did you mean workers?"),
        ("beam_size = 3", "1: beam_size: there is no such section here; it belongs in [transcription]"),
        ("workers = 3", "1: workers: found 3; must be a table, written [workers]"),
        ("[[workers]]\nlanes = 1", "1: workers: found a list; must be a table, written [workers]"),
        ("\n[workers]\nlane = 2", "3: workers.lane: there is no such setting; did you mean lanes?"),
        (
            "[workers]\nbeam_size = 3",
            "2: workers.beam_size: there is no such setting here; it belongs in [transcription]",
        ),
        ("[schedule]\nxyz = 3", "2: schedule.xyz: there is no such setting; there are: low"),
        ("[workers]\nlanes = 3", '2: workers.lanes: found 3; must be 1, 2 or "auto"'),
        ("[workers]\nlanes = true", '2: workers.lanes: found true; must be 1, 2 or "auto"'),
        ("workers.threads = -1", "1: workers.threads: found -1; must be a whole number from 0 to 1024"),
        ("workers = { threads = 1.5 }", "1: workers.threads: found 1.5; must be a whole number from 0 to 1024"),
        ("[hooks]\ntimeout = 0", "2: hooks.timeout: found 0; must be a number above 0, at most 86400"),
        (
            "[workers]\nkeep_alive = inf",
            '2: workers.keep_alive: found inf; must be "auto" or "forever" or a number from 0 to 31536000',
        ),
        ("[queue]\ndisk_floor = -1", "2: queue.disk_floor: found -1; must be a whole number, at least 0"),
        (
            "[models]\ndefault = ''",
            '2: models.default: found ""; must be text in quotes, not empty, at most 4096 characters',
        ),
        ("[log]\nlevel = { a = 1 }", '2: log.level: found a table; must be "debug", "error", "info" or "warning"'),
        ("[log]\nlevel = []", '2: log.level: found a list; must be "debug", "error", "info" or "warning"'),
        ("[models]\nallow_smaller = 1", "2: models.allow_smaller: found 1; must be true or false"),
        (
            '[transcription]\nformats = [\n  "txt",\n  "mp3",\n]',
            '2: transcription.formats[1]: found "mp3"; must be "txt", "srt", "vtt", "json" or "tsv"',
        ),
        (
            '[transcription]\nformats = "txt"',
            '2: transcription.formats: found "txt"; must be a list, each item "txt", "srt", "vtt", "json" or "tsv"',
        ),
        (
            '[transcription]\noutput_dir = "out"',
            '2: transcription.output_dir: found "out"; must be a path that begins with "/" or "~/"',
        ),
        ("[retry]\nattempts.netwrok = 1", "2: retry.attempts.netwrok: there is no such name; did you mean network?"),
        ("[retry.attempts]\nio = -1", "2: retry.attempts.io: found -1; must be a whole number from 0 to 100"),
        (
            "[retry]\nattempts = 3",
            "2: retry.attempts: found 3; must be a table, each value a whole number from 0 to 100",
        ),
        ("[retry]\nbase_delay = 400", "1: retry: max_delay (300) is below base_delay (400)"),
        ('[schedule]\nlow = "9-17"', '2: schedule.low: found "9-17"; must be hours such as "22:00-07:00"'),
        (
            '[schedule]\nlow = "24:00-07:00"',
            '2: schedule.low: found "24:00-07:00"; must be hours such as "22:00-07:00"',
        ),
        (
            '[schedule]\nlow = "07:00-07:00"',
            '1: schedule: low = "07:00-07:00" begins when it ends; leave it out for all day',
        ),
        ("watch = 3", "1: watch: found 3; must be tables, each written [[watch]]"),
        ("[watch]\npath = '/a'", "1: watch: found a table; must be tables, each written [[watch]]"),
        ("[[watch]]\nsettle = 3", "1: watch[0]: lacks `path`"),
        (
            "[[watch]]\npath = '/a'\n[[watch]]\npath = '/b'\nsettle = -1",
            "5: watch[1].settle: found -1; must be a number from 0 to 31536000",
        ),
        (
            "[[watch]]\npath = '/a'\n[[watch]]\npath = 'b'",
            '4: watch[1].path: found "b"; must be a path that begins with "/" or "~/"',
        ),
        ("[[watch]]\npath = '/a'\nsetle = 3", "3: watch[0].setle: there is no such setting; did you mean settle?"),
        (
            "[[watch]]\npath = '/a'\nafterwards = 'move'",
            "1: watch[0]: `afterwards` is `move`, and `move_to` does not say where to",
        ),
        ("[[watch]]\npath = '/a'\n[[watch]]\npath = '/a'", "1: watch: /a is there twice"),
        ("[log]\nlevel = 1979-05-27", '2: log.level: found 1979-05-27; must be "debug", "error", "info" or "warning"'),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(text: str, message: str) -> None:
    assert problems(text) == [message]


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"[workers]\nlanes = \n", 2, "not TOML: Invalid value at column 9"),
        (b"[workers\n", 1, "not TOML: Expected ']' at the end of a table declaration at column 9"),
        (b"[log]\nlevel = 'x'\nlevel = 'y'", 3, "not TOML: Cannot overwrite a value"),
        (b"x = " + b"[" * 100_000, None, "not TOML: "),
        (b"x = " + b"9" * 5_000, None, "not TOML: Exceeds the limit"),
        (b"[models]\ndefault = '\xff'", 2, "not UTF-8, as TOML must be"),
    ],
)
def test_what_is_not_toml_is_said_with_its_line(data: bytes, line: int | None, message: str) -> None:
    settings, (problem,) = parse(data)
    assert settings == Settings()
    assert problem.line == line
    assert problem.message.startswith(message)


def test_all_mistakes_are_reported_at_once_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[workers]\nlane = 2\n\n[log]\nlevel = 3\n[queue]\nmax_length = 0\n")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert [line.split(": ")[:2] for line in caught.value.message.splitlines()] == [
        [f"{file}:2", "workers.lane"],
        [f"{file}:5", "log.level"],
        [f"{file}:7", "queue.max_length"],
    ]


def test_a_long_value_is_shortened_in_the_message() -> None:
    (message,) = problems(f'[log]\nlevel = "{"x" * 5000}"')
    assert len(message) < 200


def test_file_with_a_strange_name_is_reported_on_one_line(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"\xff\n.toml")
    file.write_text("x = 1")
    with pytest.raises(ConfigError) as caught:
        load(file)
    caught.value.message.encode()
    assert len(caught.value.message.splitlines()) == 1


# -- check-config -----------------------------------------------------------------------------------------------------


def checked(path: Path | None = None) -> tuple[int, str]:
    out = io.StringIO()
    return check_config(path, out), out.getvalue()


def test_check_config_of_a_good_file_says_ok(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(EVERY_SETTING)
    assert checked(file) == (0, f"{file}: ok\n")


def test_check_config_without_any_file_says_that_defaults_apply(config_home: Path) -> None:
    assert checked() == (0, f"{config_file()}: not there; the defaults apply\n")


def test_check_config_of_a_bad_file_prints_the_mistakes_and_fails(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[workers]\nlane = 2\n")
    assert checked(file) == (1, f"{file}:2: workers.lane: there is no such setting; did you mean lanes?\n")
    assert checked(tmp_path / "none.toml")[0] == 1


# -- lines and words --------------------------------------------------------------------------------------------------


def test_lines_of_keys_are_found_in_every_way_to_write_them() -> None:
    text = (
        "# comment = 1\n"  # 1
        "a.b = 1\n"  # 2
        "[ t ]\n"  # 3
        "x = '''\n"  # 4
        "y = 1\n"  # 5, inside the text
        "'''\n"  # 6
        '"q" = 1\n'  # 7
        "z = [\n"  # 8
        "  1,\n"  # 9
        "]\n"  # 10
        "[t.'u']\n"  # 11
        "v = { w = 1 }\n"  # 12
    )
    tomllib.loads(text)
    lines = key_lines(text)
    expected = {("a", "b"): 2, ("t",): 3, ("t", "x"): 4, ("t", "q"): 7, ("t", "z"): 8, ("t", "u", "v"): 12}
    assert {path: lines.get(path) for path in expected} == expected
    assert ("t", "y") not in lines
    assert line_of(("t", "u", "v", "w"), lines) == 12
    assert line_of(("nowhere",), lines) is None


KEYS = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, st.integers() | st.booleans(), max_size=5), max_size=5))
def test_every_written_key_has_its_own_line(document: dict[str, dict[str, Any]]) -> None:
    written: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    for table, pairs in document.items():
        written.append(f"[{table}]")
        expected[(table,)] = len(written)
        for key, value in pairs.items():
            written.append(f"{key} = {words.found(value)}")
            expected[(table, key)] = len(written)
    assert tomllib.loads("\n".join(written)) == document
    assert key_lines("\n".join(written)) == expected


@given(st.binary(max_size=200) | st.text(alphabet="[]=\"'\n.abc#1{},", max_size=60).map(str.encode))
def test_no_file_content_escapes_as_anything_but_problems(data: bytes) -> None:
    settings, mistakes = parse(data)
    assert isinstance(settings, Settings)
    assert all(isinstance(str(problem), str) for problem in mistakes)


SECTION_NAMES = st.sampled_from(Settings.__struct_fields__)
VALUES = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=5) | st.floats(), lambda inner: st.lists(inner, max_size=3)
)


@given(SECTION_NAMES, st.data())
def test_a_value_of_any_type_is_taken_or_explained(section: str, data: st.DataObject) -> None:
    array = section in OF_AN_ARRAY
    kind = type(OF_AN_ARRAY[section] if array else getattr(Settings(), section))
    name = data.draw(st.sampled_from(kind.__struct_fields__))
    value = data.draw(VALUES)
    text = f"[{section}]\n{name} = {toml(value)}"
    if array:
        needed, given = NEEDED[section]
        text = f"[{text.replace(']', ']]', 1)}" + (f"\n{needed} = '{given}'" if name != needed else "")
    settings, mistakes = parse(text.encode())
    if mistakes:
        assert all(problem.line in (1, 2) and problem.key.startswith(section) for problem in mistakes)
    else:
        read = getattr(settings, section)
        assert getattr(read[0] if array else read, name) is not None


def toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(c):08x}" for c in value) + '"'
    return str(value).lower()
