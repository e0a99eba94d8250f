from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.protocol.messages import ConnectRequest
from characters.service.registry import RefusalError
from characters.service.requests import (
    RUNTIME_BUDGET,
    ContextError,
    LevelContext,
    listening_options,
    read_connect,
    read_fields,
)


def text(context: LevelContext) -> object:
    return context.view()["dynamic_info"]


def test_text_is_appended_replaced_and_reset() -> None:
    context = LevelContext("a clinic")
    context.update("it rains", "append", None)
    context.update("it pours", "append", None)
    assert text(context) == "a clinic\nit rains\nit pours"
    context.update("the sun", "replace", None)
    assert text(context) == "a clinic\nthe sun"
    context.update(None, "reset", True)
    assert text(context) == ""


def test_the_oldest_text_goes_when_the_budget_is_spent() -> None:
    context = LevelContext()
    context.update("old", "append", None)
    context.update("x" * (RUNTIME_BUDGET * 4 - 4), "append", None)
    context.update("new", "append", None)
    assert "old" not in str(text(context))
    assert context.figures()["runtime_token_count"] == RUNTIME_BUDGET


def test_a_text_beyond_the_budget_changes_nothing() -> None:
    context = LevelContext()
    context.update("kept", "append", None)
    with pytest.raises(ContextError, match="estimated tokens"):
        context.update("x" * (RUNTIME_BUDGET * 4 + 1), "replace", None)
    assert text(context) == "kept"


def test_appending_nothing_is_an_error() -> None:
    with pytest.raises(ContextError, match="'text' is required"):
        LevelContext().update(None, "append", None)


def test_attention_is_a_name_or_a_thing_and_can_be_cleared() -> None:
    context = LevelContext()
    context.attend({"name": "torch"})
    assert context.view()["attention"] == "torch"
    context.attend("")
    assert context.view()["attention"] is None
    with pytest.raises(ContextError):
        context.attend(5)


def test_scene_and_keys_are_bounded() -> None:
    context = LevelContext()
    with pytest.raises(ContextError):
        context.set_scene(({"name": "x"},) * 300)
    with pytest.raises(ContextError):
        context.set_keys({str(number): "x" for number in range(300)})


def test_modes_of_many_lanes_are_one_mistake() -> None:
    body = {"character_id": "c", "respond_modes": {f"lane {n}": "loud" for n in range(3000)}}
    with pytest.raises(RefusalError) as caught:
        read_fields(body)
    detail: Any = caught.value.detail
    assert [problem["msg"] for problem in detail] == ["Value error, has more than 16 entries"]


@pytest.mark.parametrize("item", [{"name": 1, "parameters": {}}, {"name": "a"}, "a", None])
def test_a_schema_that_is_none_is_an_error(item: object) -> None:
    with pytest.raises(ContextError, match="list of tables"):
        LevelContext().set_affordances({"actions": ["a"], "functions": [item]})


def test_only_a_list_restricts_what_can_be_done() -> None:
    context = LevelContext()
    context.set_affordances({"actions": []})
    assert context.view()["actions"] is None
    context.set_affordances({"actions": ["Wave", {"value": "Point"}, 5]})
    assert context.view()["actions"] == {"Wave", "Point"}


def read(**body: Any) -> ConnectRequest:
    return read_connect(json.dumps({"character_id": "nurse", **body}).encode())


def refused(raw: bytes) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        read_connect(raw)
    return caught.value


def test_a_request_survives_the_wire() -> None:
    ask = ConnectRequest(
        "nurse",
        character_session_id="s",
        mode="join",
        room_name="r",
        spawn_agent=False,
        scene_description=({"name": "bed"},),
        room_rejoin_ttl_seconds=0.0,
        live_id="l",
    )
    assert read_connect(json.dumps(ask.to_dict()).encode()) == ask


def test_fields_of_the_future_are_ignored() -> None:
    assert read(blendshape_provider="ovr") == read()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"character_id": None}, "character_id"),
        ({"character_id": ""}, "character_id"),
        ({"character_id": "a b"}, "character_id"),
        ({"character_id": "x" * 201}, "character_id"),
        ({"mode": "leave"}, "mode"),
        ({"mode": "join"}, "room_name"),
        ({"room_rejoin_ttl_seconds": -1}, "room_rejoin_ttl_seconds"),
        ({"room_rejoin_ttl_seconds": "60"}, "room_rejoin_ttl_seconds"),
        ({"spawn_agent": "yes"}, "spawn_agent"),
        ({"vad_params": {"confidence": 2}}, "vad_params"),
        ({"scene_description": "a bed"}, "scene_description"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not_repeated(
    body: dict[str, Any], field: str
) -> None:
    problem = refused(json.dumps({"character_id": "nurse", **body}).encode())
    assert problem.status == 422
    assert isinstance(problem.detail, list)
    assert problem.detail[0]["loc"][:2] == ["body", field]
    assert "input" not in problem.detail[0]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xff", b"[" * 50_000])
def test_what_is_no_json_is_malformed(raw: bytes) -> None:
    assert refused(raw).status in (400, 422)


def test_a_form_is_read_like_a_body() -> None:
    assert read_fields({"character_id": "nurse"}) == read()


def test_the_turn_taking_of_the_client_is_honoured() -> None:
    ask = read(
        vad_params={"confidence": 0.5, "start_secs": 0.1},
        turn_detection_config={"type": "smart_turn", "params": {"stop_secs": 1.5}},
    )
    activity, turn = listening_options(ask)
    assert (activity.confidence, activity.start_secs, activity.stop_secs) == (0.5, 0.1, 0.2)
    assert (turn.stop_secs, turn.max_duration_secs) == (1.5, 8.0)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(raw: bytes) -> None:
    assert refused(raw).status in (400, 422)
