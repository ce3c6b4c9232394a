"""What a job's options are once the configuration has filled in what they leave open."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.config.dictation import DictationSettings
from whisperd.config.settings import Settings, TranscriptionSettings, WorkerSettings
from whisperd.frames import AudioContext, Task
from whisperd.jobs.job import Format, Kind, Options
from whisperd.models.engine import resolve_options

CONFIGURED = Settings(
    transcription=TranscriptionSettings(
        language="de",
        task=Task.TRANSLATE,
        beam_size=2,
        audio_context=AudioContext.FIT,
        prompt="Sehr geehrte",
        hotwords="Wanne-Eickel",
        words=True,
        formats=(Format.SRT,),
        output_dir=Path("/out"),
    ),
    workers=WorkerSettings(compute_type="int8"),
)
FILLED = Options(
    language="de",
    task=Task.TRANSLATE,
    beam_size=2,
    audio_context=AudioContext.FIT,
    prompt="Sehr geehrte",
    hotwords="Wanne-Eickel",
    words=True,
    compute_type="int8",
    formats=(Format.SRT,),
    output_dir="/out",
)
ASKED = Options(
    model="tiny",
    language="en",
    task=Task.TRANSCRIBE,
    beam_size=5,
    audio_context=AudioContext.FULL,
    prompt="",
    hotwords="",
    words=False,
    compute_type="float32",
    formats=(Format.TXT,),
    output_dir="/mine",
)


def test_what_the_options_leave_open_comes_from_the_configuration() -> None:
    assert resolve_options(Kind.FILE, Options(), CONFIGURED) == FILLED


def test_what_was_asked_for_stays_also_where_it_is_empty_or_no() -> None:
    assert resolve_options(Kind.FILE, ASKED, CONFIGURED) == ASKED


def test_a_model_to_be_chosen_stays_open() -> None:
    assert resolve_options(Kind.FILE, Options(model="auto"), CONFIGURED).model is None


@pytest.mark.parametrize(
    ("device", "dictation", "context"),
    [
        ("auto", "auto", AudioContext.FIT),
        ("cpu", "auto", AudioContext.FIT),
        ("cuda", "auto", AudioContext.FULL),
        ("cuda", "fit", AudioContext.FIT),
        ("cpu", "full", AudioContext.FULL),
    ],
)
def test_a_dictation_fits_its_context_on_a_cpu_where_nobody_says_otherwise(
    device: str, dictation: str, context: AudioContext
) -> None:
    workers = msgspec.convert({"device": device}, WorkerSettings)
    settings = Settings(workers=workers, dictation=msgspec.convert({"audio_context": dictation}, DictationSettings))
    assert resolve_options(Kind.DICTATION, Options(), settings).audio_context is context
    assert resolve_options(Kind.FILE, Options(), settings).audio_context is AudioContext.FULL


@given(st.sampled_from(Kind), st.sets(st.sampled_from(Options.__struct_fields__)))
def test_resolving_leaves_nothing_but_the_model_open_and_happens_once(kind: Kind, asked: set[str]) -> None:
    options = Options(**{name: getattr(ASKED, name) for name in asked})
    resolved = resolve_options(kind, options, CONFIGURED)
    assert all(getattr(resolved, name) is not None for name in Options.__struct_fields__ if name != "model")
    assert resolve_options(kind, resolved, Settings()) == resolved
