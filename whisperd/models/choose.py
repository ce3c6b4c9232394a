"""Which model a job gets, and why.

Owns: the rule, as pure functions of settings, work and what is installed. Leaves to others: what is installed
(`locate`), free memory and devices (the caller measures them), showing the reason.
"""

from collections.abc import Collection
from typing import Final

import msgspec

from whisperd.config.settings import ModelSettings
from whisperd.errors import ModelUnableError
from whisperd.jobs.abilities import Work, by_name, objection
from whisperd.jobs.estimates import typical_real_time_factor
from whisperd.jobs.job import Kind
from whisperd.jobs.languages import AUTO, CANTONESE, names
from whisperd.models.catalog import MODELS, TEST_MODEL, Model, canonical

COST_LIMITS: Final = {
    (True, Kind.DICTATION): 1.0,
    (True, Kind.FILE): 6.0,
    (False, Kind.DICTATION): 6.0,
}
"""The largest `Model.cost` that `auto` takes, by whether it runs on a CPU and for what: `small` answers dictation on
two cores in half a second (fitted context), and turbo is the most that files on a CPU bear."""

PATIENCE: Final = 4 * 3_600.0
"""Seconds of computing that `auto` lets a single file take, by typical speeds, while a quicker model is installed."""


class Choice(msgspec.Struct, frozen=True):
    """A model's name and a clause that says why it was taken."""

    name: str
    reason: str


def choose(
    settings: ModelSettings,
    kind: Kind,
    work: Work,
    installed: Collection[str],
    *,
    requested: str | None = None,
    device: str = "cpu",
    compute_type: str = "int8",
    free_mb: int | None = None,
    seconds: float | None = None,
) -> Choice:
    """The model for a job: the one it asks for, else the one the configuration names, else the best for the work.

    Of the `installed` ones the person's own have been looked at already, and can do the work. `free_mb` is what models
    may take of the device's memory in megabytes, `seconds` the length of the audio; None when unknown. Names that were
    asked for or configured are returned as they are, installed or not, able or not. Raises ModelUnableError when no
    installed model can do the work.
    """
    named = _named(settings, kind, requested)
    if named.name != AUTO:
        return named
    able = [model for model in MODELS.values() if model.name in installed and _can(model, work)]
    if able:
        return _best(able, kind, device, compute_type, free_mb, seconds)
    return _last_resort(work, installed)


def next_smaller(name: str, work: Work, installed: Collection[str]) -> str | None:
    """The best installed model with fewer parameters that can do the same work; None when there is none.

    For a model that did not fit into memory, where the configuration allows a smaller one.
    """
    current = MODELS.get(canonical(name))
    if current is None:
        return None
    smaller = (
        model.name
        for model in MODELS.values()
        if model.name in installed and model.parameters < current.parameters and _can(model, work)
    )
    return next(smaller, None)


def _named(settings: ModelSettings, kind: Kind, requested: str | None) -> Choice:
    if requested is not None:
        return Choice(requested, "asked for")
    key = "dictation" if kind is Kind.DICTATION else "file"
    own = settings.dictation if kind is Kind.DICTATION else settings.file
    if own is not None:
        return Choice(own, f"models.{key} in the configuration")
    return Choice(settings.default, "models.default in the configuration")


def _can(model: Model, work: Work) -> bool:
    """An English-only model is taken for speech in English, not for speech in whatever it may be."""
    return objection(model.abilities, work) is None and (bool(work.languages) or not model.english_only)


def _best(
    able: list[Model], kind: Kind, device: str, compute_type: str, free_mb: int | None, seconds: float | None
) -> Choice:
    """`able` is sorted by quality and not empty."""
    work = "dictation" if kind is Kind.DICTATION else "files"
    fitting = [model for model in able if free_mb is None or model.memory_mb(compute_type) <= free_mb]
    if not fitting:
        smallest = min(able, key=lambda model: model.parameters)
        return Choice(
            smallest.name, f"the smallest one installed; none is sure to fit into {free_mb} MB of free memory"
        )
    own = Kind.DICTATION if kind is Kind.DICTATION else Kind.FILE
    limit = COST_LIMITS.get((device == "cpu", own), float("inf"))
    quick = [model for model in fitting if model.cost <= limit]
    if not quick:
        cheapest = min(fitting, key=lambda model: model.cost)
        return Choice(
            cheapest.name, f"the fastest one installed; a smaller one would suit {work} on this {device} better"
        )
    in_time = [model for model in quick if _computing(model, device, seconds) <= PATIENCE]
    if in_time[:1] != quick[:1]:
        taken = in_time[0] if in_time else min(quick, key=lambda model: model.cost)
        hours = _computing(quick[0], device, seconds) / 3_600
        return Choice(
            taken.name, f"for audio this long; {quick[0].name} would take about {hours:.0f} h on this {device}"
        )
    left_out = "" if quick[0] is able[0] else f"; {able[0].name} is too {'slow' if able[0] in fitting else 'large'}"
    return Choice(quick[0].name, f"the best one installed for {work} on this {device}{left_out}")


def _computing(model: Model, device: str, seconds: float | None) -> float:
    """Seconds that the model typically takes for the audio; 0 where its length is not known."""
    return 0.0 if seconds is None else seconds * typical_real_time_factor(model.name, device)


def _last_resort(work: Work, installed: Collection[str]) -> Choice:
    """What is left when no known model can do the work: models of the person's own, English-only ones, `test-en`."""
    own = sorted(name for name in installed if name not in MODELS and name != TEST_MODEL)
    if own:
        return Choice(own[0], "no known model for this work is installed, and this one may be able to do it")
    if objection(by_name(TEST_MODEL), work) is None:
        english = [model for model in MODELS.values() if model.name in installed]
        if english:
            return Choice(english[0].name, "only English models are installed, so the speech is taken for English")
        if TEST_MODEL in installed:
            return Choice(
                TEST_MODEL, "no other model is installed; it knows a few hundred English words, for demos only"
            )
    asked = f"{work.task} speech" + (f" in {names(work.languages)}" if work.languages else "")
    asked += ", each part in a language of its own" if work.multilingual else ""
    raise ModelUnableError(
        f"none of the installed models can {asked}: {', '.join(sorted(installed)) or 'there are none'}",
        hint=f"download one that can: `whisperctl model pull {'large-v3' if CANTONESE in work.languages else 'small'}`",
    )
