"""A job's languages, from its own options and the configuration's."""

import pytest

from whisperd.config.dictation import DictationSettings
from whisperd.config.load import parse
from whisperd.config.settings import Settings, TranscriptionSettings
from whisperd.config.spoken import Spoken, spoken
from whisperd.jobs.job import Kind, Options


@pytest.mark.parametrize(
    ("configured", "options", "expected"),
    [
        ({}, Options(), Spoken()),
        ({}, Options(languages=("en",)), Spoken("en")),
        ({}, Options(language="de", languages=("en", "de")), Spoken("de")),
        ({}, Options(multilingual=True), Spoken("auto", (), True)),
        ({}, Options(language="de", multilingual=True), Spoken("de", (), True)),
        ({}, Options(languages=("de",), multilingual=True), Spoken("de")),
        ({"language": "German"}, Options(), Spoken("de")),
        ({"language": "de"}, Options(language="auto"), Spoken()),
        ({"language": "de"}, Options(languages=("en", "fr")), Spoken("auto", ("en", "fr"))),
        ({"language": "de"}, Options(multilingual=True), Spoken("de", (), True)),
        ({"languages": ("en-GB", "German")}, Options(), Spoken("auto", ("en", "de"))),
        ({"languages": ("en", "de")}, Options(language="fr"), Spoken("fr")),
        ({"languages": ("en", "de")}, Options(languages=("fr", "it")), Spoken("auto", ("fr", "it"))),
        (
            {"languages": ("en", "de")},
            Options(language="fr", multilingual=True),
            Spoken("fr", ("fr", "en", "de"), True),
        ),
        ({"languages": ("en",)}, Options(language="fr"), Spoken("fr")),
        ({"multilingual": True}, Options(), Spoken("auto", (), True)),
        ({"multilingual": True}, Options(language="de"), Spoken("de")),
        ({"multilingual": True}, Options(multilingual=False), Spoken()),
        ({}, Options(language="xx"), Spoken("xx")),
    ],
)
def test_what_is_nearer_to_the_job_wins(configured: dict[str, object], options: Options, expected: Spoken) -> None:
    settings = Settings(transcription=TranscriptionSettings(**configured))  # pyright: ignore[reportArgumentType] (a table of values)
    assert spoken(Kind.FILE, options, settings) == expected


def test_dictations_have_languages_of_their_own() -> None:
    settings = Settings(
        transcription=TranscriptionSettings(language="fr"), dictation=DictationSettings(languages=("en", "de"))
    )
    assert spoken(Kind.DICTATION, Options(), settings) == Spoken("auto", ("en", "de"))
    assert spoken(Kind.DICTATION, Options(language="it"), settings) == Spoken("it")
    assert spoken(Kind.WATCH, Options(), settings) == Spoken("fr")


ENGLISH_ONLY = "knows English only, not German; name a multilingual model such as small, or leave the choice to auto"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ('[transcription]\nlanguage = "xx"', ['2: transcription.language: there is no language "xx"']),
        ('[transcription]\nlanguages = ["en",\n"Germn"]', ["2: transcription.languages[1]: there is no language"]),
        ('[dictation]\n\nlanguages = ["auto"]', ["3: dictation.languages[0]: there is no language"]),
        ('[[watch]]\npath = "/a"\nlanguage = "frnch"', ['3: watch[0].language: there is no language "frnch"']),
        ('[[binding]]\nkeys = "f1"\nlanguage = "frnch"', ['3: binding[0].language: there is no language "frnch"']),
        (
            '[transcription]\nlanguage = "de"\nlanguages = ["en"]',
            ["1: transcription: German, which `language` says, is not one of en"],
        ),
        ('[[watch]]\npath = "/a"\nlanguage = "de"\nlanguages = ["en"]', ["1: watch[0]: German, which"]),
        ('[[binding]]\nkeys = "f1"\nlanguage = "de"\nlanguages = ["en"]', ["1: binding[0]: German, which"]),
        (
            '[rules]\nreplacements = [{find = "a", put = "b", languages = ["xx"]}]',
            ['2: rules.replacements[0]: there is no language "xx"'],
        ),
        (
            '[models]\nfile = "tiny.en"\n[transcription]\nlanguage = "de"',
            [f'4: transcription.language: the model "tiny.en" {ENGLISH_ONLY}'],
        ),
        (
            '[models]\ndictation = "small.en"\n[dictation]\nlanguages = ["en", "de"]',
            [f'4: dictation.languages: the model "small.en" {ENGLISH_ONLY}'],
        ),
        (
            '[models]\nfile = "turbo"\n[[watch]]\npath = "/a"\ntask = "translate"',
            ['5: watch[0].task: the model "turbo" was not trained to translate'],
        ),
        (
            '[transcription]\nlanguage = "de"\n[[watch]]\npath = "/a"\nmodel = "tiny.en"',
            [f'5: watch[0].model: the model "tiny.en" {ENGLISH_ONLY}'],
        ),
        (
            '[[binding]]\nkeys = "f1"\nlanguage = "Deutsch"\nmodel = "tiny.en"',
            [f'3: binding[0].language: the model "tiny.en" {ENGLISH_ONLY}'],
        ),
        ('[models]\ndefault = "tiny.en"\n[transcription]\nlanguage = "en-US"', []),
        ('[models]\ndefault = "/my/model"\n[transcription]\nlanguage = "de"', []),
        ('[transcription]\nlanguage = "de"\ntask = "translate"', []),
    ],
)
def test_a_mistake_about_languages_is_named_with_its_line(text: str, problems: list[str]) -> None:
    found = [f"{problem.line}: {problem}" for problem in parse(text.encode())[1]]
    assert len(found) == len(problems), found
    for told, expected in zip(found, problems, strict=True):
        assert told.startswith(expected), told
