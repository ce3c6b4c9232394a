"""What the configuration asks for and can't have: of models, as far as their names tell, and of libraries.

Owns: finding that, and where in the file each stands. Leaves to others: what models can do (`whisperd.jobs.abilities`),
models whose names tell nothing, whose folders are looked at when there is work (`whisperd.models.engine`).
"""

from collections.abc import Iterator

from whisperd.config.lines import KeyPath, item_part
from whisperd.config.settings import Settings
from whisperd.config.spoken import spoken
from whisperd.frames import Task
from whisperd.jobs.abilities import Work, by_name, objection
from whisperd.jobs.job import Kind, Options
from whisperd.jobs.languages import AUTO
from whisperd.transcripts import chinese

_ASKING = ("language", "languages", "multilingual", "task")
"""Settings that ask something of a model."""


def mismatches(settings: Settings) -> list[tuple[KeyPath, str]]:
    """For each the setting that asks too much, and a sentence; the same setting once."""
    found: dict[KeyPath, str] = {}
    if chinese.library_missing():
        wanting = [(("transcription",), settings.transcription.chinese)]
        wanting += [(("watch", item_part(number)), folder.chinese) for number, folder in enumerate(settings.watch)]
        found = {(*section, "chinese"): f"{chinese.MISSING}; {chinese.HINT}" for section, wanted in wanting if wanted}
    for section, kind, options, own in _works(settings):
        models = settings.models
        key = "dictation" if kind is Kind.DICTATION else "file"
        model = options.model or getattr(models, key) or models.default
        heard = spoken(kind, options, settings)
        work = Work.of(
            Options(
                language=heard.language,
                languages=heard.languages,
                multilingual=heard.multilingual,
                task=options.task or settings.transcription.task,
            )
        )
        if model != AUTO and (wrong := objection(by_name(model), work)):
            found.setdefault((*section, own), f'the model "{model}" {wrong.message}; {wrong.hint}')
    return list(found.items())


def _works(settings: Settings) -> Iterator[tuple[KeyPath, Kind, Options, str]]:
    """Every kind of work there is: the section and the setting that ask, and the options that it has of its own."""
    dictation = settings.dictation
    yield ("transcription",), Kind.FILE, Options(), _asking(settings.transcription)
    if dictation.languages:
        yield ("dictation",), Kind.DICTATION, Options(), "languages"
    else:
        yield ("transcription",), Kind.DICTATION, Options(), _asking(settings.transcription)
    for number, folder in enumerate(settings.watch):
        yield ("watch", item_part(number)), Kind.WATCH, folder.rules().options, _asking(folder)
    for number, binding in enumerate(settings.binding):
        options = Options(model=binding.model, language=binding.language, languages=binding.languages)
        yield ("binding", item_part(number)), Kind.DICTATION, options, _asking(binding)


def _asking(section: object) -> str:
    """The first setting of a section that asks something of a model; else the one that names it."""
    nothing = (None, (), False, AUTO, Task.TRANSCRIBE)
    return next((name for name in _ASKING if getattr(section, name, None) not in nothing), "model")
