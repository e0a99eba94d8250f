"""A quick form of each fault of the settings file; `make faults` runs the whole."""

from __future__ import annotations

from tests.faults.prefs_crash import crash_row
from tests.faults.prefs_damage import damage_rows
from tests.faults.prefs_errors import error_row
from tests.faults.prefs_kill import kill_row
from tests.faults.prefs_rivals import rival_rows
from tests.faults.row import Row


def assert_right(row: Row) -> None:
    assert row.is_right, f"{row.fault}: {row.figure}"


def test_a_killed_game_finds_what_it_was_promised() -> None:
    assert_right(kill_row(runs=20))


def test_every_crash_state_of_a_short_history_is_a_prefix_of_it() -> None:
    assert_right(crash_row(batches=8))


def test_no_failing_call_costs_a_promised_value() -> None:
    assert_right(error_row(later=2))


def test_damage_is_survived_and_told() -> None:
    for row in damage_rows(step=61, inputs=100):
        assert_right(row)


def test_two_processes_lose_no_update() -> None:
    for row in rival_rows(rounds=3):
        assert_right(row)
