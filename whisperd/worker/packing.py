"""From stretches of speech to the windows that the model is given. Pure: integers in, integers out.

Owns: which stretches share a chunk, where chunks begin and end, how much context each is given, which chunks are
decoded together, and where the next block begins. Positions are samples at 16 kHz. Leaves to others: finding speech
(`speech`).
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from whisperd.frames import FRAMES_PER_SECOND, FULL_CONTEXT, SAMPLE_RATE, AudioContext, Chunk
from whisperd.worker.window import LONGEST_PAUSE, PADDING

LONGEST: Final = 30 * SAMPLE_RATE
"""Samples of Whisper's window."""

GOOD_PAUSE: Final = SAMPLE_RATE
"""Samples (1 s) of silence from which a place to cut can't get better: a pause between sentences."""

OVERLAP: Final = SAMPLE_RATE
"""Samples (1 s) before the end of a block that the next one hears again, so that an onset at the border is not
missed."""

LONGEST_SPAN: Final = 120 * SAMPLE_RATE
"""Samples (2 min) from a chunk's beginning to its end, pauses that are not heard included: where little is said, a
block's last chunk, which is left to the next block, takes little of the audio with it."""

_SAMPLES_A_FRAME: Final = SAMPLE_RATE // FRAMES_PER_SECOND

_MARGIN: Final = 256
"""Frames of context beyond a chunk's own length: 128 encoder positions, as whisper.cpp's `audio_ctx` is recommended for
unadapted models (its issue 1855); with too little they repeat themselves."""

_BUCKETS: Final = (600, 1_000, 1_500, 2_000, 2_500, FULL_CONTEXT)
"""Contexts that occur. Few, so that chunks find mates of the same shape; a function of the chunk alone, so that its
result is one too."""

_FIXED_COST: Final = 200
"""What a window costs besides its context, in frames, when windows are weighed against each other: prompt and call."""


class Stretch(NamedTuple):
    """Speech in `[start, end)`."""

    start: int
    end: int


def context_for(length: int, audio_context: AudioContext) -> int:
    """Mel frames of context for a chunk of `length` samples."""
    if audio_context is AudioContext.FULL:
        return FULL_CONTEXT
    wanted = -(-length // _SAMPLES_A_FRAME) + _MARGIN
    return next((bucket for bucket in _BUCKETS if bucket >= wanted), FULL_CONTEXT)


def split_long(speech: Iterable[Stretch], quietest: Callable[[int, int], int]) -> list[Stretch]:
    """The stretches, those too long for a window cut where they are quietest.

    `quietest(start, end)` names a position in that range. A piece is at least half a window, so that there is room to
    choose from, and pieces touch: no sample of speech is lost.
    """
    limit = LONGEST - 2 * PADDING
    pieces: list[Stretch] = []
    for start, end in speech:
        while end - start > limit:
            cut = min(max(quietest(start + limit // 2, start + limit), start + limit // 2), start + limit)
            pieces.append(Stretch(start, cut))
            start = cut  # noqa: PLW2901 - what is left of this stretch
        pieces.append(Stretch(start, end))
    return pieces


def pack(speech: Sequence[Stretch], begin: int, end: int, audio_context: AudioContext) -> list[Chunk]:
    """Chunks that cover every stretch exactly once, in order, inside `[begin, end)`, of each at most 30 s heard.

    Of all ways to cut, the cheapest for the encoder is taken (with full context: the fewest windows), and of
    equally cheap ones that whose cuts lie in the longest pauses. Stretches are at most a window less its padding long
    (`split_long`), in order, and apart or touching.
    """
    if not speech:
        return []
    middles = [a.end + (b.start - a.end) // 2 for a, b in pairwise(speech)]
    lowest = [begin, *middles]
    highest = [*middles, end]
    starts = [max(bound, stretch.start - PADDING) for bound, stretch in zip(lowest, speech, strict=True)]
    ends = [min(bound, stretch.end + PADDING) for bound, stretch in zip(highest, speech, strict=True)]
    # Samples of the audio up to each stretch that no chunk hears which goes on over them.
    silent = list(accumulate((max(0, b.start - a.end - LONGEST_PAUSE) for a, b in pairwise(speech)), initial=0))
    # best[i]: cost and cut badness of the first i stretches, and the number of those before their last chunk.
    best: list[tuple[int, float, int]] = [(0, 0.0, 0)]
    for last in range(len(speech)):
        options: list[tuple[int, float, int]] = []
        for first in range(last, -1, -1):
            span = ends[last] - starts[first]
            length = span - (silent[last] - silent[first])
            if first < last and (length > LONGEST or span > LONGEST_SPAN):
                break
            cost, badness, _ = best[first]
            pause = speech[first].start - speech[first - 1].end if first else GOOD_PAUSE
            options.append((cost + _window_cost(length, audio_context), badness + _badness(pause), first))
        best.append(min(options))
    chunks: list[Chunk] = []
    count = len(speech)
    while count:
        first = best[count][2]
        start, stop = starts[first], ends[count - 1]
        length = stop - start - (silent[count - 1] - silent[first])
        own = tuple((stretch.start, stretch.end) for stretch in speech[first:count])
        chunks.append(Chunk(start, stop, context_for(length, audio_context), own))
        count = first
    return chunks[::-1]


def _window_cost(length: int, audio_context: AudioContext) -> int:
    return context_for(length, audio_context) + _FIXED_COST


def _badness(pause: int) -> float:
    """From 0 for a cut in a good pause to 1 for one in the middle of speech; short pauses are worse by the square."""
    return (1 - min(pause, GOOD_PAUSE) / GOOD_PAUSE) ** 2


def next_block(chunks: Sequence[Chunk], begin: int, end: int) -> tuple[Sequence[Chunk], int]:
    """What of a block that is not the last one is decoded with it, and where the next block begins.

    The last chunk is left to the next block, where what follows it is heard too; unless it is all there is from the
    beginning of this block: the next block begins after `begin` in any case.
    """
    if chunks and chunks[-1].start > begin:
        return chunks[:-1], chunks[-1].start
    heard = chunks[-1].end if chunks else begin + 1
    return chunks, max(heard, end - OVERLAP)
