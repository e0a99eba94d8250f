from __future__ import annotations

from characters.protocol.failures import failure
from characters.session.conversation import SessionState
from characters.session.events import AttemptFailed
from tests.simulation.promise import BrokenPromise
from tests.simulation.report import Outcome, Tally, broken


def test_a_broken_promise_is_told_with_its_seed_time_events_and_replay() -> None:
    event = AttemptFailed(3, failure("connection.refused"))
    diary = [(3661.5, event, SessionState.CONNECTING)]
    told = broken(BrokenPromise("A line was lost.", "c3"), 17, 3662.0, diary, "--seeds 17-17")
    assert told.splitlines() == [
        "seed 17, 1 h 62.000 s of virtual time, character c3: A line was lost.",
        "  its last events (virtual seconds, event, state after it):",
        "      3661.500 AttemptFailed(epoch=3, failure=connection.refused) -> CONNECTING",
        "  replay: python -m tests.simulation --seeds 17-17",
    ]


def test_the_summary_counts_what_struck_and_what_was_broken() -> None:
    tally = Tally()
    tally.add(Outcome(1, session_hours=10.0, faults={"reset": 40}, outcomes={"FRESH": 5}))  # type: ignore[arg-type] # counted all the same
    tally.add(Outcome(2, broken="seed 2: no"))
    told = tally.summary(2.0)
    assert "2 seeds, 1 broken; 1.00 schedules a second" in told
    assert "4.0 events, 0.5 connections" in told
    assert "1 seeds BROKEN" in told
