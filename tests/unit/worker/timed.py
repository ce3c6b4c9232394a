"""Words with their times, for the tests of this folder."""

from whisperd.worker.words import TimedWord


def word(text: str, start: float, end: float, *, spoken: bool = True, probability: float = 0.9) -> TimedWord:
    return TimedWord(start, end, text, (1,), probability, spoken)


def words(text: str, start: float = 0.0, each: float = 0.4) -> list[TimedWord]:
    """The words of a text one after the other, `each` that many seconds long."""
    return [word(f" {one}", start + n * each, start + (n + 1) * each) for n, one in enumerate(text.split())]
