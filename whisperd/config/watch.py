"""The settings of drop folders.

Owns: the section `watch`, as `settings` owns the others.
"""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from whisperd.config.section import Language, Name, OneLanguage, Seconds, Section
from whisperd.frames import Chinese, Task
from whisperd.jobs.asked import checked
from whisperd.jobs.folder import Afterwards, FolderRules, Notice, Pattern, Recordings
from whisperd.jobs.job import Format, Options


class WatchSettings(Section, frozen=True):
    """A drop folder, written `[[watch]]`, one table each; commands (`whisperctl watch`) can't change these.

    `path` need not exist yet. `recursive`: folders in it too. `patterns`: shell patterns of names, by default the
    usual audio suffixes; `ignore`: names, or paths inside it, that are not taken. `language` … `words` and `formats`
    are those of its jobs, and win over `[transcription]`; `formats` is `["txt"]` where neither says anything.
    `output_dir`: the root of a tree that mirrors the folder's; beside the audio without it. `recordings`: `own` takes
    `*-voice-note` names only, `imported` all others. `settle`: seconds without a change after which a file counts as
    finished.
    `min_duration`, `max_duration`: seconds of audio; other files are skipped. `afterwards`: `keep` the audio, `move`
    it into the tree `move_to`, or `delete` it `delete_after` days after its transcript was written. `notice`: `auto`
    polls network and FUSE file systems, `polling` and `events` set it.
    """

    path: Path
    enabled: bool = True
    recursive: bool = True
    patterns: tuple[Pattern, ...] = ()
    ignore: tuple[Pattern, ...] = ()
    language: Language | None = None
    languages: tuple[OneLanguage, ...] = ()
    multilingual: bool | None = None
    chinese: Chinese | None = None
    model: Name | None = None
    task: Task | None = None
    prompt: str | None = None
    hotwords: str | None = None
    words: bool | None = None
    formats: tuple[Format, ...] = ()
    output_dir: Path | None = None
    recordings: Recordings = Recordings.ALL
    settle: Seconds = 2.0
    min_duration: Seconds = 0.0
    max_duration: Seconds | None = None
    afterwards: Afterwards = Afterwards.KEEP
    move_to: Path | None = None
    delete_after: Annotated[float, Meta(ge=0, le=36_500)] = 30.0
    notice: Notice = Notice.AUTO

    def __post_init__(self) -> None:
        if objection := self.rules().objection():
            raise ValueError(objection)

    def rules(self) -> FolderRules:
        """The same as the rules of a folder that a command added. Raises OptionError, never once this was made."""
        options = Options(
            model=self.model,
            language=self.language,
            languages=self.languages,
            multilingual=self.multilingual,
            chinese=self.chinese,
            task=self.task,
            prompt=self.prompt,
            hotwords=self.hotwords,
            words=self.words,
            formats=self.formats,
            output_dir=str(self.output_dir) if self.output_dir else None,
        )
        return FolderRules(
            enabled=self.enabled,
            recursive=self.recursive,
            patterns=self.patterns,
            ignore=self.ignore,
            options=checked(options),
            recordings=self.recordings,
            settle=self.settle,
            min_duration=self.min_duration,
            max_duration=self.max_duration,
            afterwards=self.afterwards,
            move_to=str(self.move_to) if self.move_to else None,
            delete_after=self.delete_after,
            notice=self.notice,
        )
