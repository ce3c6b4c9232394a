"""The settings of dictation.

Owns: the sections `dictation` and `rules`, as `settings` owns the others.
"""

import re
from typing import Annotated, Literal

from msgspec import Meta

from whisperd.config.section import Name, OneLanguage, Seconds, Section
from whisperd.jobs import languages

Text = Annotated[str, Meta(max_length=4096)]


class Replacement(Section, frozen=True):
    """`find` becomes `put`: a word or phrase wherever it stands by itself, however it is written, or with `regex` a
    regular expression as Python has them. Only for these `languages`; for all where none is named."""

    find: Name
    put: Text
    regex: bool = False
    languages: tuple[OneLanguage, ...] = ()

    def __post_init__(self) -> None:
        for language in self.languages:
            languages.code(language)
        if self.regex:
            try:
                re.compile(self.find)
                re.sub(self.find, self.put, "")
            except (re.error, IndexError) as error:
                raise ValueError(f"find = {self.find!r}, put = {self.put!r}: {error}") from None


class RuleSettings(Section, frozen=True):
    """What becomes of a dictated text before it is delivered, in this order.

    `spoken_punctuation`: "comma", "new line", "new paragraph" and such become what they name. `replacements` follow
    (each a table with `find`, `put`, and perhaps `regex = true` and `languages`), then `capitals` at the beginning of
    sentences. `hallucinations` are further texts that are not believed where the sound gives no reason to. `filter` is
    a program with its arguments that gets the text on its standard input and answers with another one; when it fails or
    takes longer than `filter_timeout` seconds the text stays as it was.
    `trailing_space`: a space after what is delivered, so that the next one does not stick to it. `continue_within`:
    seconds after a dictation within which the next one goes on from its text: it begins with a capital of its own and
    without a space only where that text lets it. 0: every dictation stands for itself.
    """

    spoken_punctuation: bool = False
    replacements: tuple[Replacement, ...] = ()
    capitals: bool = True
    hallucinations: tuple[Name, ...] = ()
    filter: tuple[Name, ...] = ()
    filter_timeout: Annotated[float, Meta(gt=0, le=60)] = 3.0
    trailing_space: bool = True
    continue_within: Seconds = 20.0


class DictationSettings(Section, frozen=True):
    """`max_length`: seconds of audio that still count as dictation; at that length a recording is ended and
    transcribed. `audio_context` `auto`: fit on a CPU, else full. `device`: the microphone by its name or a part of it;
    the system's default without one. `keep_recordings`: seconds for which a recording is kept once it has a transcript.
    `languages`: those that dictations may be in, in place of `transcription`'s; one is taken without listening for it.
    `vocabulary`: words to listen for, besides `transcription.hotwords`. `partial_text`: also decode what is being said
    before a pause ends it, and tell it as the changing `text` of `dictate.partial`; it keeps processors busy while
    somebody speaks, and the text at release may wait for it.
    """

    max_length: Annotated[float, Meta(ge=1, le=86_400)] = 600.0
    audio_context: Literal["auto", "full", "fit"] = "auto"
    device: Name | None = None
    keep_recordings: Seconds = 24 * 3600.0
    languages: tuple[OneLanguage, ...] = ()
    vocabulary: tuple[Name, ...] = ()
    partial_text: bool = False
