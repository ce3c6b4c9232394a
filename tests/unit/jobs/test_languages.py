"""Languages as other programs and people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.jobs.languages import CODES, NAMES, UnknownLanguageError, code, code_or_auto, find, names


@pytest.mark.parametrize(
    ("written", "language"),
    [
        ("en", "en"), ("EN", "en"), ("en-US", "en"), ("en_GB", "en"), ("en_GB.UTF-8", "en"), ("English", "en"),
        ("eng", "en"), ("de_DE@euro", "de"), ("de-1996", "de"), ("German", "de"), ("Deutsch", "de"), ("deu", "de"),
        ("ger", "de"), ("fra", "fr"), ("fre", "fr"), ("français", "fr"), ("francais", None), ("jp", "ja"),
        ("ja-JP", "ja"), ("iw", "he"), ("in", "id"), ("ji", "yi"), ("jv", "jw"), ("mo", "ro"), ("pt-BR", "pt"),
        ("Portuguese", "pt"), ("zh-CN", "zh"), ("zh-TW", "zh"), ("zh_Hant_HK", "zh"), ("cmn-Hans", "zh"),
        ("Mandarin", "zh"), ("zh-yue", "yue"), ("zh-yue-HK", "yue"), ("yue-HK", "yue"), ("Cantonese", "yue"),
        ("nb-NO", "no"), ("nn", "nn"), ("Haitian Creole", "ht"), ("fil", "tl"), ("Castilian", "es"), ("cz", "cs"),
        ("uk", "uk"), ("ua", "uk"), ("sr-Latn-RS", "sr"), ("haw", "haw"), ("  en  ", "en"), ("русский", "ru"),
        ("", None), ("xx", None), ("C", None), ("POSIX", None), ("auto", None), ("english-", None), ("en-", None),
        ("e", None), ("en-verylongsubtag", None), ("\0", None),
    ],
)  # fmt: skip
def test_a_language_is_known_however_it_is_written(written: str, language: str | None) -> None:
    assert find(written) == language


def test_there_are_the_languages_of_the_models_and_every_name_is_one_language_s() -> None:
    from faster_whisper.tokenizer import _LANGUAGE_CODES  # pyright: ignore[reportPrivateUsage] (no other list)

    assert set(CODES) == set(_LANGUAGE_CODES)
    assert len(set(NAMES.values())) == len(CODES) == 100


@given(st.sampled_from(CODES), st.sampled_from(["{}", "{}-XX", "{}_XX.UTF-8"]), st.booleans())
def test_a_code_is_found_by_itself_its_locales_and_its_name(language: str, form: str, upper: bool) -> None:
    written = form.format(language)
    assert find(written.upper() if upper else written) == language
    assert find(NAMES[language]) == language


@given(st.text(max_size=20))
def test_whatever_is_written_is_a_code_or_refused_with_a_hint(written: str) -> None:
    try:
        assert code(written) in CODES
    except UnknownLanguageError as error:
        assert error.message and error.hint


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Englsh", "en (English)"), ("Germn", "de (German)"), ("frnch", "fr (French)"), ("kr", "ko (Korean)"),
        ("us", "en (English)"), ("se", "sv (Swedish)"), ("dee", "de (German)"), ("spansh", "es (Spanish)"),
    ],
)  # fmt: skip
def test_an_unknown_language_is_refused_with_the_nearest_one(written: str, meant: str) -> None:
    with pytest.raises(UnknownLanguageError, match=f'there is no language "{written}" that the models know') as caught:
        code(written)
    assert f"did you mean {meant}" in caught.value.hint


def test_where_none_is_near_all_codes_are_named() -> None:
    with pytest.raises(UnknownLanguageError) as caught:
        code("xx")
    assert all(f" {language}" in caught.value.hint for language in CODES)


def test_only_where_it_may_be_found_out_auto_is_a_language() -> None:
    assert (code_or_auto("AUTO"), code_or_auto("de-AT")) == ("auto", "de")
    with pytest.raises(UnknownLanguageError):
        code("auto")


def test_languages_are_told_by_their_names() -> None:
    assert [names(given) for given in [("de",), ("de", "en"), ("de", "en", "yue")]] == [
        "German",
        "German or English",
        "German, English or Cantonese",
    ]
