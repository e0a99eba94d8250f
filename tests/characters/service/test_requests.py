from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from characters.core.messages import ConnectRequest
from characters.service.requests import listening_options, read_connect, read_fields
from characters.service.rooms import RefusalError


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


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(raw: bytes) -> None:
    assert refused(raw).status in (400, 422)
