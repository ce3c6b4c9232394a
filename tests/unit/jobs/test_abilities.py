"""Which model can do which work, and what a person is told where it can't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.frames import Task
from whisperd.jobs.abilities import Abilities, Work, by_name, objection, of
from whisperd.jobs.job import Options
from whisperd.models.catalog import MODELS


def refusal(model: str, vocabulary: int | None = None, **options: object) -> str | None:
    wrong = objection(of(model, vocabulary), Work.of(Options(**options)))  # pyright: ignore[reportArgumentType] (a table)
    assert wrong is None or wrong.hint
    return wrong and wrong.message


ENGLISH = "knows English only, not German"
NO_TRANSLATION = "was not trained to translate and would write the speech as it is"


@pytest.mark.parametrize(
    ("model", "vocabulary", "options", "message"),
    [
        ("tiny.en", None, {"language": "de"}, ENGLISH),
        ("/models/mine.en/", None, {"language": "de"}, ENGLISH),
        ("Systran/faster-whisper-small.en", None, {"language": "de"}, ENGLISH),
        ("Systran/faster-distil-whisper-large-v3", None, {"language": "de"}, ENGLISH),
        ("distil-whisper/distil-large-v3.5-ct2", 51_866, {"language": "de"}, ENGLISH),
        ("test-en", None, {"language": "de"}, ENGLISH),
        ("/models/mine", 51_864, {"language": "de"}, ENGLISH),
        ("/models/mine", 51_864, {"languages": ("en", "de", "fr")}, "knows English only, not German or French"),
        ("/models/mine", 51_864, {"multilingual": True}, "knows English only, and tells no other languages apart"),
        ("/models/mine", 51_864, {"task": Task.TRANSLATE}, "knows English only, and does not translate"),
        ("/models/mine", 51_864, {"language": "en"}, None),
        ("/models/mine", 51_864, {"language": "auto"}, None),
        ("/models/mine", 51_864, {"languages": ("en",)}, None),
        ("/models/mine", 51_865, {"language": "de", "task": Task.TRANSLATE}, None),
        ("/models/mine", None, {"language": "de", "task": Task.TRANSLATE, "multilingual": True}, None),
        ("large-v3-turbo", None, {"task": Task.TRANSLATE}, NO_TRANSLATION),
        ("turbo", None, {"task": Task.TRANSLATE}, NO_TRANSLATION),
        ("deepdml/faster-whisper-large-v3-turbo-ct2", 51_866, {"task": Task.TRANSLATE}, NO_TRANSLATION),
        ("bofenghuang/whisper-large-v3-distil-fr-v0.2", 51_866, {"task": Task.TRANSLATE}, NO_TRANSLATION),
        ("bofenghuang/whisper-large-v3-distil-fr-v0.2", 51_866, {"language": "fr"}, None),
        ("large-v3-turbo", None, {"language": "de"}, None),
        ("large-v3", None, {"language": "yue", "task": Task.TRANSLATE}, None),
        ("large-v2", None, {"language": "yue"}, "does not know Cantonese"),
        ("small", None, {"languages": ("zh", "yue")}, "does not know Cantonese"),
        ("/models/mine", 51_865, {"language": "yue"}, "does not know Cantonese"),
        ("/models/mine", 51_866, {"language": "yue"}, None),
        ("small", None, {"language": "xx"}, 'knows no language "xx"'),
    ],
)
def test_a_model_that_can_t_do_the_work_is_refused_in_a_sentence(
    model: str, vocabulary: int | None, options: dict[str, object], message: str | None
) -> None:
    assert refusal(model, vocabulary, **options) == message


@pytest.mark.parametrize("name", MODELS)
def test_everything_is_known_of_what_is_published_by_name_and_repository_alike(name: str) -> None:
    known = by_name(name)
    assert None not in (known.cantonese, known.translates)
    assert known.english_only is (name.endswith(".en") or name.startswith("distil"))
    assert known.translates is (not known.english_only and "turbo" not in name)
    assert by_name(MODELS[name].repository) == known


@given(st.builds(Options, language=st.none() | st.just("en"), languages=st.sampled_from([(), ("en",)])))
def test_what_is_not_known_is_believed(options: Options) -> None:
    assert objection(Abilities(), Work.of(options)) is None
    assert objection(Abilities(english_only=True), Work.of(options)) is None
