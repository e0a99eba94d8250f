from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from characters.session.policy import Beat, Heartbeat, IdlePolicy, ReconnectPolicy, ResumePolicy


def test_the_defaults_are_those_of_the_original() -> None:
    policy = ReconnectPolicy.DEFAULT
    assert policy.room_rejoin_ttl_seconds == 60.0
    assert policy.resume_policy is ResumePolicy.RESUME_IF_POSSIBLE
    assert policy.max_reconnect_attempts == 3
    assert policy.spawn_agent_on_rejoin is True
    assert policy.start_wait_timeout_ms == 5000
    assert policy.auto_mic_start_delay_seconds == 0.5


def test_our_own_fields_have_the_defaults_of_the_contract() -> None:
    policy = ReconnectPolicy.DEFAULT
    assert (policy.backoff_base_seconds, policy.backoff_cap_seconds) == (1.0, 4.0)
    assert policy.reconnect_budget_seconds is None
    assert policy.stable_after_seconds == 5.0
    assert policy.character_ready_timeout_seconds == 30
    assert (policy.heartbeat_interval_seconds, policy.heartbeat_timeout_seconds) == (1.0, 1.5)
    assert policy.idle is IdlePolicy.KEEP


def test_always_create_new_neither_rejoins_nor_resumes() -> None:
    policy = ReconnectPolicy.ALWAYS_CREATE_NEW
    assert policy.room_rejoin_ttl_seconds == 0
    assert policy.resume_policy is ResumePolicy.ALWAYS_FRESH


def test_patient_has_a_time_budget_instead_of_an_attempt_count() -> None:
    policy = ReconnectPolicy.PATIENT
    assert policy.max_reconnect_attempts is None
    assert policy.reconnect_budget_seconds == 3600


def test_the_first_retry_goes_at_once() -> None:
    assert ReconnectPolicy.DEFAULT.delay(1, 0.99) == 0.0


def test_later_retries_wait_between_half_and_all_of_the_step() -> None:
    policy = ReconnectPolicy(backoff_base_seconds=0.5, backoff_cap_seconds=100.0)
    assert policy.delay(2, 0.0) == 0.5
    assert policy.delay(2, 1.0) == 1.0
    assert policy.delay(3, 0.0) == 1.0
    assert policy.delay(3, 0.5) == 1.5
    assert policy.delay(4, 1.0) == 4.0
    assert policy.delay(9, 0.0) == 50.0


def test_the_cap_bounds_the_step() -> None:
    assert ReconnectPolicy.DEFAULT.delay(3, 0.999) < 4.0
    assert ReconnectPolicy.DEFAULT.delay(10_000, 0.0) == 2.0


@given(st.integers(2, 5000), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_never_below_half_the_step_nor_above_the_cap(
    attempt: int, chance: float
) -> None:
    policy = ReconnectPolicy.DEFAULT
    assert 1.0 <= policy.delay(attempt, chance) <= policy.backoff_cap_seconds


def test_the_base_is_the_shortest_wait_and_each_wait_doubles_up_to_the_cap() -> None:
    policy = ReconnectPolicy.DEFAULT
    assert [policy.delay(attempt, 0.0) for attempt in (1, 2, 3, 4)] == [0.0, 1.0, 2.0, 2.0]
    assert [policy.delay(attempt, 1.0) for attempt in (1, 2, 3, 4)] == [0.0, 2.0, 4.0, 4.0]


def test_three_attempts_outlast_the_restart_of_a_service() -> None:
    waits = [ReconnectPolicy.DEFAULT.delay(attempt, 0.0) for attempt in (1, 2, 3)]
    assert sum(waits) >= 3.0


def test_attempts_are_allowed_up_to_the_count() -> None:
    policy = ReconnectPolicy(max_reconnect_attempts=2)
    assert [policy.allows_attempt(n) for n in (1, 2, 3)] == [True, True, False]
    assert ReconnectPolicy(max_reconnect_attempts=None).allows_attempt(10**6)


def test_a_room_may_be_rejoined_until_its_ttl_is_over() -> None:
    policy = ReconnectPolicy(room_rejoin_ttl_seconds=60)
    assert policy.may_rejoin(59.9)
    assert not policy.may_rejoin(60.0)
    assert not ReconnectPolicy.ALWAYS_CREATE_NEW.may_rejoin(0.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("room_rejoin_ttl_seconds", -1),
        ("room_rejoin_ttl_seconds", math.nan),
        ("max_reconnect_attempts", -1),
        ("max_reconnect_attempts", 1.5),
        ("max_reconnect_attempts", True),
        ("resume_policy", "always_frsh"),
        ("resume_policy", None),
        ("spawn_agent_on_rejoin", 1),
        ("start_wait_timeout_ms", 0),
        ("auto_mic_start_delay_seconds", -0.1),
        ("backoff_base_seconds", -1),
        ("backoff_cap_seconds", 0.5),
        ("reconnect_budget_seconds", -1),
        ("reconnect_budget_seconds", math.inf),
        ("stable_after_seconds", "5"),
        ("character_ready_timeout_seconds", 0),
        ("heartbeat_interval_seconds", 0),
        ("heartbeat_timeout_seconds", True),
        ("idle", "sleep"),
        ("hibernate_after_seconds", 0),
    ],
)
def test_a_value_out_of_range_is_refused_with_a_sentence_that_names_the_field(
    field: str, value: object
) -> None:
    with pytest.raises(ValueError, match=field):
        ReconnectPolicy(**{field: value})  # type: ignore[arg-type] # wrong on purpose


def test_code_may_spell_the_enums_as_words() -> None:
    policy = ReconnectPolicy(resume_policy="always_fresh", idle="hibernate")
    assert policy == ReconnectPolicy(
        resume_policy=ResumePolicy.ALWAYS_FRESH, idle=IdlePolicy.HIBERNATE
    )
    assert type(policy.resume_policy) is ResumePolicy
    with pytest.raises(ValueError, match="did you mean always_fresh"):
        ReconnectPolicy(resume_policy="always_frsh")  # type: ignore[arg-type] # wrong on purpose


def test_a_scene_file_may_spell_the_enums_as_words() -> None:
    policy = TypeAdapter(ReconnectPolicy).validate_python({"resume_policy": "always_resume"})
    assert policy.resume_policy is ResumePolicy.ALWAYS_RESUME


def test_a_scene_file_may_not_add_fields() -> None:
    with pytest.raises(ValidationError, match="max_attempts"):
        TypeAdapter(ReconnectPolicy).validate_python({"max_attempts": 3})


def beats(heartbeat: Heartbeat, *, until: float, heard_at: tuple[float, ...] = ()) -> list[str]:
    """Run a heartbeat on its own schedule; return what it did and when."""
    now, done = heartbeat.last_received, []
    while now <= until:
        last = max((t for t in heard_at if t <= now), default=heartbeat.last_received)
        heartbeat, beat = heartbeat.heard(last).check(now)
        if beat is not Beat.WAIT:
            done.append(f"{beat.value} {now:.2f}")
        if beat is Beat.DEAD:
            break
        now = heartbeat.next_look(now)
    return done


def test_a_silent_line_is_pinged_after_the_interval_and_dead_after_the_sum() -> None:
    assert beats(Heartbeat(1.0, 1.5, 0.0), until=9) == ["ping 1.00", "ping 2.00", "dead 2.50"]


def test_anything_that_arrives_proves_that_the_line_lives() -> None:
    heard = tuple(n / 2 for n in range(20))
    assert beats(Heartbeat(1.0, 1.5, 0.0), until=9, heard_at=heard) == []


def test_an_answered_ping_keeps_the_line_alive() -> None:
    done = beats(Heartbeat(1.0, 1.5, 0.0), until=4, heard_at=(1.1, 2.2, 3.3))
    assert [beat.split()[0] for beat in done] == ["ping", "ping", "ping"]


def test_a_line_that_answers_at_once_is_looked_at_once_in_an_interval() -> None:
    heartbeat, now = Heartbeat(1.0, 1.5, 0.0), 1.0
    for _ in range(10):
        heartbeat, beat = heartbeat.check(now)
        assert beat is Beat.PING
        again = heartbeat.next_look(now)  # before the answer is there
        heartbeat = heartbeat.heard(now + 0.002)
        now = again
    assert now == pytest.approx(11.0)


def test_a_process_that_slept_pings_before_it_calls_the_line_dead() -> None:
    heartbeat, _ = Heartbeat(1.0, 1.5, 0.0).check(0.5)
    heartbeat, beat = heartbeat.check(3600.0)
    assert beat is Beat.PING
    heartbeat, beat = heartbeat.check(3601.4)
    assert beat is not Beat.DEAD
    assert heartbeat.check(3601.6)[1] is Beat.DEAD


@given(st.floats(0.01, 60), st.floats(0.01, 60))
def test_a_dead_line_is_noticed_within_the_sum_whatever_the_times(
    interval: float, timeout: float
) -> None:
    done = beats(Heartbeat(interval, timeout, 0.0), until=(interval + timeout) * 3)
    kind, when = done[-1].split()
    assert kind == "dead"
    assert float(when) == pytest.approx(interval + timeout, abs=0.02)


@given(st.floats(0, 100), st.floats(0, 100))
def test_the_next_look_is_always_later_than_now(last: float, now: float) -> None:
    assert Heartbeat(1.0, 1.5, last).next_look(now) > now
