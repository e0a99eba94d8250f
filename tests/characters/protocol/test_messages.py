from __future__ import annotations

import pytest

from characters.protocol.messages import ConnectRequest, RespondMode, RoomGrant


@pytest.mark.parametrize(("mode", "wire"), [("auto", "auto"), ("manual", "silent")])
def test_a_mode_says_what_becomes_of_typed_and_of_spoken_words(mode: str, wire: str) -> None:
    assert RespondMode(mode).lanes == {"user_text": wire, "user_voice": wire}


GRANT = {
    "session_id": "live",
    "character_session_id": "kept",
    "room_url": "ws://host/rooms/r",
    "room_name": "r",
    "token": "t",
}


def test_nulls_are_left_out_of_a_request() -> None:
    assert ConnectRequest("nurse").to_dict() == {
        "character_id": "nurse",
        "connection_type": "audio",
        "mode": "create",
        "spawn_agent": True,
    }


def test_a_zero_is_not_a_null() -> None:
    assert (
        ConnectRequest("n", room_rejoin_ttl_seconds=0.0).to_dict()["room_rejoin_ttl_seconds"] == 0.0
    )


def test_lists_and_tables_become_plain_json() -> None:
    request = ConnectRequest("n", scene_description=({"name": "bed"},), dynamic_info={"text": "x"})
    assert request.to_dict()["scene_description"] == [{"name": "bed"}]


def test_a_grant_survives_the_wire() -> None:
    grant = RoomGrant("live", "kept", "ws://host/rooms/r", "r", "t", end_user_id="me")
    assert RoomGrant.from_dict(grant.to_dict()) == grant


def test_a_grant_ignores_what_a_newer_service_adds() -> None:
    assert RoomGrant.from_dict(GRANT | {"roster_epoch": None}).token == "t"


@pytest.mark.parametrize("field", sorted(GRANT))
def test_a_grant_without_a_required_field_names_it(field: str) -> None:
    with pytest.raises(ValueError, match=f"'{field}'"):
        RoomGrant.from_dict(GRANT | {field: None})


def test_a_grants_text_does_not_show_its_token() -> None:
    assert "secret" not in repr(RoomGrant.from_dict(GRANT | {"token": "secret"}))
