"""What may be asked for in options, and the sentence that refuses the rest."""

import msgspec
import pytest

from whisperd.jobs.asked import OptionError, checked
from whisperd.jobs.job import Options


def test_languages_become_codes() -> None:
    asked = Options(language="pt-BR", languages=("English", "en-GB", "PT"), multilingual=True)
    assert checked(asked) == Options(language="pt", languages=("en", "pt"), multilingual=True)
    assert checked(Options(language="Auto")).language == "auto"


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        (Options(language="xx"), "language", 'there is no language "xx"'),
        (Options(language=""), "language", 'there is no language ""'),
        (Options(languages=("en", "auto")), "languages", 'there is no language "auto"'),
        (Options(language="de", languages=("en", "fr")), "languages", "German, which `language` says, is not one of"),
        (Options(beam_size=-1), "beam_size", "-1 is not a whole number from 1 to 20"),
        (Options(beam_size=0), "beam_size", "0 is not"),
        (Options(beam_size=21), "beam_size", "21 is not"),
        (Options(beam_size=2**63), "beam_size", "9223372036854775808 is not"),
        (Options(beam_size=200_000), "beam_size", "200000 is not"),
        (Options(compute_type="int9"), "compute_type", 'there is no "int9"'),
        (Options(output_dir="out"), "output_dir", '"out" is not an absolute path'),
        (Options(output_dir=""), "output_dir", '"" is not an absolute path'),
        (Options(output_dir="~/out"), "output_dir", '"~/out" is not an absolute path: ~ is for the shell'),
        (Options(output_dir="/out\0"), "output_dir", "a path has no NUL"),
        (Options(model=""), "model", "a model's name is not empty"),
        (Options(model="a\0b"), "model", "has no NUL"),
    ],
)
def test_what_can_t_be_is_refused_and_its_option_named(options: Options, option: str, message: str) -> None:
    with pytest.raises(OptionError) as caught:
        checked(options)
    assert (caught.value.option, bool(caught.value.hint)) == (option, True)
    assert message in caught.value.message


def test_a_misspelt_compute_type_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(OptionError) as caught:
        checked(Options(compute_type="flaot16"))
    assert (caught.value.hint or "").startswith("did you mean float16? there are default, auto, int8")


def test_bounds_are_part_of_what_may_be_asked_for() -> None:
    for beam_size in (1, 20):
        options = Options(beam_size=beam_size, output_dir="/o~", compute_type="int8", model="/m")
        assert checked(options) == options


def test_options_that_were_stored_before_they_were_checked_can_be_read() -> None:
    old = b'{"language":"xx","beam_size":-1,"compute_type":"int9","output_dir":"~","words":true}'
    assert msgspec.json.decode(old, type=Options) == Options(
        language="xx", beam_size=-1, compute_type="int9", output_dir="~", words=True
    )


def test_options_that_ask_for_no_language_sound_the_same_as_before_there_were_several() -> None:
    """By its signature a transcript of long ago is known again."""
    assert msgspec.json.encode(Options(model="small", language="de")) == b'{"model":"small","language":"de"}'
