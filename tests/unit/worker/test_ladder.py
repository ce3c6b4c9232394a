"""When a result is doubted, and which attempt is kept."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisperd.worker.ladder import (
    REPEATS,
    Attempt,
    agree,
    best,
    compression_ratio,
    is_believable,
    is_broken,
    is_close_call,
    is_doubtful,
    is_repetitive,
    is_silence,
    joined,
    leaves_out,
    without_loop,
)
from whisperd.worker.model import Hypothesis
from whisperd.worker.words import TimedWord

from .timed import word, words

GOOD = "the red fox is under the table"
LOOP = "and then " * 50


def attempt(
    text: str = GOOD,
    logprob: float = -0.2,
    no_speech: float = 0.0,
    ended: bool = True,
    seconds: float = 20.0,
    said: Sequence[TimedWord] = (),
    coverage: float = 1.0,
) -> Attempt:
    return Attempt(Hypothesis((1, 2), logprob, no_speech, ended), text, seconds, tuple(said), coverage)


def saying(text: str, logprob: float = -0.2) -> Attempt:
    return attempt(text, logprob, said=words(text))


@pytest.mark.parametrize(
    ("candidate", "doubtful"),
    [
        (attempt(), False),
        (attempt(""), False),
        (attempt(LOOP), True),
        (attempt(logprob=-1.1), True),
        (attempt(ended=False), True),
        (attempt(seconds=0.1), True),
        (attempt(logprob=-1.1, no_speech=0.7), False),
        (attempt(no_speech=0.9), False),
    ],
    ids=[
        "good",
        "empty",
        "repetitive",
        "improbable",
        "endless",
        "too long to be spoken",
        "silence",
        "sure despite silence",
    ],
)
def test_what_is_doubted(candidate: Attempt, doubtful: bool) -> None:
    assert is_doubtful(candidate) is doubtful


@pytest.mark.parametrize(
    ("candidate", "left_out"),
    [
        (attempt(coverage=0.79), True),
        (attempt(coverage=0.8), False),
        (attempt(logprob=-1.1, no_speech=0.7, coverage=0.0), False),
    ],
    ids=["much speech without words", "little speech without words", "silence"],
)
def test_what_leaves_speech_out(candidate: Attempt, left_out: bool) -> None:
    assert leaves_out(candidate) is left_out


def test_silence_needs_both_signs() -> None:
    assert is_silence(attempt(logprob=-1.1, no_speech=0.7))
    assert not is_silence(attempt(logprob=-0.5, no_speech=0.7))
    assert not is_silence(attempt(logprob=-1.1, no_speech=0.5))


@pytest.mark.parametrize(
    ("others", "close"),
    [
        ([], False),
        ([("Oscar bought four gardens.", -4.5)], True),
        ([("Oscar bought four gardens.", -3.0)], True),
        ([("Oscar bought four gardens.", -5.1)], False),
        ([("oscar bought forty gardens", -4.1)], False),
        ([("oscar bought forty gardens", -4.1), ("Oscar bought for tea gardens.", -4.5)], True),
    ],
    ids=["alone", "near", "more probable but worse by the mean", "far", "the same words", "second of two"],
)
def test_what_is_a_close_call(others: list[tuple[str, float]], close: bool) -> None:
    assert is_close_call("Oscar bought forty gardens.", -4.0, others) is close


def test_vowel_signs_make_other_words() -> None:
    assert is_close_call("कि", -4.0, [("की", -4.1)])


def test_the_first_good_attempt_is_kept() -> None:
    good, better = attempt(logprob=-0.9), attempt(logprob=-0.1)
    assert best([attempt(LOOP, logprob=-0.01), good, better]) is good


def test_without_a_good_one_the_most_probable_one_that_could_be_spoken_is_kept() -> None:
    attempts = [
        attempt(LOOP, logprob=-0.1, seconds=1.0),
        attempt(logprob=-1.5),
        attempt(logprob=-1.2),
        attempt(logprob=-1.1, ended=False),
    ]
    assert best(attempts) is attempts[2]


def test_of_doubtful_ones_that_with_words_for_more_of_the_speech_is_kept() -> None:
    more, less = attempt(logprob=-1.8, coverage=0.9), attempt(logprob=-1.2, coverage=0.6)
    assert best([less, more]) is more
    # A twentieth is within what alignments differ by.
    nearly = attempt(logprob=-1.2, coverage=0.88)
    assert best([more, nearly]) is nearly


def test_a_word_that_the_model_was_forced_to_say_costs_more_than_its_search_tells() -> None:
    plain = attempt(logprob=-1.4, said=[word(" press", 0, 1, probability=0.4), word(" two", 1, 2, probability=0.4)])
    forced = attempt(logprob=-1.1, said=[word(" press", 0, 1, probability=0.9), word(" tw", 1, 2, probability=0.001)])
    assert best([plain, forced]) is plain


def test_of_equals_the_first_is_kept() -> None:
    attempts = [attempt(logprob=-1.2), attempt(logprob=-1.2)]
    assert best(attempts) is attempts[0]


def test_when_all_repeat_the_most_probable_is_kept() -> None:
    attempts = [attempt(LOOP, logprob=-0.3), attempt(LOOP, logprob=-0.1)]
    assert best(attempts) is attempts[1]


@pytest.mark.parametrize(
    ("candidate", "believable"),
    [
        (attempt(), True),
        (attempt(LOOP), True),
        (attempt(logprob=-1.1), False),
        (attempt(logprob=-1.1, no_speech=0.7), False),
        (attempt(ended=False), False),
        (attempt(seconds=0.1), False),
        (attempt(said=[word(" press", 0, 1, probability=0.9), word(" tw", 1, 2, probability=0.01)]), False),
        (attempt(said=[word(" press", 0, 1, probability=0.9), word(" two", 1, 2, probability=0.2)]), True),
    ],
    ids=[
        "good",
        "repetitive",
        "improbable",
        "silence",
        "endless",
        "too long to be spoken",
        "improbable words",
        "probable words",
    ],
)
def test_what_is_believed_without_another_to_compare_it_with(candidate: Attempt, believable: bool) -> None:
    assert is_believable(candidate) is believable


# -- repetition -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        " six" * 12,
        LOOP,
        " Press one." * 4,
        " продолжение следует" * 5,
        "谢谢观看。" * 4,
        "ご視聴ありがとうございました。" * 4,
        " شكرا لكم" * 4,
        " धन्यवाद" * 4,
        " one two THREE, one two three; One two three - one two three!",
    ],
)
def test_what_is_said_four_times_in_a_row_is_looked_into_in_every_script(text: str) -> None:
    assert is_repetitive(text)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        " Call 0000, or 555 0000.",
        " ha ha ha",
        "好好好好",
        " no, no, no",
        " If you want to hear it again, press one; if you want to go on, press two; if you want to end, press three.",
        " Чтобы прослушать его, нажмите один; чтобы стереть его, нажмите два; чтобы сохранить его, нажмите три.",
        " Pour écouter, appuyez sur un; pour effacer, appuyez sur deux; pour garder, appuyez sur trois.",
        "如果要重听请按一，如果要删除请按二，如果要保存请按三，如果要返回请按四。",
        "",
    ],
)
def test_menus_numbers_and_words_said_a_few_times_are_not(text: str) -> None:
    assert not is_repetitive(text)


SPOKEN = {
    "English number": (" six" * 12, " six" * 12),
    "English number in digits": (" 6" * 12, " six" * 12),
    "French song": (" alouette" * 6, " alouette" * 5),
    "Spanish list": (" uno dos tres" * 4, " uno dos tres" * 4),
    "Russian menu": (" нажмите один" * 4 + " нажмите два", " нажмите один" * 4 + " нажмите два"),
    "Chinese praise": (" 好 好 好 好 好 好 听" * 4, " 好 好 好 好 好 听" * 4),
}
INVENTED = {
    "English": (" and then" * 20, " the red fox is under the table and looks at us"),
    "French": (" merci" * 20, " la maison de mon oncle est près de la rivière"),
    "Spanish": (" gracias por ver" * 8, " mañana vamos a comprar pan y vino para todos"),
    "Russian": (" продолжение следует" * 8, " завтра мы поедем на дачу к бабушке и дедушке"),
    "Chinese": (" 谢谢 观看" * 8, " 今天 天气 很 好 我们 去 公园 散步 吧"),
}


@pytest.mark.parametrize(("whole", "parts"), SPOKEN.values(), ids=SPOKEN)
def test_what_the_parts_repeat_as_well_was_said(whole: str, parts: str) -> None:
    assert agree(saying(whole), saying(parts))


@pytest.mark.parametrize(("whole", "parts"), INVENTED.values(), ids=INVENTED)
def test_a_loop_in_whose_place_the_parts_find_other_words_was_not(whole: str, parts: str) -> None:
    assert not agree(saying(whole), saying(parts))


def test_what_could_not_be_said_or_is_improbable_agrees_with_nothing() -> None:
    said = saying(" six" * 12)
    endless = attempt(" six" * 12, ended=False, said=words("six " * 12))
    assert not agree(endless, said)
    assert not agree(said, endless)
    assert not agree(saying(" six" * 12, logprob=-1.1), said)
    assert not agree(attempt(" six" * 12, said=words("six " * 12), coverage=0.5), said)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("and then " * 50, "and then"),
        ("we went home home home home home and slept", "we went home and slept"),
        ("a b a b a b a b c c c c", "a b c"),
        ("Thanks. thanks thanks! THANKS", "Thanks."),
        ("no no no", "no no no"),
        ("one two one two one two one", "one two one two one two one"),
    ],
)
def test_of_a_loop_one_turn_is_left(said: str, left: str) -> None:
    assert [each.text for each in without_loop(words(said))] == [f" {one}" for one in left.split()]


@given(st.lists(st.sampled_from(["a", "b", "c", "six"]), max_size=6), st.integers(0, 12))
def test_cutting_a_loop_leaves_words_in_their_order_and_no_loop_of_words(unit: list[str], turns: int) -> None:
    said = words(" ".join(unit * turns))
    left = without_loop(said)
    places = [said.index(each) for each in left]
    assert places == sorted(places)
    assert without_loop(left) == left
    assert {each.text for each in left} == {each.text for each in said}
    if turns >= REPEATS:
        assert len(left) <= len(unit)


# -- parts ------------------------------------------------------------------------------------------------------------


def test_two_parts_are_one_attempt() -> None:
    left = Attempt(Hypothesis((1, 2, 3), -0.2, 0.1, True), " the red fox", 4.0, tuple(words("the red fox")), 1.0)
    right = Attempt(Hypothesis((4,), -0.6, 0.3, True), " runs", 2.0, tuple(words("runs", 0.5)), 0.25)
    both = joined(left, right, 4.0)
    assert (both.text, both.duration, both.coverage) == (" the red fox runs", 6.0, pytest.approx(0.75))
    assert [each.start for each in both.words] == pytest.approx([0.0, 0.4, 0.8, 4.5])
    assert both.hypothesis.tokens == (1, 2, 3, 4)
    # Of six tokens, the two ends among them: four at -0.2, two at -0.6.
    assert both.hypothesis.avg_logprob == pytest.approx((4 * -0.2 + 2 * -0.6) / 6)
    assert (both.hypothesis.no_speech_prob, both.hypothesis.ended) == (0.3, True)


def test_a_part_that_is_silence_says_nothing() -> None:
    silent = attempt(" Thank you.", logprob=-1.5, no_speech=0.9, seconds=5.0, said=words("Thank you."))
    spoken = attempt(" the red fox", seconds=5.0, said=words("the red fox"))
    assert joined(spoken, silent, 5.0).text == joined(silent, spoken, 5.0).text == " the red fox"
    assert len(joined(silent, spoken, 5.0).words) == 3


def test_with_a_part_without_an_end_both_are_broken() -> None:
    assert is_broken(joined(attempt(), attempt(ended=False), 20.0))
    assert not is_broken(joined(attempt(), attempt(), 20.0))


def test_repetition_compresses() -> None:
    assert compression_ratio(GOOD) < 1.2 < 2.4 < compression_ratio(LOOP)
