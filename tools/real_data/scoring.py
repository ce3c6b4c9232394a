"""Scoring: what was heard against what was said.

Owns: normalising both sides in the same way, word errors by kind, and by the recording's truth speech that got no
word, words where nobody spoke, and how far off first words are. Times are seconds.

Normalising is Whisper's own: for English with its table of spellings and numbers, for the others without symbols and
accents, which parts of the voices' texts were typed without. Numbers then are compared digit by digit, so that "twenty
five", "twenty, five" and "25" differ by a digit at most, and the words for 0 to 20, the tens, 100 and 1000 count as
digits in every language: a model writes either, and both are right.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import jiwer
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from tools.real_data.numbers import with_digits
from tools.real_data.recordings import Placed, Recording

_NUMBER = re.compile(r"\d+")
_PHRASES = re.compile(r"(?<=[.,;:?!…])\s+")


@dataclass(frozen=True)
class Heard:
    """A word, or a segment where there are no words, of the output. `channel` None: of any."""

    text: str
    start: float
    end: float
    channel: int | None = None


@dataclass(frozen=True)
class Errors:
    """Word errors by kind; `words` are those of the reference. Sums with `+`."""

    words: int = 0
    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0

    @property
    def errors(self) -> int:
        return self.substitutions + self.insertions + self.deletions

    @property
    def rate(self) -> float:
        """Errors per word of the reference, in percent; 0 without words."""
        return 100 * self.errors / self.words if self.words else 0.0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            self.words + other.words,
            self.substitutions + other.substitutions,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
        )


@dataclass(frozen=True)
class Match:
    """One pair of the alignment: places in the reference and in the hypothesis, None where the other has no word."""

    said: int | None
    heard: int | None
    equal: bool = False


@dataclass(frozen=True)
class Score:
    """What one recording's output is worth.

    `unspoken`: the prompts without any word, neither in their time nor in the alignment. `unheard_stretches`: the
    stretches of at least 0.5 s in which no word lies, of prompts of which words are missing. `starts`: for each prompt
    whose first word was heard right, how many seconds after its true start that word begins (negative: before).
    `invented`: words that lie where for half a second around nobody speaks.
    """

    errors: Errors
    unspoken: tuple[Placed, ...]
    unheard_stretches: tuple[tuple[float, float], ...]
    starts: tuple[float, ...]
    invented: tuple[Heard, ...]

    @property
    def unspoken_seconds(self) -> float:
        return sum(placed.end - placed.start for placed in self.unspoken)

    @property
    def unheard_seconds(self) -> float:
        return sum(end - start for start, end in self.unheard_stretches)


SHORTEST_STRETCH = 0.5
"""Seconds of speech from which it counts when no word lies in it."""
AROUND = 0.5
"""Seconds beside speech in which a word still belongs to it."""
PAUSE = 0.3
"""Seconds between two words from which they belong to two phrases."""


def normalised(text: str, language: str) -> list[str]:
    """The words of a text as they are compared."""
    words: list[str] = []
    # Phrase by phrase: the English normalizer makes one number of "fifty. Six."
    for phrase in _PHRASES.split(text):
        for word in with_digits(_normalizer(language)(phrase), language).split():
            words += list(word) if _NUMBER.fullmatch(word) else [word]
    return words


def score(recording: Recording, heard: Sequence[Heard]) -> Score:
    """What the output of a recording is worth: its words in order of time, or its segments."""
    said = [(placed, normalised(placed.text, placed.language)) for placed in recording.prompts]
    reference = [word for _, words in said for word in words]
    timed = timed_words(heard, recording.language)
    matches = aligned(reference, [word for word, _ in timed])
    of_said = {match.said: match for match in matches if match.said is not None}
    unspoken: list[Placed] = []
    stretches: list[tuple[float, float]] = []
    starts: list[float] = []
    place = 0
    for placed, words in said:
        own = [of_said[index] for index in range(place, place + len(words))]
        place += len(words)
        missing = [match for match in own if match.heard is None]
        own_words = [word for word in heard if word.channel in (None, placed.channel)]
        if len(missing) == len(own) and not _any_between(own_words, placed.start, placed.end):
            unspoken.append(placed)
        if missing:
            stretches += [
                (start, end)
                for start, end in placed.stretches
                if end - start >= SHORTEST_STRETCH and not _any_between(own_words, start, end)
            ]
        if own and own[0].equal and own[0].heard is not None:
            begins = timed[own[0].heard][1]
            starts += [begins - placed.start] if begins is not None else []
    return Score(counted(matches), tuple(unspoken), tuple(stretches), tuple(starts), tuple(invented(recording, heard)))


def counted(matches: Iterable[Match]) -> Errors:
    """The errors of an alignment."""
    words = substitutions = insertions = deletions = 0
    for match in matches:
        words += match.said is not None
        insertions += match.said is None
        deletions += match.heard is None
        substitutions += match.said is not None and match.heard is not None and not match.equal
    return Errors(words, substitutions, insertions, deletions)


def errors(said: str, heard: str, language: str) -> Errors:
    """The word errors of two texts."""
    return counted(aligned(normalised(said, language), normalised(heard, language)))


def aligned(said: Sequence[str], heard: Sequence[str]) -> list[Match]:
    """The shortest alignment of two lists of normalised words, pair by pair in order."""
    if not said:
        return [Match(None, index) for index in range(len(heard))]
    if not heard:
        return [Match(index, None) for index in range(len(said))]
    matches: list[Match] = []
    # jiwer splits texts at spaces: normalised words hold none
    for part in jiwer.process_words(" ".join(said), " ".join(heard)).alignments[0]:
        places = range(part.ref_start_idx, part.ref_end_idx), range(part.hyp_start_idx, part.hyp_end_idx)
        match part.type:
            case "insert":
                matches += [Match(None, other) for other in places[1]]
            case "delete":
                matches += [Match(one, None) for one in places[0]]
            case _:
                matches += [Match(one, other, part.type == "equal") for one, other in zip(*places, strict=True)]
    return matches


def timed_words(heard: Sequence[Heard], language: str) -> list[tuple[str, float | None]]:
    """The normalised words of the whole output, each with the start of the word it came from, where that is certain.

    Each phrase is normalised as a whole ("two hundred and five" is one number), so its words are found again by
    aligning them with the words normalised one by one; what became another word by that has no time (None). Of a
    segment only the first word's start is known.
    """
    timed: list[tuple[str, float | None]] = []
    for phrase in _phrases(heard):
        whole = normalised(" ".join(one.text for one in phrase), language)
        single = [
            (word, one.start if index == 0 else None)
            for one in phrase
            for index, word in enumerate(normalised(one.text, language))
        ]
        found = {
            match.said: single[match.heard][1]
            for match in aligned(whole, [word for word, _ in single])
            if match.equal and match.said is not None and match.heard is not None
        }
        timed += [(word, found.get(index)) for index, word in enumerate(whole)]
    return timed


def _phrases(heard: Sequence[Heard]) -> list[list[Heard]]:
    """The output, divided at pauses: what is said before and after one is not one number."""
    phrases: list[list[Heard]] = []
    for one in heard:
        if phrases and one.start - phrases[-1][-1].end < PAUSE:
            phrases[-1].append(one)
        else:
            phrases.append([one])
    return phrases


def invented(recording: Recording, heard: Sequence[Heard]) -> list[Heard]:
    """What of the output lies where nobody speaks, not even within AROUND."""
    spoken = [(start - AROUND, end + AROUND) for placed in recording.prompts for start, end in placed.stretches]
    return [one for one in heard if not any(one.start < end and start < one.end for start, end in spoken)]


def _any_between(heard: Iterable[Heard], start: float, end: float) -> bool:
    return any(one.start < end and start < one.end for one in heard)


@cache
def _normalizer(language: str) -> EnglishTextNormalizer | BasicTextNormalizer:
    return EnglishTextNormalizer() if language == "en" else BasicTextNormalizer(remove_diacritics=True)
