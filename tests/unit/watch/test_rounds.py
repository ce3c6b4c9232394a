"""When a folder is looked at."""

from whisperd.watch.rounds import EFFORT, FILES_EVERY, FOLDERS_EVERY, POLL_EVERY, Rounds, pause


def test_pauses_double_while_nothing_is_found_up_to_a_limit() -> None:
    assert [pause(30.0, 300.0, quiet) for quiet in range(7)] == [30, 30, 60, 120, 240, 300, 300]
    assert pause(600.0, 600.0, 50) == 600


def test_all_is_due_at_the_beginning_and_after_anything_may_have_happened() -> None:
    rounds = Rounds()
    assert rounds.next < 0
    rounds.done(100.0, all_files=True, events=True)
    assert (rounds.folders_due, rounds.files_due) == (100 + FOLDERS_EVERY, 100 + FILES_EVERY)
    rounds.done(130.0, all_files=False, events=True)
    assert (rounds.folders_due, rounds.files_due) == (130 + 2 * FOLDERS_EVERY, 100 + FILES_EVERY)
    rounds.begin_anew()
    assert rounds.next == 130


def test_a_find_makes_the_rounds_frequent_again_and_polled_folders_are_always_looked_at_often() -> None:
    rounds = Rounds()
    for _ in range(10):
        rounds.done(0.0, all_files=False, events=True)
    assert rounds.folders_due > 5 * FOLDERS_EVERY
    rounds.found()
    rounds.done(0.0, all_files=False, events=True)
    assert rounds.folders_due == FOLDERS_EVERY
    for _ in range(10):
        rounds.done(0.0, all_files=True, events=False)
    assert (rounds.folders_due, rounds.files_due) == (FOLDERS_EVERY, FILES_EVERY)
    assert POLL_EVERY < FOLDERS_EVERY


def test_however_often_all_may_have_changed_half_of_the_time_is_rest() -> None:
    rounds = Rounds()
    rounds.begin_anew()
    assert rounds.next == float("-inf")
    rounds.done(100.0, all_files=True, events=True, took=8.0)
    rounds.begin_anew()
    assert rounds.files_due == 108
    rounds.put_off(104.0)
    rounds.begin_anew()
    assert rounds.next == 104


def test_a_folder_that_takes_long_to_look_at_is_looked_at_less_often() -> None:
    rounds = Rounds()
    rounds.done(100.0, all_files=True, events=True, took=120.0)
    assert rounds.files_due == 100 + 120 / EFFORT
    assert rounds.folders_due == 100 + FOLDERS_EVERY
    rounds.done(200.0, all_files=False, events=False, took=30.0)
    assert rounds.folders_due == 200 + 30 / EFFORT
