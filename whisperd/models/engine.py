"""What a job is transcribed with: the model, where it runs, and every decoding option, with nothing left open.

Owns: joining a job's options with the configuration, and finding the model they lead to. Leaves to others: which model
`auto` takes (`choose`), where models are (`locate`), loading them (the worker).
"""

from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from whisperd import frames
from whisperd.config.settings import Settings
from whisperd.config.spoken import Spoken, spoken
from whisperd.errors import ModelNotFoundError, ModelUnableError, RefusedError
from whisperd.frames import AudioContext, Chinese, Task
from whisperd.jobs.abilities import Abilities, Work, by_name, objection, of
from whisperd.jobs.job import Kind, Options
from whisperd.jobs.languages import AUTO, CHINESE, CODES
from whisperd.models.catalog import MODELS, canonical
from whisperd.models.choose import Choice, choose, next_smaller
from whisperd.models.devices import known, machine_mb
from whisperd.models.locate import installed, locate, vocabulary_of
from whisperd.models.placement import place, precision, smallest_type
from whisperd.models.pull import repository_of
from whisperd.printable import printable
from whisperd.transcripts import chinese

LOOK_UP_DEADLINE = 10.0
"""Seconds to find a model's folder; a file system that is slower can't hold a model either."""


class Engine(msgspec.Struct, frozen=True):
    """The model (`name` for people, `reason` why it was chosen) and the decoding options of a run.

    `language` None: it is to be found, among `languages` where there are any; `multilingual`: for each chunk, and
    `language` is the main one.
    """

    model: str
    reason: str
    load: frames.Load
    language: str | None
    task: Task
    beam_size: int
    audio_context: AudioContext
    prompt: str | None
    hotwords: str | None
    words: bool
    languages: tuple[str, ...] = ()
    multilingual: bool = False
    chinese: Chinese | None = None

    def decode_options(self, language: str) -> frames.DecodeOptions:
        return frames.DecodeOptions(
            language=language,
            task=self.task,
            beam_size=self.beam_size,
            prompt=self.prompt,
            hotwords=self.hotwords,
            words=self.words,
            languages=(self.languages or CODES) if self.multilingual else (),
        )


def resolve_options(kind: Kind, options: Options, settings: Settings) -> Options:
    """A job's options with the configuration's defaults filled in, so that a later change of it does not mix with what
    is stored of the job. The model stays open (None) where it is to be chosen when the job starts."""
    defaults = settings.transcription
    heard = spoken(kind, options, settings)
    task = options.task or defaults.task
    return Options(
        model=None if options.model == AUTO else options.model,
        language=heard.language,
        languages=heard.languages,
        multilingual=heard.multilingual or None,
        chinese=(options.chinese or defaults.chinese) if _may_be_chinese(heard, task) else None,
        task=task,
        beam_size=options.beam_size or defaults.beam_size,
        audio_context=options.audio_context or _audio_context(kind, settings),
        prompt=options.prompt if options.prompt is not None else defaults.prompt,
        hotwords=options.hotwords if options.hotwords is not None else defaults.hotwords,
        words=options.words if options.words is not None else defaults.words,
        compute_type=options.compute_type or settings.workers.compute_type,
        formats=options.formats or defaults.formats,
        output_dir=options.output_dir or (str(defaults.output_dir) if defaults.output_dir else None),
    )


def _may_be_chinese(heard: Spoken, task: Task) -> bool:
    """Whether there may be Chinese in what is written, so that its characters matter."""
    possible = heard.languages if heard.language == AUTO else (heard.language,)
    return task is Task.TRANSCRIBE and (not possible or bool(CHINESE.intersection(possible)))


def _audio_context(kind: Kind, settings: Settings) -> AudioContext:
    """Dictation on a CPU fits the context to the utterance, which is what makes it instant there."""
    if kind is not Kind.DICTATION:
        return settings.transcription.audio_context
    if settings.dictation.audio_context == AUTO:
        return AudioContext.FIT if settings.workers.device in ("auto", "cpu") else AudioContext.FULL
    return AudioContext(settings.dictation.audio_context)


async def resolve_engine(
    kind: Kind,
    options: Options,
    settings: Settings,
    state_dir: Path,
    *,
    chosen: str | None = None,
    duration: float | None = None,
) -> Engine:
    """The engine for a job's resolved options. `chosen` is the model that an earlier run of the job was given;
    `duration` the seconds of audio, where they are known.

    Raises ModelNotFoundError; as ModelUnableError where there is a model, or one was named, and it can't do this.
    """
    try:
        with anyio.fail_after(LOOK_UP_DEADLINE):
            return await anyio.to_thread.run_sync(
                lambda: _resolve(kind, options, settings, state_dir, chosen, duration), abandon_on_cancel=True
            )
    except TimeoutError:
        raise ModelNotFoundError(
            f"looking for models took longer than {LOOK_UP_DEADLINE:.0f} s",
            hint=f"check the disks of {state_dir} and of the Hugging Face cache",
        ) from None


async def engine_for(kind: Kind, model: str | None, settings: Settings, state_dir: Path) -> Engine:
    """The engine of a job that asks for nothing but, perhaps, a model. Raises ModelNotFoundError."""
    options = resolve_options(kind, Options(model=model), settings)
    return await resolve_engine(kind, options, settings, state_dir)


async def require_model(kind: Kind, options: Options, settings: Settings, state_dir: Path) -> None:
    """Raises ModelNotFoundError where the job could not run, for want of a model or of what the model can; one whose
    model is downloaded when it starts can. Raises RefusedError for want of a library."""
    require_library(options)
    try:
        await resolve_engine(kind, options, settings, state_dir)
    except ModelNotFoundError as error:
        if to_download(error, settings) is None:
            raise


def require_library(options: Options) -> None:
    """Raises RefusedError where the options need a library that is not installed."""
    if options.chinese is not None and chinese.library_missing():
        raise RefusedError(chinese.MISSING, hint=chinese.HINT)


def to_download(error: ModelNotFoundError, settings: Settings) -> str | None:
    """The missing model, where the configuration lets a job download it."""
    models = settings.models
    if not models.download or models.offline or error.model is None or repository_of(error.model) is None:
        return None
    return error.model


async def smaller_model(name: str, options: Options, state_dir: Path) -> str | None:
    """The next smaller installed model that can do the same work, for when memory ran out; None when there is none."""
    return await anyio.to_thread.run_sync(
        lambda: next_smaller(name, Work.of(options), installed(state_dir)), abandon_on_cancel=True
    )


def _resolve(
    kind: Kind, options: Options, settings: Settings, state_dir: Path, chosen: str | None, duration: float | None
) -> Engine:
    work = Work.of(options)
    workers = settings.workers
    placement = place(workers, known(state_dir))
    compute_type = options.compute_type or workers.compute_type
    choice = choose(
        settings.models,
        kind,
        work,
        _able(installed(state_dir), work),
        requested=chosen or options.model,
        device="cpu" if placement.device == "auto" else placement.device,
        compute_type=smallest_type(compute_type, placement),
        free_mb=placement.memory_mb or (machine_mb() if placement.on_cpu else None),
        seconds=duration,
    )
    folder = _able_folder(choice, work, state_dir)
    taken = MODELS.get(canonical(choice.name))
    load = frames.Load(
        model_path=str(folder),
        backend=placement.backend,
        device=placement.device,
        compute_type=precision(compute_type, placement, taken.memory_mb("float16") if taken else 0),
        threads=workers.threads,
        cpu_fallback=workers.cpu_fallback,
    )
    return Engine(
        model=choice.name,
        reason=choice.reason,
        load=load,
        language=None if options.language in (None, AUTO) else options.language,
        languages=options.languages,
        multilingual=bool(options.multilingual),
        chinese=options.chinese,
        task=work.task,
        beam_size=options.beam_size or settings.transcription.beam_size,
        audio_context=options.audio_context or _audio_context(kind, settings),
        prompt=options.prompt,
        hotwords=options.hotwords,
        words=bool(options.words),
    )


def _able(found: dict[str, Path], work: Work) -> list[str]:
    """The installed models by name, without those of the person's own that can't do the work; `choose` knows the
    others."""
    return [
        name
        for name, folder in found.items()
        if name in MODELS or objection(of(name, vocabulary_of(folder)), work) is None
    ]


def _able_folder(choice: Choice, work: Work, state_dir: Path) -> Path:
    """The folder of a model that can do the work. What its name tells is said before it need be there."""
    name = canonical(choice.name)
    _require_able(choice, by_name(name), work)
    folder = locate(choice.name, state_dir)
    _require_able(choice, of(name, vocabulary_of(folder)), work)
    return folder


def _require_able(choice: Choice, able: Abilities, work: Work) -> None:
    if wrong := objection(able, work):
        where = f" ({choice.reason})" if choice.reason.endswith("in the configuration") else ""
        raise ModelUnableError(f'the model "{printable(choice.name)}"{where} {wrong.message}', hint=wrong.hint)
