"""The table of known models, against faster-whisper's own and against published sizes."""

import pytest
from faster_whisper.utils import _MODELS as FASTER_WHISPERS

from whisperd.models.catalog import ALIASES, MODELS, canonical, similar


def test_names_and_repositories_are_faster_whispers() -> None:
    ours = {name: MODELS[canonical(name)].repository for name in [*MODELS, *ALIASES]}
    assert ours == FASTER_WHISPERS


def test_only_the_distilled_models_and_those_named_en_are_english_only() -> None:
    assert {name for name, model in MODELS.items() if model.english_only} == {
        name for name in MODELS if name.endswith(".en") or name.startswith("distil-")
    }


@pytest.mark.parametrize(
    ("name", "millions"),  # as published with the models
    [
        ("tiny", 39),
        ("base", 74),
        ("small", 244),
        ("medium", 769),
        ("large-v3", 1550),
        ("large-v3-turbo", 809),
        ("distil-large-v3", 756),
        ("distil-medium.en", 394),
        ("distil-small.en", 166),
    ],
)
def test_shapes_give_the_published_number_of_parameters(name: str, millions: int) -> None:
    assert MODELS[name].parameters / 1e6 == pytest.approx(millions, rel=0.1)


@pytest.mark.parametrize(
    ("name", "compute_type", "measured_mb"),
    [("small", "int8", 1477), ("small", "float32", 2257), ("large-v2", "int8", 2926), ("large-v2", "float16", 4525)],
)
def test_memory_estimates_are_near_published_measurements(name: str, compute_type: str, measured_mb: int) -> None:
    assert MODELS[name].memory_mb(compute_type) == pytest.approx(measured_mb, rel=0.15)


def test_cost_is_relative_to_small_and_grows_with_the_model() -> None:
    assert MODELS["small"].cost == 1
    costs = [MODELS[name].cost for name in ("tiny", "base", "small", "medium", "large-v3-turbo", "large-v3")]
    assert costs == sorted(costs)


@pytest.mark.parametrize(
    ("misspelt", "meant"), [("smal.en", "small.en"), ("Large-V3", "large-v3"), ("turob", "turbo"), ("xyzzy", None)]
)
def test_misspelt_names_are_recognised(misspelt: str, meant: str | None) -> None:
    assert similar(misspelt) == meant
