"""Which model a job gets, and the reason given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.config.settings import ModelSettings
from whisperd.errors import ModelNotFoundError, ModelUnableError
from whisperd.frames import Task
from whisperd.jobs.abilities import Work
from whisperd.jobs.job import Kind, Options
from whisperd.models.catalog import MODELS, TEST_MODEL
from whisperd.models.choose import choose, next_smaller

AUTO = ModelSettings()
EVERY = [*MODELS, TEST_MODEL]


def said(language: str | None, task: Task = Task.TRANSCRIBE) -> Work:
    return Work.of(Options(language=language, task=task))


@pytest.mark.parametrize(
    ("settings", "kind", "requested", "name"),
    [
        (ModelSettings(default="small"), Kind.FILE, None, "small"),
        (ModelSettings(default="small", file="medium"), Kind.FILE, None, "medium"),
        (ModelSettings(default="small", file="medium"), Kind.BATCH, None, "medium"),
        (ModelSettings(default="small", file="medium"), Kind.WATCH, None, "medium"),
        (ModelSettings(default="small", file="medium"), Kind.DICTATION, None, "small"),
        (ModelSettings(default="small", dictation="base"), Kind.DICTATION, None, "base"),
        (ModelSettings(default="small", dictation="base"), Kind.DICTATION, "/my/model", "/my/model"),
        (ModelSettings(default="small"), Kind.FILE, "auto", "tiny"),
        (ModelSettings(default="small", file="auto"), Kind.FILE, None, "tiny"),
    ],
)
def test_what_is_asked_for_wins_over_the_configuration(
    settings: ModelSettings, kind: Kind, requested: str | None, name: str
) -> None:
    assert choose(settings, kind, said("auto"), ["tiny", TEST_MODEL], requested=requested).name == name


@pytest.mark.parametrize(
    ("kind", "language", "device", "name"),
    [
        (Kind.DICTATION, "en", "cpu", "small.en"),
        (Kind.DICTATION, "de", "cpu", "small"),
        (Kind.DICTATION, "auto", "cpu", "small"),
        (Kind.DICTATION, None, "cpu", "small"),
        (Kind.FILE, "de", "cpu", "large-v3-turbo"),
        (Kind.FILE, "de", "cuda", "large-v3"),
        (Kind.DICTATION, "de", "cuda", "large-v3-turbo"),
        (Kind.BATCH, "en", "cuda", "large-v3"),
    ],
)
def test_the_best_model_for_the_work_is_taken_when_all_are_installed(
    kind: Kind, language: str | None, device: str, name: str
) -> None:
    assert choose(AUTO, kind, said(language), EVERY, device=device).name == name


def test_the_reason_names_the_work_and_what_was_passed_over() -> None:
    assert choose(AUTO, Kind.DICTATION, said("de"), ["large-v3", "base"]).reason == (
        "the best one installed for dictation on this cpu; large-v3 is too slow"
    )
    assert choose(AUTO, Kind.FILE, said("de"), ["large-v3", "base"], free_mb=2000, device="cuda").reason == (
        "the best one installed for files on this cuda; large-v3 is too large"
    )


def test_a_model_that_does_not_fit_into_memory_is_passed_over() -> None:
    large, medium = (MODELS[name].memory_mb("float16") for name in ("large-v3-turbo", "medium"))
    assert medium < large
    for free_mb, name in [(large, "large-v3-turbo"), (large - 1, "medium"), (medium - 1, "small")]:
        choice = choose(AUTO, Kind.FILE, said("de"), EVERY, device="cuda", compute_type="float16", free_mb=free_mb)
        assert choice.name == name


def test_where_nothing_surely_fits_the_smallest_is_tried() -> None:
    choice = choose(AUTO, Kind.FILE, said("de"), ["medium", "small"], free_mb=100)
    assert choice.name == "small"
    assert "100 MB" in choice.reason


def test_where_all_are_slow_the_fastest_is_taken_and_the_reason_says_so() -> None:
    choice = choose(AUTO, Kind.DICTATION, said("de"), ["large-v3", "medium"])
    assert choice.name == "medium"
    assert "fastest" in choice.reason


def test_the_test_model_is_taken_only_when_nothing_else_is_there_and_says_what_it_is() -> None:
    choice = choose(AUTO, Kind.FILE, said("auto"), [TEST_MODEL])
    assert choice.name == TEST_MODEL
    assert "demos only" in choice.reason
    assert choose(AUTO, Kind.FILE, said("en"), [TEST_MODEL, "tiny.en"]).name == "tiny.en"
    assert choose(AUTO, Kind.FILE, said("auto"), [TEST_MODEL, "tiny.en"]).name == "tiny.en"
    assert choose(AUTO, Kind.FILE, said("auto"), [TEST_MODEL, "my-own"]).name == "my-own"


@pytest.mark.parametrize(
    ("language", "task", "models"),
    [
        ("de", Task.TRANSCRIBE, [TEST_MODEL, "base.en", "distil-large-v3"]),
        ("en", Task.TRANSLATE, ["base.en", TEST_MODEL]),
        ("de", Task.TRANSLATE, ["large-v3-turbo", "distil-large-v3"]),
        ("en", Task.TRANSCRIBE, []),
    ],
)
def test_work_that_no_installed_model_can_do_is_refused_with_a_hint(
    language: str, task: Task, models: list[str]
) -> None:
    with pytest.raises(ModelNotFoundError, match="none of the installed models") as caught:
        choose(AUTO, Kind.FILE, said(language, task), models)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "language", "task", "smaller"),
    [
        ("large-v3", "de", Task.TRANSCRIBE, "large-v3-turbo"),
        ("large-v3", "de", Task.TRANSLATE, "medium"),
        ("large", "en", Task.TRANSCRIBE, "large-v3-turbo"),
        ("medium", None, Task.TRANSCRIBE, "small"),
        ("tiny", "en", Task.TRANSCRIBE, None),
        ("/my/model", "en", Task.TRANSCRIBE, None),
    ],
)
def test_the_next_smaller_model_can_do_the_same_work(
    name: str, language: str | None, task: Task, smaller: str | None
) -> None:
    assert next_smaller(name, said(language, task), EVERY) == smaller


@given(
    st.sets(st.sampled_from(EVERY)),
    st.sampled_from(Kind),
    st.sampled_from(["en", "de", "auto", None]),
    st.sampled_from(Task),
    st.sampled_from(["cpu", "cuda"]),
    st.none() | st.integers(0, 10_000),
)
def test_the_choice_is_installed_and_can_do_the_work(
    models: set[str], kind: Kind, language: str | None, task: Task, device: str, free_mb: int | None
) -> None:
    try:
        choice = choose(AUTO, kind, said(language, task), models, device=device, free_mb=free_mb)
    except ModelNotFoundError:
        capable = [m for m in models - {TEST_MODEL} if not MODELS[m].english_only and MODELS[m].translates]
        assert not capable
        return
    assert choice.name in models
    assert choice.reason
    if language == "de" or task is Task.TRANSLATE:
        assert not MODELS[choice.name].english_only
    if choice.name == TEST_MODEL:
        assert models == {TEST_MODEL}
    degraded, steps = choice.name, 0
    while (smaller := next_smaller(degraded, said(language, task), models)) is not None:
        assert MODELS[smaller].parameters < MODELS[degraded].parameters
        degraded, steps = smaller, steps + 1
    assert steps <= len(MODELS)


@pytest.mark.parametrize(
    ("seconds", "name"),
    [(None, "large-v3-turbo"), (3_600, "large-v3-turbo"), (12 * 3_600, "small"), (1_000 * 3_600, "tiny")],
)
def test_audio_that_would_take_for_ever_gets_a_quicker_model(seconds: float | None, name: str) -> None:
    assert choose(AUTO, Kind.FILE, said("de"), EVERY, seconds=seconds).name == name


def test_the_reason_for_a_quicker_model_is_the_length() -> None:
    choice = choose(AUTO, Kind.FILE, said("de"), ["large-v3-turbo", "small"], seconds=12 * 3_600)
    assert choice.reason == "for audio this long; large-v3-turbo would take about 8 h on this cpu"


@pytest.mark.parametrize(
    ("work", "models", "name"),
    [
        (Work(("en", "de")), ["small.en", "small"], "small"),
        (Work(("yue",)), ["large-v2", "small", "large-v3-turbo"], "large-v3-turbo"),
        (Work(multilingual=True), ["small.en", "tiny"], "tiny"),
        (Work(task=Task.TRANSLATE), ["large-v3-turbo", "tiny"], "tiny"),
    ],
)
def test_where_the_model_is_open_one_that_can_do_the_work_is_taken(work: Work, models: list[str], name: str) -> None:
    assert choose(AUTO, Kind.FILE, work, models).name == name


@pytest.mark.parametrize(
    ("work", "told", "hint"),
    [
        (Work(("fr",)), "can transcribe speech in French: tiny.en", "pull small"),
        (Work(("en", "de")), "can transcribe speech in English or German: tiny.en", "pull small"),
        (Work(("yue",)), "can transcribe speech in Cantonese: tiny.en", "pull large-v3"),
        (Work(multilingual=True), "can transcribe speech, each part in a language of its own: tiny.en", "pull small"),
        (Work(task=Task.TRANSLATE), "can translate speech: tiny.en", "pull small"),
    ],
)
def test_where_none_can_the_work_is_named_and_what_to_download(work: Work, told: str, hint: str) -> None:
    with pytest.raises(ModelUnableError, match=f"none of the installed models {told}") as caught:
        choose(AUTO, Kind.FILE, work, ["tiny.en"])
    assert hint in (caught.value.hint or "")
