"""Sentences: a grammar over a few hundred words, and lists of free words.

Owns the vocabulary and the random sentences the speech is made from. All text is lower case without punctuation, and
numbers are words, so that what is spoken and what is written agree letter by letter. Every noun slot takes every
noun: a listener has to hear the word, because the context does not give it away. `speech` turns the sentences into
sound.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from functools import cache


def words(text: str) -> list[str]:
    """The words of `text`."""
    return text.split()


UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = words(
    """
    ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    """
)
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS = words(
    """
    first second third fourth fifth sixth seventh eighth ninth tenth
    """
)
MONTHS = words(
    """
    january february march april may june july august september october november december
    """
)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
NAMES = words(
    """
    alice bob carol david emma frank grace henry julia kevin laura mark nina oscar peter rachel simon tom
    """
)

# The plurals are formed by rule, as the first word list had them ("citys"): a second spelling of one sound would be a
# coin to toss for the model and an error in every measurement.
COUNTED = words(
    """
    airport battery bird bottle bridge camera cat city coffee computer doctor dog evening file fish folder
    forest fox garden horse hospital house keyboard kitchen letter market meeting morning mountain paper
    phone picture printer project report river school server station street summer table ticket teacher
    train village window winter dinner
    """
)
PLURALS = [noun + "s" for noun in COUNTED]
MORE_NOUNS = words(
    """
    music milk bread water apple word sentence page email message list note number song book door room car
    road family friend voice speech microphone language world question answer name
    """
)
NOUNS = [*COUNTED, *MORE_NOUNS]

# Base form and past. `read` has no past here: it would sound like `red`.
VERBS = dict(
    pair.split("/")
    for pair in words(
        """
        build/built bring/brought call/called carry/carried check/checked clean/cleaned close/closed
        copy/copied delete/deleted find/found finish/finished follow/followed forget/forgot move/moved
        open/opened paint/painted print/printed remember/remembered repair/repaired save/saved send/sent
        start/started stop/stopped visit/visited watch/watched write/wrote
        """
    )
)
PRESENT = [*VERBS, "read", "show", "play", "take", "make", "cancel", "add"]
PAST = [*VERBS.values()]
ADJECTIVES = words(
    """
    big black blue bright brown cold dark green happy heavy lazy light long loud new old orange purple quick
    quiet red short silver slow small warm white yellow good next last full broken
    """
)
ADVERBS = words(
    """
    again carefully early later now quickly slowly soon today tomorrow tonight yesterday here
    """
)
PLACES = ["across", "behind", "in", "inside", "near", "under", "at", "on", "from", "with"]
PRONOUNS = ["i", "you", "he", "she", "we", "they"]
PUNCTUATION = [
    "comma",
    "period",
    "full stop",
    "question mark",
    "exclamation mark",
    "exclamation point",
    "new line",
    "new paragraph",
    "colon",
]
MORE_WORDS = words(
    "hundred thousand and half past week month year morning evening night day please okay now next last on in"
)
UNITS_OF_TIME = ["minutes", "hours", "days", "weeks", "months"]

# Sounds that two spellings share, or one spelling with two sounds: only a sentence decides, so they never stand free.
NOT_FREE = {"to", "two", "for", "four", "read", "red", "a", "i", "of", "the", "not", "no"}

_TEMPLATES = """
3 {present} the {noun}
3 {please} {present} the {adjective} {noun} {adverb}
4 the {adjective} {noun} is {place} the {noun}
4 the {plural} are {place} the {adjective} {noun}
4 {name} {past} the {noun} and the {noun}
4 {name} {past} {count} {plural} {adverb}
3 {name} {past} the {adjective} {noun} {place} the {noun}
2 {name} and {name} {past} {count} {adjective} {plural}
2 {pronoun} {past} the {plural} {adverb}
2 we will {present} the {noun} on {weekday}
2 {name} will {present} {count} {plural} in {month}
2 they will {present} a {adjective} {noun} {adverb}
2 did {name} {present} the {plural} {adverb}
2 did you {present} the {noun}
2 is there a {noun} {place} the {adjective} {noun}
2 there are {count} {plural} {place} the {noun}
2 can you {present} my {noun} please
2 where is the {adjective} {noun}
2 what is the {ordinal} {noun}
1 what was the {noun} of {name}
1 when will {name} {present} the {noun}
1 who {past} my {adjective} {noun}
1 how many {plural} are {place} the {noun}
1 set a timer for {count} {time}
2 remind me to {present} the {noun} {when}
2 send the {noun} to {name} {when}
2 call {name} {when}
1 the {noun} is at {hour} on {weekday}
2 {weekday} the {ordinal} of {month}
1 {month} {count}
1 {weekday} {month} the {ordinal}
2 {number}
1 {number} {plural}
1 {number} point {number}
2 {digit} {digit} {digit} {digit}
1 {digit} {digit} {digit} {digit} {digit} {digit}
1 page {number}
1 the {ordinal} {noun} and the {ordinal} {noun}
1 turn the {noun} on
1 turn the {noun} off
1 {present} this {noun} not that {noun}
1 i have a {adjective} {noun}
1 it was a {adjective} {adjective} {noun}
1 i want your {noun} and {count} {plural}
1 i need {count} {plural} {when}
1 she was {place} the {noun} {when}
1 thank you {name}
1 hello {name}
1 hello world
1 thank you
1 yes
1 no
1 okay
1 yes please
1 no thank you
1 okay {present} the {noun}
1 yes {pronoun} {past} it
1 no {pronoun} {past} that
1 good {daypart} {name}
1 please {present} it again
1 scratch that
2 {count} {plural} {place} the {plural}
3 the {plural} and the {plural}
2 {present} my {plural} and your {plural}
1 the quick brown fox jumps over the lazy dog
1 the {adjective} {noun} jumps over the {noun}
2 {punctuation}
3 {present} the {noun} {punctuation}
2 hello {name} comma {present} the {noun} {punctuation}
2 {name} {past} the {adjective} {noun} {punctuation}
1 the {noun} comma the {noun} and the {noun} {punctuation}
1 where is the {noun} question mark
1 {punctuation} {punctuation}
"""


def number(draw: random.Random) -> str:
    """A number in words below ten thousand, small ones more often, each word about equally often."""
    kind = draw.random()
    if kind < 0.3:
        return draw.choice(UNITS + TEENS)
    if kind < 0.65:
        return below_hundred(draw)
    if kind < 0.85:
        return f"{draw.choice(UNITS[1:])} hundred" + (f" and {below_hundred(draw)}" if draw.random() < 0.7 else "")
    return f"{draw.choice(UNITS[1:] + TEENS)} thousand" + (f" {below_hundred(draw)}" if draw.random() < 0.6 else "")


def below_hundred(draw: random.Random) -> str:
    """One or two number words: ten to ninety-nine."""
    kind = draw.random()
    if kind < 0.35:
        return draw.choice(TEENS)
    ten = draw.choice(TENS)
    return ten if kind < 0.6 else f"{ten} {draw.choice(UNITS[1:])}"


_SLOTS: dict[str, Callable[[random.Random], str]] = {
    "noun": lambda draw: draw.choice(NOUNS),
    "plural": lambda draw: draw.choice(PLURALS),
    "name": lambda draw: draw.choice(NAMES),
    "present": lambda draw: draw.choice(PRESENT),
    "past": lambda draw: draw.choice(PAST),
    "adjective": lambda draw: draw.choice(ADJECTIVES),
    "adverb": lambda draw: draw.choice(ADVERBS),
    "place": lambda draw: draw.choice(PLACES),
    "pronoun": lambda draw: draw.choice(PRONOUNS),
    "weekday": lambda draw: draw.choice(WEEKDAYS),
    "month": lambda draw: draw.choice(MONTHS),
    "ordinal": lambda draw: draw.choice(ORDINALS),
    "punctuation": lambda draw: draw.choice(PUNCTUATION),
    "daypart": lambda draw: draw.choice(["morning", "evening", "night", "day"]),
    "please": lambda draw: draw.choice(["please", "okay", "now"]),
    "time": lambda draw: draw.choice(UNITS_OF_TIME),
    "digit": lambda draw: draw.choice(UNITS),
    "number": number,
    "count": lambda draw: draw.choice(UNITS[2:] + TEENS) if draw.random() < 0.6 else below_hundred(draw),
    "hour": lambda draw: draw.choice(["half past ", ""]) + draw.choice(UNITS[1:] + TEENS[:3]),
    "when": lambda draw: draw.choice([*ADVERBS[-6:], "on " + draw.choice(WEEKDAYS), "in " + draw.choice(MONTHS),
                                      f"next {draw.choice(['week', 'month', 'year'])}",
                                      f"last {draw.choice(['week', 'month', 'year'])}"]),
}  # fmt: skip


@cache
def templates() -> tuple[list[str], list[int]]:
    """Sentence templates with ``{slot}``s, and their weights."""
    lines = [line.split(" ", 1) for line in _TEMPLATES.strip().splitlines()]
    return [line[1] for line in lines], [int(line[0]) for line in lines]


@cache
def vocabulary() -> tuple[str, ...]:
    """Every word the grammar can say, sorted."""
    known = set(re.sub(r"\{\w+\}", " ", " ".join(templates()[0])).split())
    groups = [UNITS, TEENS, TENS, ORDINALS, MONTHS, WEEKDAYS, NAMES, PLURALS, NOUNS, PRESENT, PAST, ADJECTIVES]
    for group in [*groups, ADVERBS, PLACES, PRONOUNS, UNITS_OF_TIME, MORE_WORDS]:
        known.update(group)
    known.update(" ".join(PUNCTUATION).split())
    return tuple(sorted(known))


@cache
def freewords() -> tuple[str, ...]:
    """The words that a list without grammar may hold: those that no other word sounds like."""
    return tuple(word for word in vocabulary() if word not in NOT_FREE)


def sentence(draw: random.Random, free: float = 0.3) -> str:
    """One random sentence; with probability `free` a list of two to seven words without grammar.

    The lists balance the vocabulary: in them every word is equally likely, wherever it stands.
    """
    if draw.random() < free:
        return " ".join(draw.choice(freewords()) for _ in range(draw.randint(2, 7)))
    lines, weights = templates()
    template = draw.choices(lines, weights)[0]
    return re.sub(r"\{(\w+)\}", lambda slot: _SLOTS[slot[1]](draw), template)


def sentences(seed: int, count: int, *, without: frozenset[str] = frozenset(), least_words: int = 1) -> Iterator[str]:
    """`count` seeded random sentences, none of them in `without` and none shorter than `least_words`."""
    draw = random.Random(seed)
    made = 0
    while made < count:
        text = sentence(draw)
        if text in without or len(text.split()) < least_words:
            continue
        made += 1
        yield text
