"""A window until its text is settled: no speech without a word or a word about it, no words without speech."""

from dataclasses import replace

import pytest

from whisperd.frames import FULL_CONTEXT, SAMPLE_RATE, Chunk, ChunkResult, DecodeOptions
from whisperd.worker.decoding import decode_chunks
from whisperd.worker.ladder import LADDER, PLAIN

from .scripted_model import Said, ScriptedModel, said, samples_of

OPTIONS = DecodeOptions("en", words=True)
THREE = ((0.5, 2.0), (2.5, 4.0), (4.5, 6.0))
"""Seconds of speech in a window of 6.5."""

LONG = ((0.5, 14.5), (15.0, 16.5), (17.0, 18.5))
"""Seconds of speech in a window of 19: most of it in the first stretch."""

FIRST = "the red fox is under the table and we all eat our bread with old cheese today press one now"
FIRST_SAID = said(FIRST, 0.5, 0.7)
"""What is said in the first stretch, and ends with it."""

NOTHING = Said()


def chunk_of(end: float, *speech: tuple[float, float], start: float = 0.0, context: int = FULL_CONTEXT) -> Chunk:
    begin = round(start * SAMPLE_RATE)
    stretches = tuple((begin + round(a * SAMPLE_RATE), begin + round(b * SAMPLE_RATE)) for a, b in speech)
    return Chunk(begin, begin + round(end * SAMPLE_RATE), context, stretches)


def decoded(model: ScriptedModel, chunk: Chunk, options: DecodeOptions = OPTIONS) -> ChunkResult:
    """The result; every answer was asked for."""
    [result] = decode_chunks(model, [(chunk, samples_of(chunk))], options)
    assert model.script == []
    assert result.attempts == len(model.calls)
    return result


def text(result: ChunkResult) -> str:
    return "".join(segment.text for segment in result.segments)


def times(result: ChunkResult) -> list[tuple[str, float, float]]:
    return [
        (word.word.strip(), round(word.start, 2), round(word.end, 2))
        for segment in result.segments
        for word in segment.words or ()
    ]


def where(model: ScriptedModel) -> list[tuple[float, float]]:
    return [(round(call.start, 2), round(call.end, 2)) for call in model.calls]


# -- speech without words ---------------------------------------------------------------------------------------------


def test_what_follows_an_early_end_is_decoded_alone_and_put_in_its_place() -> None:
    model = ScriptedModel([FIRST_SAID, said("press two now press three now", 0.4, 0.6)])
    result = decoded(model, chunk_of(19, *LONG, start=100))
    assert text(result) == f" {FIRST} press two now press three now"
    assert where(model) == [(0, 19), (14.6, 18.9)]
    moments = [moment for _, *moments in times(result) for moment in moments]
    assert moments == sorted(moments)
    assert moments[0] == 100.5 and moments[-1] <= 118.5
    assert result.unheard == ()


@pytest.mark.parametrize("given", [14.5, 16.7, 18.9], ids=["nothing", "half of it", "all of it"])
def test_a_last_word_that_is_given_the_time_of_what_was_left_out_covers_none_of_it(given: float) -> None:
    model = ScriptedModel([replace(FIRST_SAID, end=given), said("press two now press three now", 0.4, 0.6)])
    result = decoded(model, chunk_of(19, *LONG))
    assert text(result) == f" {FIRST} press two now press three now"
    assert times(result)[19] == ("now", 13.8, 14.5)


def test_a_window_with_words_for_little_of_its_speech_is_decoded_in_parts() -> None:
    model = ScriptedModel(
        [
            said("the red fox is", 0.3, 0.65),
            said("the red fox is", 0.3, 0.65),
            said("under the table", 0.15, 0.6),
        ]
    )
    result = decoded(model, chunk_of(9, (0.3, 2.9), (3.2, 5.0)))
    assert text(result) == " the red fox is under the table"
    assert where(model) == [(0, 9), (0, 3.05), (3.05, 9)]
    assert result.unheard == ()


def test_a_sentence_left_out_in_the_middle_is_put_between_the_others() -> None:
    # An alignment leaves no rest: what was left out is given to the words on both sides.
    whole = Said(((" press", 0.5), (" one", 1.2), (" press", 2.8), (" three", 4.5)), 5.5)
    model = ScriptedModel([whole, said("or two", 0.4, 0.3)])
    result = decoded(model, chunk_of(6.0, (0.5, 2.0), (2.5, 3.1), (3.5, 5.5)))
    assert text(result) == " press one or two press three"
    assert where(model)[1:] == [(2.1, 3.5)]


def test_what_a_second_look_leaves_out_is_looked_at_once_more_and_then_told() -> None:
    model = ScriptedModel([FIRST_SAID, said("press two now", 0.4, 0.5), said("press", 0.4, 0.5)])
    result = decoded(model, chunk_of(19, *LONG))
    assert text(result) == f" {FIRST} press two now press"
    assert where(model) == [(0, 19), (14.6, 18.9), (16.6, 18.9)]
    [(start, end)] = result.unheard
    assert (round(start, 2), end) == (17.65, 18.5)


def test_speech_that_the_model_takes_for_silence_is_decoded_alone() -> None:
    model = ScriptedModel([said("you", 0.5, logprob=-1.5, no_speech=0.9), said("press one or two", 0.4)])
    result = decoded(model, chunk_of(3.0, (0.6, 2.2)))
    assert text(result) == " press one or two"
    assert result.unheard == ()


@pytest.mark.parametrize(
    "second_look",
    [
        NOTHING,
        said("hm hm", 0.4, logprob=-1.2),
        said("you", 0.4, logprob=-1.5, no_speech=0.9),
        said("press one", 0.4, ended=False),
    ],
    ids=["nothing", "improbable", "silence", "without an end"],
)
def test_speech_that_gives_no_words_is_told(second_look: Said) -> None:
    # Too short to be divided: at once comes the second look.
    model = ScriptedModel([NOTHING, second_look])
    result = decoded(model, chunk_of(2.9, (0.6, 1.5), start=50))
    assert result.segments == ()
    assert result.unheard == ((50.6, 51.5),)


def test_a_place_without_words_after_a_long_pause_is_told_where_it_is_in_the_audio() -> None:
    model = ScriptedModel([said("press one or press two now", 0.5, 0.75), NOTHING])
    result = decoded(model, chunk_of(20, (0.5, 5), (15, 16)))
    assert text(result) == " press one or press two now"
    assert result.unheard == ((15.0, 16.0),)


def test_a_phrase_said_again_is_found_though_it_is_the_same() -> None:
    model = ScriptedModel([FIRST_SAID, said("press one now press one now", 0.4, 0.6)])
    assert text(decoded(model, chunk_of(19, *LONG))) == f" {FIRST} press one now press one now"


def test_a_chunk_that_says_nothing_of_speech_is_decoded_once() -> None:
    """As the version before stored them."""
    model = ScriptedModel([said("press one", 0.5)])
    result = decoded(model, Chunk(0, 10 * SAMPLE_RATE))
    assert (text(result), result.unheard) == (" press one", ())


def test_mates_are_settled_each_by_itself() -> None:
    first, second = chunk_of(19, *LONG), chunk_of(3.0, (0.6, 2.2), start=30)
    model = ScriptedModel([FIRST_SAID, said("all is well", 0.6, 0.5), said("two now press three now", 0.4, 0.75)])
    results = decode_chunks(model, [(first, samples_of(first)), (second, samples_of(second))], OPTIONS)
    assert [text(result) for result in results] == [f" {FIRST} two now press three now", " all is well"]
    assert [result.attempts for result in results] == [2, 1]


# -- words without speech ---------------------------------------------------------------------------------------------


def test_thanks_after_the_end_of_speech_are_not_kept() -> None:
    heard = Said(((" press", 0.5), (" one", 1.2), (" Thank", 2.9), (" you", 3.3)), 3.8)
    result = decoded(ScriptedModel([heard]), chunk_of(4.5, (0.5, 2.0)))
    assert times(result) == [("press", 0.5, 1.2), ("one", 1.2, 2.0)]


def test_silence_by_all_signs_has_no_words_and_is_not_told() -> None:
    result = decoded(ScriptedModel([said("you", 0.5, logprob=-1.5, no_speech=0.9)]), chunk_of(1.0, (0.5, 0.7)))
    assert (result.segments, result.unheard) == ((), ())


# -- repetition -------------------------------------------------------------------------------------------------------

SPOKEN = {
    "en": ("six " * 12, "six " * 6),
    "fr": ("un deux trois " * 4, "un deux trois " * 2),
    "es": ("cero " * 12, "cero " * 6),
    "ru": ("шесть " * 12, "шесть " * 6),
    "zh": ("六六 " * 12, "六六 " * 6),
}
INVENTED = {
    "en": ("and then " * 6, "the red fox is", "under the table"),
    "fr": ("merci bien " * 6, "la maison est", "près du pont"),
    "es": ("gracias " * 12, "mañana vamos a", "comprar pan fresco"),
    "ru": ("продолжение следует " * 6, "завтра мы поедем", "на дачу снова"),
    "zh": ("谢 谢 观 看 " * 4, "今 天 天 气", "我 们 去 公 园"),
}


@pytest.mark.parametrize(("language", "whole", "part"), [(code, *texts) for code, texts in SPOKEN.items()])
def test_repetition_that_was_spoken_is_kept_as_it_was_heard(language: str, whole: str, part: str) -> None:
    each = 7.0 / len(whole.split())
    model = ScriptedModel([said(whole, 0.5, each), said(part, 0.5, 0.3), said(part, 0.2, 0.3)])
    result = decoded(model, chunk_of(8, (0.5, 7.5)), DecodeOptions(language))
    assert text(result).split() == whole.split()
    assert [call.rung for call in model.calls] == [PLAIN] * 3


@pytest.mark.parametrize(("language", "whole", "left", "right"), [(code, *texts) for code, texts in INVENTED.items()])
def test_an_invented_loop_gives_way_to_what_its_parts_say(language: str, whole: str, left: str, right: str) -> None:
    # These samples are quietest at a third of the window, 3.05 s, where it is divided.
    model = ScriptedModel(
        [
            said(whole, 0.3, 4.7 / len(whole.split())),
            said(left, 0.3, 2.6 / len(left.split())),
            said(right, 0.15, 1.8 / len(right.split())),
        ]
    )
    result = decoded(model, chunk_of(9, (0.3, 2.9), (3.2, 5.0)), DecodeOptions(language))
    assert text(result) == f" {left} {right}"
    assert where(model) == [(0, 9), (0, 3.05), (3.05, 9)]
    assert [call.rung for call in model.calls] == [PLAIN] * 3


def test_where_the_parts_are_in_doubt_too_the_remedies_follow_until_one_is_good() -> None:
    model = ScriptedModel(
        [
            said("and then " * 6, 0.3, 0.7),
            said("and then", 0.3, 1.2, logprob=-1.4),
            said("the red fox is here", 0.1, 1.0, logprob=-1.4),
            said("the red fox and then and then and then and then", 0.3, 0.75),
            said("the red fox is under the table", 0.3, 1.2),
        ]
    )
    result = decoded(model, chunk_of(9, (0.3, 8.7)))
    assert text(result) == " the red fox is under the table"
    assert [call.rung for call in model.calls] == [PLAIN, PLAIN, PLAIN, *LADDER[:2]]


def test_of_a_text_without_an_end_a_loop_is_said_once() -> None:
    endless = said("we went and then and then and then and then", 0.5, 0.1, ended=False)
    model = ScriptedModel([endless] * (1 + len(LADDER)))
    result = decoded(model, chunk_of(2.0, (0.5, 1.4)))
    assert text(result) == " we went and then"
    assert [call.rung for call in model.calls] == [PLAIN, *LADDER]


# -- fitted context ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fitted",
    [
        said("press won now", 0.5, 0.5, logprob=-1.2),
        said("press won now", 0.5, 0.5, ended=False),
        said("and " * 12, 0.5, 0.1),
        said("press won now", 0.5, 0.5, others=(("press one now", -0.3),)),
    ],
    ids=["improbable", "without an end", "repetitive", "close call"],
)
def test_a_doubtful_fitted_chunk_is_decoded_in_full(fitted: Said) -> None:
    model = ScriptedModel([fitted, said("press one now", 0.5, 0.5)])
    result = decoded(model, chunk_of(2.5, (0.5, 2.0), context=600))
    assert text(result) == " press one now"
    assert [(call.context, call.alternatives) for call in model.calls] == [(600, True), (FULL_CONTEXT, False)]
    assert where(model) == [(0, 2.5)] * 2


def test_a_fitted_chunk_that_is_in_no_doubt_is_decoded_once() -> None:
    model = ScriptedModel([said("press one now", 0.5, 0.5, others=((" Press one, now.", -0.21), (" press won", -2.0)))])
    assert text(decoded(model, chunk_of(2.5, (0.5, 2.0), context=600))) == " press one now"


def test_speech_left_out_of_a_fitted_chunk_is_decoded_in_fitted_context() -> None:
    model = ScriptedModel([FIRST_SAID, said("press two now press three now", 0.4, 0.6)])
    assert decoded(model, chunk_of(19, *LONG, context=2_500)).unheard == ()
    assert [call.context for call in model.calls] == [2_500, 1_000]


# -- without remedies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (said("press one now", 0.5, 0.5), " press one now"),
        (said("and then " * 6, 0.5, 0.4), " and then" * 6),
        (said("press one", 0.5, logprob=-1.2), " press one"),
        (said("press one", 0.5, ended=False), " press one"),
        (said("you", 0.5, logprob=-1.5, no_speech=0.9), ""),
        (NOTHING, ""),
    ],
    ids=["early end", "repetitive", "improbable", "without an end", "silence", "nothing"],
)
@pytest.mark.parametrize("context", [1_000, FULL_CONTEXT], ids=["fitted", "full"])
def test_without_fallback_everything_is_decoded_once(heard: Said, expected: str, context: int) -> None:
    model = ScriptedModel([heard])
    result = decoded(model, chunk_of(6.5, *THREE, context=context), DecodeOptions("en", fallback=False))
    assert (text(result), result.attempts) == (expected, 1)
    assert [call.alternatives for call in model.calls] == [False]


def test_a_short_window_is_not_divided() -> None:
    model = ScriptedModel([said("six " * 6, 0.5, 0.3), said("six six six", 0.5, 0.6)])
    result = decoded(model, chunk_of(2.8, (0.5, 2.3)))
    assert [call.rung for call in model.calls] == [PLAIN, LADDER[0]]
    assert text(result) == " six six six"
