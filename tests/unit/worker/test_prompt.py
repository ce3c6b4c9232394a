"""What stands before a transcript: prompt and hotwords within their limit, the language, the task, no timestamps."""

import tokenizers
from faster_whisper.tokenizer import Tokenizer
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.worker.child import MODEL
from whisperd.frames import DecodeOptions
from whisperd.worker.ctranslate2_model import MAX_LENGTH
from whisperd.worker.decoding import prompt_tokens


def multilingual(task: str, language: str) -> Tokenizer:
    """The small model's tokenizer with the languages that a multilingual one has."""
    known = tokenizers.Tokenizer.from_file(f"{MODEL}/tokenizer.json")
    known.add_special_tokens(["<|en|>", "<|fr|>", "<|de|>"])
    return Tokenizer(known, True, task=task, language=language)


FRENCH = multilingual("transcribe", "fr")
TRANSLATING = multilingual("translate", "de")
ENGLISH = Tokenizer(tokenizers.Tokenizer.from_file(f"{MODEL}/tokenizer.json"), False)


def names(tokenizer: Tokenizer, tokens: tuple[int, ...]) -> list[str]:
    return [str(tokenizer.tokenizer.id_to_token(token)) for token in tokens]


def test_a_multilingual_model_is_told_language_and_task() -> None:
    assert names(FRENCH, prompt_tokens(FRENCH, DecodeOptions("fr"))) == [
        "<|startoftranscript|>",
        "<|fr|>",
        "<|transcribe|>",
        "<|notimestamps|>",
    ]
    assert names(TRANSLATING, prompt_tokens(TRANSLATING, DecodeOptions("de")))[1:3] == ["<|de|>", "<|translate|>"]


def test_an_english_model_is_told_neither() -> None:
    assert names(ENGLISH, prompt_tokens(ENGLISH, DecodeOptions("en"))) == ["<|startoftranscript|>", "<|notimestamps|>"]


def test_what_was_said_before_is_announced_and_ends_with_the_prompt() -> None:
    tokens = prompt_tokens(FRENCH, DecodeOptions("fr", prompt=" the letter ", hotwords="alice  "))
    assert names(FRENCH, tokens)[0] == "<|startofprev|>"
    assert FRENCH.decode(list(tokens)) == " alice the letter"


def test_of_a_long_prompt_the_end_is_kept_and_of_long_hotwords_the_beginning() -> None:
    long = "one " * 300
    (_, *prompt), (_, *hotwords) = (
        prompt_tokens(ENGLISH, DecodeOptions("en", prompt=long + "the end")),
        prompt_tokens(ENGLISH, DecodeOptions("en", hotwords="the start " + long)),
    )
    assert len(prompt) == len(hotwords) == MAX_LENGTH // 2 - 1 + 2
    assert ENGLISH.decode(prompt).endswith("one the end")
    assert ENGLISH.decode(hotwords).startswith(" the start one")


@given(st.text(max_size=400) | st.none(), st.text(max_size=400) | st.none())
def test_nearly_half_of_the_positions_are_left_for_the_transcript(prompt: str | None, hotwords: str | None) -> None:
    tokens = prompt_tokens(FRENCH, DecodeOptions("fr", prompt=prompt, hotwords=hotwords))
    assert tokens[-4:] == (*FRENCH.sot_sequence, FRENCH.no_timestamps)
    assert len(tokens) <= 1 + MAX_LENGTH // 2 - 1 + 4
