"""What may be asked for in a job's options, wherever they come from: the socket, a watched folder, a key. Pure.

Owns: the bounds of every option, the languages' one way of being written, and the sentence that refuses. Leaves to
others: the options themselves (`job`), what the configuration fills in, and whether a model can do it
(`whisperd.models`). Stored options are not checked again: what was accepted once can always be read.
"""

import difflib
import enum
from typing import Final

import msgspec

from whisperd.jobs import languages
from whisperd.jobs.job import Options

MAX_BEAM_SIZE: Final = 20
"""Time and memory of decoding grow with the candidates, and nothing is gained above ten or so."""


class ComputeType(enum.StrEnum):
    """Precisions of a model's numbers, by CTranslate2's names; `default` is what the model was saved in."""

    DEFAULT = "default"
    AUTO = "auto"
    INT8 = "int8"
    INT8_FLOAT32 = "int8_float32"
    INT8_FLOAT16 = "int8_float16"
    INT8_BFLOAT16 = "int8_bfloat16"
    INT16 = "int16"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


class OptionError(ValueError):
    """An option can't be what it is; `option` is its name."""

    def __init__(self, option: str, message: str, hint: str | None = None) -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.option = option
        self.message = message
        self.hint = hint


def checked(options: Options) -> Options:
    """The options with their languages as codes. Raises OptionError for the first that can't be what it is."""
    _check_numbers(options)
    _check_names(options)
    spoken = msgspec.structs.replace(
        options,
        language=None if options.language is None else _code("language", options.language, auto=True),
        languages=tuple(dict.fromkeys(_code("languages", one) for one in options.languages)),
    )
    _check_together(spoken)
    return spoken


def _check_together(options: Options) -> None:
    language, allowed = options.language, options.languages
    if language in (None, languages.AUTO):
        return
    if allowed and language not in allowed:
        raise OptionError(
            "languages",
            f"{languages.name(language)}, which `language` says, is not one of {', '.join(allowed)}",
            "leave one of the two out",
        )


def _check_numbers(options: Options) -> None:
    if options.beam_size is not None and not 1 <= options.beam_size <= MAX_BEAM_SIZE:
        raise OptionError(
            "beam_size", f"{_shown(options.beam_size)} is not a whole number from 1 to {MAX_BEAM_SIZE}", "5 is usual"
        )


def _check_names(options: Options) -> None:
    if options.model is not None and (not options.model or "\0" in options.model):
        raise OptionError("model", "a model's name is not empty and has no NUL", "`whisperctl model list` shows them")
    kinds = list(ComputeType)
    if options.compute_type is not None and options.compute_type not in kinds:
        near = difflib.get_close_matches(options.compute_type[:80], kinds, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise OptionError(
            "compute_type", f'there is no "{_shown(options.compute_type)}"', f"{hint}there are {', '.join(kinds)}"
        )
    if options.output_dir is not None and (objection := folder_objection(options.output_dir)):
        raise OptionError("output_dir", *objection)


def folder_objection(path: str) -> tuple[str, str] | None:
    """Why the daemon can't take a path for a folder's, and what to do; None where it can."""
    if "\0" in path:
        return "a path has no NUL", "leave it out"
    if path == "~" or path.startswith("~/"):
        return (
            f'"{_shown(path)}" is not an absolute path: ~ is for the shell to fill in',
            "send the path of the home folder in its place",
        )
    if not path.startswith("/"):
        return (
            f'"{_shown(path)}" is not an absolute path',
            "the daemon runs in another folder than you: begin with /",
        )
    return None


def _code(option: str, written: str, *, auto: bool = False) -> str:
    try:
        return languages.code_or_auto(written) if auto else languages.code(written)
    except languages.UnknownLanguageError as error:
        raise OptionError(option, error.message, error.hint) from None


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:59] + "…"
