"""The rows of the whole session that need no long wait run with the tests."""

from __future__ import annotations

import asyncio

import pytest

from characters.session.conversation import ResumeOutcome
from characters.session.policy import ReconnectPolicy, ResumePolicy
from tests.faults import (
    runtime_answers,
    runtime_lines,
    runtime_misnumbering,
    runtime_real,
    runtime_virtual,
)


def test_no_patient_client_gives_up_in_an_outage() -> None:
    assert runtime_virtual.outages(20).is_right


def test_a_disconnect_at_any_moment_leaves_nothing() -> None:
    row = runtime_virtual.taken_back()
    assert row.is_right, row.figure


def test_a_jump_of_the_wall_clock_loses_no_conversation() -> None:
    row = runtime_virtual.wall_jumps()
    assert row.is_right, row.figure


def test_each_answer_of_a_service_gets_its_class() -> None:
    row = asyncio.run(runtime_virtual.classes())
    assert row.is_right, row.figure


@pytest.mark.slow
def test_a_dead_link_is_noticed_within_the_heartbeat() -> None:
    row = runtime_real.black_holes(1)
    assert row.is_right, row.figure


@pytest.mark.slow
def test_twenty_that_drop_together_are_no_herd() -> None:
    row = runtime_real.crowd()
    assert row.is_right, row.figure


def test_a_reset_of_the_line_anywhere_loses_nothing_between_runtime_and_service() -> None:
    row = runtime_lines.resets((2, 5, 9))
    assert row.is_right, row.figure


def test_a_drop_before_the_service_spoke_costs_no_conversation() -> None:
    row = runtime_lines.early_drops(6)
    assert row.is_right, row.figure


def test_a_service_that_lies_about_its_replay_gets_nothing_wrong_delivered() -> None:
    row = runtime_misnumbering.misnumbering_services(1)
    assert row.is_right, row.figure


def test_a_client_that_lies_about_its_numbers_gets_nothing_wrong_delivered() -> None:
    row = runtime_misnumbering.misnumbering_clients(2)
    assert row.is_right, row.figure


@pytest.mark.parametrize(
    ("candidates", "kills"), [(2, 1), pytest.param(4, 2, marks=pytest.mark.slow)]
)
def test_each_line_is_answered_once_although_the_service_is_killed_in_the_answers(
    candidates: int, kills: int
) -> None:
    row = runtime_answers.killed_in_answers(candidates, kills)
    assert row.is_right, row.figure


def test_a_talk_that_always_begins_afresh_survives_a_reset_within_its_time_to_rejoin() -> None:
    policy = ReconnectPolicy(resume_policy=ResumePolicy.ALWAYS_FRESH)
    with runtime_real.a_harness() as harness:
        kiosk = harness.open_session("kiosk", policy=policy)
        kiosk.connect()
        kiosk.recovers(harness.reset)
        outcomes = [change.resume.outcome for change in kiosk.arrivals if change.resume]
    assert outcomes == [ResumeOutcome.FRESH, ResumeOutcome.REJOINED]
