"""Word errors on long-form speech, against faster-whisper's two ways of decoding a whole file.

Same model, precision and beam on all three sides, everything else at each side's defaults. Besides the errors: speech
that lies in no chunk or in two (known from where the sentences were put), words lost or doubled where chunks meet, and
words heard in noise.

A word beside a border is suspected when it is left out though both others heard it. A model may skip a sentence in a
long window wherever that begins and ends; so the border is at fault only if the word is missing as well when a few
seconds on the same side of the same border are decoded alone.
"""

import bisect
import tempfile
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.alignment import Alignment, align
from benchmarks.jobs import completed, stored_chunks
from benchmarks.material import Talk, talk
from benchmarks.measure import Report
from tests.harness import ROOT, running_daemon
from tests.speech import SAMPLE_RATE, noise, write_audio
from whisperd.frames import Chunk

MODEL = ROOT / "whisperd" / "data" / "test-en"
BEAM = 5
NEAR = 3
"""Words on each side of a border that are looked at."""
BESIDE = 5 * SAMPLE_RATE
"""Samples beyond a sentence that are decoded with it when it is decoded alone."""
FAINT = SAMPLE_RATE // 20
"""Samples (50 ms) at a sentence's ends that may stay outside: breath and the last echo of a plosive."""


def run(report: Report, *, quick: bool) -> None:
    seconds, quiet = (300, 60) if quick else (1200, 600)
    said = talk(seconds, seed=2)
    with tempfile.TemporaryDirectory(prefix="whisperd-bench-") as folder:
        path = write_audio(Path(folder) / "talk.flac", said.samples)
        noisy = write_audio(Path(folder) / "noise.flac", noise(quiet, seed=1))
        with running_daemon() as daemon:
            job = completed(daemon, path, language="en")
            text = daemon.call("job.text", id=job["id"])["transcript"]["text"]
            blocks = stored_chunks(daemon.database, job["id"])
            heard_in_noise = daemon.transcribe(noisy)["text"].split()
        model = WhisperModel(str(MODEL), device="cpu", compute_type="int8")
        sequential, batched = _reference_texts(model, path)
    spoken = said.text.split()
    ours, theirs = align(spoken, text.split()), [align(spoken, sequential), align(spoken, batched)]
    _tell_errors(report, said, ours, theirs)
    chunks = [chunk for block in blocks for chunk in block]
    report.note(f"{len(chunks)} chunks in {len(blocks)} blocks")
    missed, doubled = _coverage(said, chunks)
    report.figure("speech in no chunk", missed / SAMPLE_RATE, "s", limit=0)
    report.figure("speech in two chunks", doubled / SAMPLE_RATE, "s", limit=0)
    borders = _words_at_borders(said, chunks)
    suspected = ours.left_out.intersection(borders, *(other.right_words for other in theirs))
    lost = sum(not _heard_alone(model, said, chunks, word) for word in suspected)
    report.figure("words left out near borders that both others heard", len(suspected))
    report.figure("words lost at chunk and block borders", lost, limit=0)
    report.figure("words doubled at chunk and block borders", _doubled(ours, borders), limit=0)
    report.figure(f"words heard in {quiet // 60} min of noise", len(heard_in_noise), limit=0)


def _reference_texts(model: WhisperModel, path: Path) -> list[list[str]]:
    sequential, _ = model.transcribe(str(path), language="en", beam_size=BEAM)
    batched, _ = BatchedInferencePipeline(model).transcribe(str(path), language="en", beam_size=BEAM)
    return ["".join(segment.text for segment in segments).split() for segments in (sequential, batched)]


def _tell_errors(report: Report, said: Talk, ours: Alignment, theirs: Sequence[Alignment]) -> None:
    report.note(f"{said.seconds / 60:.0f} min, {len(said.sentences)} sentences, {len(ours.reference)} words")
    limits = [one.errors for one in theirs]
    report.figure("word errors, faster-whisper, sequential", limits[0])
    report.figure("word errors, faster-whisper, batched pipeline", limits[1])
    report.figure("word errors, whisperd (limit: the better of the two)", ours.errors, limit=min(limits))
    report.figure("word error rate, whisperd", 100 * ours.errors / len(ours.reference), "%")


def _coverage(said: Talk, chunks: Sequence[Chunk]) -> tuple[int, int]:
    """Samples of speech in no chunk, and in more than one."""
    missed = doubled = 0
    for spoken in said.sentences:
        start, end = spoken.start + FAINT, spoken.end - FAINT
        overlaps = [(max(start, chunk.start), min(end, chunk.end)) for chunk in chunks]
        covered = sum(max(0, last - first) for first, last in overlaps)
        missed += max(0, end - start - covered)
        doubled += max(0, covered - (end - start))
    return missed, doubled


def _words_at_borders(said: Talk, chunks: Sequence[Chunk]) -> frozenset[int]:
    """Places of the words spoken next to where one chunk ends and the next begins.

    When a sentence goes over a border it is not known which word does, so all of its words count.
    """
    near: set[int] = set()
    place = 0
    edges = sorted({edge for chunk in chunks for edge in (chunk.start, chunk.end)})
    for spoken in said.sentences:
        count = len(spoken.text.split())
        if any(spoken.start < edge < spoken.end for edge in edges):
            near.update(range(place - NEAR, place + count + NEAR))
        place += count
    place = 0
    for spoken, following in zip(said.sentences, said.sentences[1:], strict=False):
        place += len(spoken.text.split())
        if any(spoken.end <= edge <= following.start for edge in edges):
            near.update(range(place - NEAR, place + NEAR))
    return frozenset(near)


def _heard_alone(model: WhisperModel, said: Talk, chunks: Sequence[Chunk], word: int) -> bool:
    """Whether the word is heard right when only a few seconds on its side of its border are decoded."""
    places = [0, *accumulate(len(spoken.text.split()) for spoken in said.sentences)]
    number = bisect.bisect_right(places, word) - 1
    spoken = said.sentences[number]
    words = spoken.text.split()
    for chunk in chunks:
        if not (chunk.start < spoken.end and spoken.start < chunk.end):
            continue
        at_its_end = chunk.end - spoken.end < spoken.start - chunk.start
        start = max(chunk.start, spoken.start - BESIDE) if at_its_end else chunk.start
        end = chunk.end if at_its_end else min(chunk.end, spoken.end + BESIDE)
        segments, _ = model.transcribe(said.samples[start:end], language="en", beam_size=BEAM, temperature=0.0)
        heard = "".join(segment.text for segment in segments).split()
        heard = heard[-len(words) - 1 :] if at_its_end else heard[: len(words) + 1]
        if word - places[number] in align(words, heard).right_words:
            return True
    return False


def _doubled(ours: Alignment, borders: frozenset[int]) -> int:
    """Words put in at borders that repeat what is heard right beside them."""
    count = 0
    right = None
    for before, pair, after in zip(ours.pairs, ours.pairs[1:], ours.pairs[2:], strict=False):
        right = before[0] if before[0] is not None else right
        place, other = pair
        if place is None and other is not None and right in borders:
            word = ours.hypothesis[other]
            neighbours = [ours.hypothesis[beside[1]] for beside in (before, after) if beside[1] is not None]
            count += word in neighbours
    return count
