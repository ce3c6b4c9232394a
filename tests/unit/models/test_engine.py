"""What a job's options are once the configuration has filled in what they leave open, and the model they lead to."""

import json
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.config.dictation import DictationSettings
from whisperd.config.load import parse
from whisperd.config.settings import ModelSettings, Settings, TranscriptionSettings, WorkerSettings
from whisperd.errors import ModelUnableError, RefusedError
from whisperd.frames import AudioContext, Chinese, Task
from whisperd.jobs.job import Format, Kind, Options
from whisperd.jobs.languages import CODES
from whisperd.models.engine import Engine, require_model, resolve_engine, resolve_options
from whisperd.models.locate import vocabulary_of
from whisperd.transcripts import chinese

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
    left_open = {name for name in Options.__struct_fields__ if getattr(resolved, name) is None}
    assert left_open == {"model", "multilingual", "chinese"} - (asked & {"model"})
    assert resolve_options(kind, resolved, Settings()) == resolved


# -- what a model can be asked for ------------------------------------------------------------------------------------


NOTHING_SET = Settings()


def a_model(folder: Path, *, tokens: int = 0, text: bool = False, vocab_size: int | None = None) -> Path:
    """A folder that looks like a model with so many tokens, in either of CTranslate2's forms or transformers'."""
    folder.mkdir(parents=True)
    folder.joinpath("tokenizer.json").write_text("{}")
    folder.joinpath("config.json").write_text(json.dumps({"vocab_size": vocab_size} if vocab_size else {}))
    folder.joinpath("model.safetensors" if vocab_size else "model.bin").write_text("weights")
    vocabulary = [f"t{number}" for number in range(tokens)]
    if text:
        folder.joinpath("vocabulary.txt").write_text("\n".join(vocabulary))
    elif tokens:
        folder.joinpath("vocabulary.json").write_text(json.dumps(vocabulary))
    return folder


def engine_for(state_dir: Path, settings: Settings = NOTHING_SET, **options: Any) -> Engine:
    resolved = resolve_options(Kind.FILE, Options(**options), settings)
    return anyio.run(resolve_engine, Kind.FILE, resolved, settings, state_dir)


@pytest.mark.parametrize(
    "shape", [{"tokens": 51_864}, {"tokens": 51_864, "text": True}, {"vocab_size": 51_864}], ids=str
)
def test_a_model_of_ones_own_is_known_by_its_vocabulary(tmp_path: Path, shape: dict[str, Any]) -> None:
    mine = a_model(tmp_path / "mine", **shape)
    assert vocabulary_of(mine) == 51_864
    with pytest.raises(ModelUnableError, match='mine" knows English only, not French') as caught:
        engine_for(tmp_path, model=str(mine), language="fr")
    assert caught.value.hint
    assert engine_for(tmp_path, model=str(mine), language="en").language == "en"


def test_a_vocabulary_that_changes_is_read_anew(tmp_path: Path) -> None:
    mine = a_model(tmp_path / "mine", tokens=51_864)
    assert vocabulary_of(mine) == 51_864
    mine.joinpath("vocabulary.json").write_text(json.dumps(["t"] * 51_865))
    assert vocabulary_of(mine) == 51_865
    mine.joinpath("vocabulary.json").write_text("damaged")
    assert vocabulary_of(mine) is None


def test_the_configuration_s_model_is_named_as_such(tmp_path: Path) -> None:
    settings = Settings(models=ModelSettings(file="test-en"))
    with pytest.raises(ModelUnableError, match=r'"test-en" \(models.file in the configuration\) knows English only'):
        engine_for(tmp_path, settings, language="fr")


def test_a_model_that_can_t_is_refused_before_it_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(ModelUnableError, match=r"tiny\.en"):
        engine_for(tmp_path, model="tiny.en", language="fr")


def test_of_ones_own_models_one_that_can_is_taken_where_the_model_is_open(tmp_path: Path) -> None:
    a_model(tmp_path / "models" / "a-english", tokens=51_864)
    a_model(tmp_path / "models" / "b-multilingual", tokens=51_865)
    assert engine_for(tmp_path, language="fr").model == "b-multilingual"
    with pytest.raises(ModelUnableError, match="none of the installed models can transcribe speech in Cantonese"):
        engine_for(tmp_path, language="yue")


def test_decoding_is_told_of_languages_only_where_each_chunk_has_its_own(tmp_path: Path) -> None:
    a_model(tmp_path / "models" / "mine", tokens=51_866)
    one = engine_for(tmp_path, languages=("en", "de"))
    assert (one.language, one.languages, one.decode_options("de").languages) == (None, ("en", "de"), ())
    several = engine_for(tmp_path, languages=("en", "de"), multilingual=True)
    assert several.decode_options("de").languages == ("en", "de")
    assert engine_for(tmp_path, multilingual=True).decode_options("en").languages == CODES
    assert engine_for(tmp_path, languages=("de",), multilingual=True).decode_options("de").languages == ()


@pytest.mark.parametrize(
    ("options", "characters"),
    [
        ({}, Chinese.SIMPLIFIED),
        ({"chinese": Chinese.TRADITIONAL}, Chinese.TRADITIONAL),
        ({"language": "zh"}, Chinese.SIMPLIFIED),
        ({"languages": ("en", "yue")}, Chinese.SIMPLIFIED),
        ({"language": "de"}, None),
        ({"languages": ("en", "ja")}, None),
        ({"task": Task.TRANSLATE}, None),
    ],
)
def test_the_characters_of_chinese_matter_where_there_may_be_some(
    options: dict[str, Any], characters: Chinese | None
) -> None:
    settings = Settings(transcription=TranscriptionSettings(chinese=Chinese.SIMPLIFIED))
    assert resolve_options(Kind.FILE, Options(**options), settings).chinese is characters


def test_without_the_library_chinese_characters_are_refused_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chinese, "find_spec", lambda name: None)
    options = Options(model="test-en", chinese=Chinese.SIMPLIFIED)
    with pytest.raises(RefusedError, match=r"OpenCC, which writes Chinese in .* is not installed") as caught:
        anyio.run(require_model, Kind.FILE, options, Settings(), tmp_path)
    assert "pipx inject whisperd OpenCC" in (caught.value.hint or "")
    [problem] = parse(b'[transcription]\nchinese = "simplified"')[1]
    assert (problem.line, problem.key) == (2, "transcription.chinese")
    assert "pipx inject whisperd OpenCC" in problem.message
