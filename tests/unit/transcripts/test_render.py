"""The file formats, against independent parsers and small files that were checked by eye."""

import csv
import html
import json
from datetime import timedelta
from io import StringIO

import pytest
import srt
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from whisperd.frames import Segment, Word
from whisperd.jobs.job import Format
from whisperd.transcripts.render import one_line, render, timestamp

from .samples import segment, transcript

HOUR = 3600.0
TWO = transcript(segment(0.0, 2.5, " hello there."), segment(2.5, 4.0004, " <b>&--> bye"))

GOLDEN = {
    Format.TXT: "hello there.\n<b>&--> bye\n",
    Format.SRT: ("1\n00:00:00,000 --> 00:00:02,500\nhello there.\n\n2\n00:00:02,500 --> 00:00:04,000\n<b>&-> bye\n"),
    Format.VTT: "WEBVTT\n\n00:00.000 --> 00:02.500\nhello there.\n\n00:02.500 --> 00:04.000\n&lt;b>&amp;-> bye\n",
    Format.TSV: "start\tend\ttext\n0\t2500\thello there.\n2500\t4000\t<b>&--> bye\n",
}


@pytest.mark.parametrize("form", GOLDEN)
def test_known_transcript_has_these_very_bytes(form: Format) -> None:
    assert render(TWO, form) == GOLDEN[form]


def test_json_has_these_very_bytes() -> None:
    words = (Word(start=0.0, end=0.5, word=" hé", probability=0.75),)
    content = render(transcript(segment(0.0, 0.5, " hé", words=words), notes=("a note",)), Format.JSON)
    assert content == (
        '{"text":"hé","segments":[{"id":0,"seek":0,"start":0.0,"end":0.5,"text":" hé","tokens":[7,8],'
        '"temperature":0.0,"avg_logprob":-0.6931471805599453,"compression_ratio":1.25,"no_speech_prob":0.125,'
        '"confidence":0.5,"words":[{"start":0.0,"end":0.5,"word":" hé","probability":0.75}]}],"language":"en",'
        '"language_probability":1.0,"confidence":0.5,"duration":60.0,"processing_time":6.5,"model":"test-en",'
        '"device":"cpu","partial":false,"missing":0.0,"unheard":0.0,"notes":["a note"]}\n'
    )


@pytest.mark.parametrize(
    ("form", "content"),
    [(Format.TXT, ""), (Format.SRT, ""), (Format.VTT, "WEBVTT\n"), (Format.TSV, "start\tend\ttext\n")],
)
def test_empty_transcript_is_a_valid_empty_file(form: Format, content: str) -> None:
    assert render(transcript(), form) == content
    assert list(webvtt.from_string(render(transcript(), Format.VTT))) == []
    assert list(srt.parse(render(transcript(), Format.SRT))) == []


@pytest.mark.parametrize(
    ("seconds", "in_srt", "in_vtt"),
    [
        (0.0, "00:00:00,000", "00:00.000"),
        (0.0004, "00:00:00,000", "00:00.000"),
        (0.9996, "00:00:01,000", "00:01.000"),
        (59.9999, "00:01:00,000", "01:00.000"),
        (HOUR - 0.001, "00:59:59,999", "59:59.999"),
        (HOUR, "01:00:00,000", "01:00:00.000"),
        (10 * HOUR + 1.5, "10:00:01,500", "10:00:01.500"),
        (100 * HOUR + 61, "100:01:01,000", "100:01:01.000"),
        (-0.2, "00:00:00,000", "00:00.000"),
    ],
)
def test_times_are_written_so(seconds: float, in_srt: str, in_vtt: str) -> None:
    one = transcript(segment(seconds, seconds + 1, "x"))
    assert render(one, Format.SRT).splitlines()[1].split(" --> ")[0] == in_srt
    assert render(one, Format.VTT).splitlines()[2].split(" --> ")[0] == in_vtt


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (" one\ntwo", "one two"),
        ("one\r\n\r\ntwo", "one two"),
        ("a\tb", "a b"),
        ("a\u2028b\x85c\x0bd", "a b c d"),
        ("\x00a\x1b[31mb", "a [31mb"),
        ("two  spaces", "two  spaces"),
        (" \n\t ", ""),
    ],
)
def test_a_segment_stays_on_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_segments_without_text_are_numbered_nowhere_but_in_json() -> None:
    three = transcript(segment(0, 1, " a"), segment(1, 2, " \n"), segment(2, 3, " c"))
    assert [cue.index for cue in srt.parse(render(three, Format.SRT))] == [1, 2]
    assert render(three, Format.TXT) == "a\nc\n"
    assert len(json.loads(render(three, Format.JSON))["segments"]) == 3


@pytest.mark.parametrize("text", ["-->", "a --> b", "--->", "----> x", "00:00:01,000 --> 00:00:02,000"])
def test_an_arrow_in_a_text_never_looks_like_a_cue(text: str) -> None:
    one = transcript(segment(0, 1, text))
    assert len(list(srt.parse(render(one, Format.SRT)))) == 1
    assert render(one, Format.SRT).count("-->") == render(one, Format.VTT).count("-->") == 1


def test_a_cue_without_duration_lasts_a_millisecond() -> None:
    (cue,) = srt.parse(render(transcript(segment(1, 1, "x")), Format.SRT))
    assert cue.end - cue.start == timedelta(milliseconds=1)


def test_words_appear_in_json_only_where_they_were_asked_for() -> None:
    with_words = segment(0, 1, " a", words=(Word(start=0.0, end=1.0, word=" a", probability=0.5),))
    document = json.loads(render(transcript(with_words, segment(1, 2, " b")), Format.JSON))
    assert document["segments"][0]["words"] == [{"word": " a", "start": 0.0, "end": 1.0, "probability": 0.5}]
    assert "words" not in document["segments"][1]


def test_json_says_what_is_partial() -> None:
    document = json.loads(render(transcript(partial=True, missing=12.5), Format.JSON))
    assert (document["partial"], document["missing"]) == (True, 12.5)


def test_json_says_how_much_speech_has_no_words() -> None:
    assert json.loads(render(transcript(unheard=2.25), Format.JSON))["unheard"] == 2.25


def test_json_stays_json_when_a_probability_is_not_finite() -> None:
    document = json.loads(render(transcript(segment(0, 1, "x", avg_logprob=float("-inf"))), Format.JSON))
    assert document["segments"][0]["avg_logprob"] is None


# -- any transcript ---------------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30) | st.sampled_from(
    [
        " hello",
        " a --> b",
        "&lt;",
        " <i>x</i>",
        "1\n\n2",
        " 42",
        "WEBVTT",
        "NOTE",
        " STYLE",
        "a\tb",
        '"quoted"',
        "<00:01>",
    ]
)
MILLISECONDS = st.integers(0, 200 * 3_600_000)


@st.composite
def spoken_segments(draw: st.DrawFn) -> list[Segment]:
    times = sorted(draw(st.lists(MILLISECONDS, min_size=2, max_size=12, unique=True)))
    return [segment(start / 1000, end / 1000, draw(TEXTS)) for start, end in zip(times[::2], times[1::2], strict=False)]


def shown(segments: list[Segment]) -> list[Segment]:
    return [s for s in segments if one_line(s.text)]


@given(spoken_segments())
def test_srt_read_by_another_parser_has_the_same_times_and_texts(segments: list[Segment]) -> None:
    cues = list(srt.parse(render(transcript(*segments), Format.SRT)))
    assert [(c.index, c.start, c.end) for c in cues] == [
        (n, timedelta(milliseconds=round(s.start * 1000)), timedelta(milliseconds=round(s.end * 1000)))
        for n, s in enumerate(shown(segments), start=1)
    ]
    for cue, original in zip(cues, shown(segments), strict=True):
        if "-->" not in original.text:
            assert cue.content == one_line(original.text)


@given(spoken_segments())
def test_vtt_read_by_another_parser_has_the_same_times_and_texts(segments: list[Segment]) -> None:
    cues = list(webvtt.from_string(render(transcript(*segments), Format.VTT), strict=True))
    assert [(c.start_time.in_milliseconds(), c.end_time.in_milliseconds()) for c in cues] == [
        (round(s.start * 1000), round(s.end * 1000)) for s in shown(segments)
    ]
    for cue, original in zip(cues, shown(segments), strict=True):
        assert cue.text == cue.raw_text, "no tag is left after escaping"
        if "-->" not in original.text:
            assert html.unescape(cue.raw_text) == html.unescape(
                one_line(original.text).replace("&", "&amp;").replace("<", "&lt;")
            )


@given(spoken_segments())
def test_tsv_has_three_fields_a_row(segments: list[Segment]) -> None:
    content = render(transcript(*segments), Format.TSV)
    rows = list(csv.reader(StringIO(content, newline="\n"), delimiter="\t", quoting=csv.QUOTE_NONE))
    assert rows[0] == ["start", "end", "text"]
    assert [(int(start), int(end), text) for start, end, text in rows[1:]] == [
        (round(s.start * 1000), round(s.end * 1000), one_line(s.text)) for s in shown(segments)
    ]


@given(spoken_segments())
def test_txt_has_one_line_a_segment(segments: list[Segment]) -> None:
    assert render(transcript(*segments), Format.TXT).splitlines() == [one_line(s.text) for s in shown(segments)]


@given(spoken_segments())
def test_json_keeps_every_segment_as_it_is(segments: list[Segment]) -> None:
    content = render(transcript(*segments), Format.JSON)
    document = json.loads(content)
    assert content.count("\n") == 1
    assert [(s["id"], s["start"], s["end"], s["text"]) for s in document["segments"]] == [
        (n, s.start, s.end, s.text) for n, s in enumerate(segments)
    ]


@given(MILLISECONDS)
def test_timestamps_count_milliseconds(milliseconds: int) -> None:
    hours, minutes, rest = timestamp(milliseconds, separator=".", hours=True).split(":")
    seconds, thousandths = rest.split(".")
    assert ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(thousandths) == milliseconds
    assert (len(minutes), len(seconds), len(thousandths)) == (2, 2, 3)
    assert int(minutes) < 60 and int(seconds) < 60
