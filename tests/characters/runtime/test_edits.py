from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from characters.core.messages import ClientMessage, ContextUpdate, UpdateTemplateKeys
from characters.core.policy import Persist, ReconnectPolicy
from characters.core.respond import RespondMode
from characters.core.session_events import ConnectRequested
from characters.core.state import ResumeOutcome, SessionState
from characters.runtime.config import SessionConfig
from characters.runtime.edits import is_another_session, needs_new_connection, news
from tests.characters.runtime.stage import Actor, Stage

ADA = SessionConfig("nurse", actions=("wave",), player_name="Ada", persona="a.toml")


def changed(**fields: Any) -> SessionConfig:
    return replace(ADA, **fields)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("character_id", "porter"),
        ("session_key", "twin"),
        ("endpoint", "https://example.org"),
        ("endpoint_id", "elsewhere"),
        ("api_key", "k"),
        ("end_user_id", "bob"),
    ],
)
def test_who_it_is_and_where_make_another_session(field: str, value: str) -> None:
    assert is_another_session(ADA, changed(**{field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("policy", ReconnectPolicy.PATIENT),
        ("persist", Persist.UNTIL_DISCONNECT),
        ("actions", ("wave", "nod")),
        ("player_name", "Bob"),
        ("respond_mode", RespondMode.MANUAL),
    ],
)
def test_what_can_be_told_or_is_ours_needs_no_new_connection(field: str, value: Any) -> None:
    assert not is_another_session(ADA, changed(**{field: value}))
    assert not needs_new_connection(ADA, changed(**{field: value}))


def test_a_persona_and_actions_that_are_taken_away_need_a_new_connection() -> None:
    assert needs_new_connection(ADA, changed(persona="b.toml"))
    assert needs_new_connection(ADA, changed(actions=()))
    assert not needs_new_connection(changed(actions=()), ADA)


def test_only_what_the_room_does_not_know_is_told() -> None:
    assert news(ADA, changed(policy=ReconnectPolicy.PATIENT)) == ()
    assert news(ADA, changed(actions=("nod",), player_name="Bob")) == (
        ContextUpdate(run_llm="false", action_config={"actions": ["nod"]}),
        UpdateTemplateKeys({"player_name": "Bob"}),
    )


# --- a session on virtual time ------------------------------------------------------------------


def connected(stage: Stage, config: SessionConfig = ADA) -> Actor:
    actor = stage.actor(**{name: getattr(config, name) for name in config.__dataclass_fields__})
    stage.do(actor.driver.feed, ConnectRequested())
    stage.until_state(actor, SessionState.CONNECTED)
    return actor


def told(stage: Stage, kind: type[ClientMessage]) -> list[ClientMessage]:
    return [message for message in stage.service.last.sent if isinstance(message, kind)]


def test_the_player_and_the_actions_are_told_when_the_room_is_made() -> None:
    with Stage() as stage:
        connected(stage)
        assert stage.service.requests[0].narrative_template_keys == {"player_name": "Ada"}
        assert stage.service.last.sent == []


def test_new_actions_reach_the_open_room() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.do(actor.driver.reconfigure, changed(actions=("wave", "nod")))
        (update,) = told(stage, ContextUpdate)
        assert isinstance(update, ContextUpdate)
        assert update.action_config == {"actions": ["wave", "nod"]}
        assert actor.states == "CONNECTING CONNECTED"


def test_what_changed_while_the_line_was_down_is_told_to_the_room_that_lived_on() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.service.last.drop()
        stage.until_state(actor, SessionState.RECONNECTING)
        stage.do(actor.driver.reconfigure, changed(player_name="Bob"))
        stage.until_state(actor, SessionState.CONNECTED)
        stage.run_for(0.1)
        assert stage.service.requests[-1].mode == "join"
        assert told(stage, UpdateTemplateKeys) == [UpdateTemplateKeys({"player_name": "Bob"})]


def test_another_persona_is_a_new_connection_that_resumes_the_talk() -> None:
    with Stage() as stage:
        actor = connected(stage)
        session_id = actor.view.session_id
        stage.do(actor.driver.reconfigure, changed(persona="b.toml"))
        stage.until(lambda: actor.states.endswith("DISCONNECTED CONNECTING CONNECTED"))
        request = stage.service.requests[-1]
        assert (request.mode, request.persona) == ("create", "b.toml")
        assert actor.view.session_id == session_id
        assert actor.view.resume.outcome is ResumeOutcome.RESUMED


def test_a_new_policy_and_persist_reach_the_machine_and_tell_nobody() -> None:
    with Stage() as stage:
        actor = connected(stage)
        new = changed(policy=ReconnectPolicy.PATIENT, persist=Persist.UNTIL_DISCONNECT)
        stage.do(actor.driver.reconfigure, new)
        assert actor.policy == ReconnectPolicy.PATIENT
        stage.do(actor.driver.shut_down)
        stage.until_state(actor, SessionState.DISCONNECTED)
        assert stage.persistence.load("nurse") is None
        assert stage.service.last.sent == []


def test_settings_that_do_not_change_do_nothing() -> None:
    with Stage() as stage:
        actor = connected(stage)
        stage.do(actor.driver.reconfigure, changed())
        stage.run_for(0.1)
        assert actor.states == "CONNECTING CONNECTED"
        assert stage.service.last.sent == []
