"""Every setting there is: its name, its type and allowed range, its default.

Owns: the typed shape of `config.toml`, one Struct a section; those of dictation, drop folders and the desktop are in
`dictation`, `watch` and `desktop`. Leaves to others: reading the file and explaining what is wrong with it (`load`),
where it lies (`paths`). Times are seconds and sizes are bytes unless the name says otherwise.
A setting that is left out has the default shown here; a `None` means that whisperd decides, and a flag of `whisperd
run` or an option of a job wins over the file. A `Path` is absolute; in the file it begins with `/` or `~/`.
"""

import datetime
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field

from whisperd.config.desktop import BindingSettings, HotkeySettings, InsertSettings
from whisperd.config.dictation import DictationSettings, RuleSettings
from whisperd.config.section import Language, Name, OneLanguage, Seconds, Section
from whisperd.config.watch import WatchSettings
from whisperd.frames import AudioContext, Chinese, FailureKind, Task
from whisperd.jobs.asked import MAX_BEAM_SIZE, ComputeType, checked
from whisperd.jobs.job import Format, Options

Attempts = Annotated[int, Meta(ge=0, le=100)]
HoursOfDay = Annotated[
    str,
    Meta(
        pattern="^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$",
        description='hours such as "22:00-07:00"',
    ),
]
"""From and until in local time; may go over midnight."""
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["auto", "text", "json"]


class SocketSettings(Section, frozen=True):
    """`path`: the control socket; its folder must be ours and closed to others."""

    path: Path | None = None


class StateSettings(Section, frozen=True):
    """`dir`: database, models, spool and lock. `backups`: days of which a database backup is kept."""

    dir: Path | None = None
    backups: Annotated[int, Meta(ge=0, le=100)] = 3


class ModelSettings(Section, frozen=True):
    """Model names as faster-whisper's, paths of model folders, or `auto`.

    `dictation` and `file` win over `default` for their kind of work (files, batches and watched folders are all
    `file`). `allow_smaller`: after running out of memory, try the next smaller installed model and say so.
    `download`: a job whose model is not installed downloads it first; without it, the job fails and says how to.
    `offline`: nothing is ever downloaded, whatever asks for it.
    """

    default: Name = "auto"
    dictation: Name | None = None
    file: Name | None = None
    allow_smaller: bool = False
    download: bool = False
    offline: bool = False


class WorkerSettings(Section, frozen=True):
    """The processes that hold the models.

    `lanes`: 2 keeps dictation's model apart from the files', 1 shares one. `device`: where models run; `auto` is the
    accelerator with the most free memory, else the CPU. `backend`: the engine that runs them; `auto` is CTranslate2 on
    a CPU and on CUDA, PyTorch (the extra `[torch]`) on ROCm and Intel's GPUs. `compute_type`: the precision of their
    numbers. `threads`: 0 lets the worker choose. `cpu_fallback`: where the accelerator can't be used (libraries,
    driver), load the model on the CPU and say so. `device_memory_mb`: what models may take of the device's memory;
    all that is free when the daemon starts without it.
    `keep_alive`: seconds that an idle interactive model stays loaded (`auto`: 5 min on a GPU, for ever on a CPU).
    A worker is replaced, when idle, after `recycle_after_jobs` jobs (0: never) or once its memory has grown by
    `recycle_growth_mb` since its first job.
    `batch_deadline`: seconds after which a decoding batch counts as hung, if that is more than ten times what was
    expected of it; the worker is replaced then.
    `max_job_seconds`: limit on the processing time of a whole job, off unless set.
    """

    lanes: Literal["auto", 1, 2] = "auto"
    device: Literal["auto", "cpu", "cuda", "rocm", "xpu"] = "auto"
    backend: Literal["auto", "ctranslate2", "torch"] = "auto"
    compute_type: ComputeType = ComputeType.DEFAULT
    threads: Annotated[int, Meta(ge=0, le=1024)] = 0
    cpu_fallback: bool = False
    device_memory_mb: Annotated[int, Meta(ge=256)] | None = None
    keep_alive: Literal["auto", "forever"] | Seconds = "auto"
    recycle_after_jobs: Annotated[int, Meta(ge=0)] = 200
    recycle_growth_mb: Annotated[int, Meta(ge=64)] = 1024
    batch_deadline: Annotated[float, Meta(ge=5, le=86_400)] = 60.0
    max_job_seconds: Annotated[float, Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        if self.backend == "ctranslate2" and self.device in ("rocm", "xpu"):
            raise ValueError(
                f'CTranslate2 can\'t drive device = "{self.device}"; leave backend out, or make it "torch"'
            )


class TranscriptionSettings(Section, frozen=True):
    """What a job uses where its own options say nothing.

    `language`: of the speech. `languages`: those that may be found where it is `auto`, all of the model's without any;
    speech in another one is written as one of these. `multilingual`: the language may change within a file and is found
    for each part; `language` is the main one then. `chinese`: the characters that Chinese is written in, as it comes by
    default; needs the extra `[chinese]`. `task`: write what is said, or its English translation. `beam_size`:
    candidates that are followed while decoding; more is slower. `audio_context`: how much the encoder looks at, 30 s
    (`full`) or what the audio needs (`fit`), which is faster and may cost words; what is in doubt there is decoded
    again in full.
    `prompt`: text in the style that is wanted. `hotwords`: names and terms to expect. `words`: times of single words.
    `formats` are the files that every job of kind file, batch or watch writes; none by default, since the text is kept
    in the database. `output_dir` is where they go; beside the audio without it.
    """

    language: Language = "auto"
    languages: tuple[OneLanguage, ...] = ()
    multilingual: bool = False
    chinese: Chinese | None = None
    task: Task = Task.TRANSCRIBE
    beam_size: Annotated[int, Meta(ge=1, le=MAX_BEAM_SIZE)] = 5
    audio_context: AudioContext = AudioContext.FULL
    prompt: str | None = None
    hotwords: str | None = None
    words: bool = False
    formats: tuple[Format, ...] = ()
    output_dir: Path | None = None

    def __post_init__(self) -> None:
        checked(Options(language=self.language, languages=self.languages, multilingual=self.multilingual))


class QueueSettings(Section, frozen=True):
    """`max_length`: jobs that may be unfinished at once. `disk_floor`: bytes that stay free on the state folder's disk;
    below it new work is refused."""

    max_length: Annotated[int, Meta(ge=1, le=100_000_000)] = 1_000_000
    disk_floor: Annotated[int, Meta(ge=0)] = 512 * 1024 * 1024


class BatchSettings(Section, frozen=True):
    """`concurrency`: how many files of a batch, or watched files with equal options, are in progress at once, where
    they do not say otherwise."""

    concurrency: Annotated[int, Meta(ge=1, le=32)] = 3


class RetrySettings(Section, frozen=True):
    """The n-th retry (from 0) comes after `base_delay`·2ⁿ seconds, at most `max_delay`. `attempts`: retries by kind of
    failure, where they are to differ from the built-in table."""

    base_delay: Seconds = 30.0
    max_delay: Seconds = 300.0
    attempts: dict[FailureKind, Attempts] = field(default_factory=dict[FailureKind, Attempts])

    def __post_init__(self) -> None:
        if self.max_delay < self.base_delay:
            raise ValueError(f"max_delay ({self.max_delay:g}) is below base_delay ({self.base_delay:g})")


class ScheduleSettings(Section, frozen=True):
    """`low`: the hours of the day in which low work (batches, watched folders) may run; at any time without it."""

    low: HoursOfDay | None = None

    def __post_init__(self) -> None:
        if (hours := self.low_hours()) and hours[0] == hours[1]:
            raise ValueError(f'low = "{self.low}" begins when it ends; leave it out for all day')

    def low_hours(self) -> tuple[datetime.time, datetime.time] | None:
        """From when until when low work may run, local time; over midnight where the first is the later one."""
        if self.low is None:
            return None
        since, until = (datetime.time.fromisoformat(part) for part in self.low.split("-"))
        return since, until


class RetentionSettings(Section, frozen=True):
    """What is removed once it is too old or too much, at start and then daily; a limit that is left out is none.

    `transcript_days`: transcripts that were finished so long ago. `transcript_mb`: the oldest transcripts, once all
    together take more than so many millions of bytes. By default no transcript is ever removed. `job_days`: finished
    jobs leave the list (never their transcripts, and no job of a batch that goes on). `checkpoint_days`: after that, a
    job that failed or was cancelled begins at its beginning when it is retried; a completed one needs none.
    `event_days` and `max_events`: what happened, as `whisperctl events` shows it.
    """

    transcript_days: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    transcript_mb: Annotated[int, Meta(ge=1)] | None = None
    job_days: Annotated[float, Meta(gt=0, le=100_000)] | None = 30.0
    checkpoint_days: Annotated[float, Meta(gt=0, le=100_000)] = 7.0
    event_days: Annotated[float, Meta(gt=0, le=100_000)] = 30.0
    max_events: Annotated[int, Meta(ge=1_000)] = 1_000_000


class HookSettings(Section, frozen=True):
    """`on_completed`: program and arguments to start when a job has completed, with `{transcript}` and others filled
    in; killed after `timeout` seconds."""

    on_completed: tuple[Name, ...] = ()
    timeout: Annotated[float, Meta(gt=0, le=86_400)] = 60.0


class HealthSettings(Section, frozen=True):
    """From when on `whisperctl health` finds something wrong.

    `queued`: normal jobs in the queue. `wait`: seconds that the next of them has waited. `success_rate`: the share of
    jobs that has to succeed, of those that ended in the last `window` seconds, if there are `least_jobs`.
    `real_time_factor`: seconds of work for a second of audio in that time. `worker_gone`: seconds without a worker that
    can be started. `disk`: bytes free on the state folder's disk.
    """

    queued: Annotated[int, Meta(ge=0)] = 50
    wait: Seconds = 300.0
    success_rate: Annotated[float, Meta(ge=0, le=1)] = 0.9
    least_jobs: Annotated[int, Meta(ge=1)] = 5
    real_time_factor: Annotated[float, Meta(gt=0)] = 5.0
    window: Annotated[float, Meta(ge=60, le=86_400 * 365)] = 86_400.0
    worker_gone: Seconds = 60.0
    disk: Annotated[int, Meta(ge=0)] = 1_000_000_000


class LogSettings(Section, frozen=True):
    """`level`: the least that is logged. `format` `auto`: for the journal under systemd, else text."""

    level: LogLevel = "info"
    format: LogFormat = "auto"


class Settings(Section, frozen=True):
    """The whole file."""

    socket: SocketSettings = SocketSettings()
    state: StateSettings = StateSettings()
    models: ModelSettings = ModelSettings()
    workers: WorkerSettings = WorkerSettings()
    transcription: TranscriptionSettings = TranscriptionSettings()
    dictation: DictationSettings = DictationSettings()
    rules: RuleSettings = RuleSettings()
    queue: QueueSettings = QueueSettings()
    batches: BatchSettings = BatchSettings()
    retry: RetrySettings = field(default_factory=RetrySettings)
    schedule: ScheduleSettings = ScheduleSettings()
    watch: tuple[WatchSettings, ...] = ()
    retention: RetentionSettings = RetentionSettings()
    hooks: HookSettings = HookSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()
    insert: InsertSettings = InsertSettings()
    hotkey: HotkeySettings = HotkeySettings()
    binding: tuple[BindingSettings, ...] = ()

    def __post_init__(self) -> None:
        paths = [folder.path for folder in self.watch]
        keys = [binding.keys for binding in self.binding]
        if twice := {str(path) for path in paths if paths.count(path) > 1} | {
            key for key in keys if keys.count(key) > 1
        }:
            raise ValueError(f"{min(twice)} is there twice")
