import time

from whisperd.dictation.surroundings import LastText


def test_a_dictation_goes_on_from_a_text_of_a_moment_ago_only() -> None:
    last = LastText()
    now = time.monotonic()
    assert last.before(now, within=20) == ""
    last.keep("This is ")
    assert last.before(now, within=20) == "This is "  # it began before that was delivered
    assert last.before(now + 10, within=20) == "This is "
    assert last.before(now + 30, within=20) == ""
    assert last.before(now, within=0) == ""
