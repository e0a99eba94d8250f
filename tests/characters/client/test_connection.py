from __future__ import annotations

from dataclasses import replace

from characters.client.config import SessionConfig
from characters.client.connection import connect_request
from characters.protocol.messages import RespondMode
from characters.session.events import OpenConnection, RoomMode
from characters.session.policy import ReconnectPolicy

NURSE = SessionConfig("nurse")
PLAN = OpenConnection(1, RoomMode.CREATE, None, None, True)


def test_what_is_not_set_is_left_out() -> None:
    body = connect_request(NURSE, ReconnectPolicy.DEFAULT, PLAN, None, None).to_dict()
    left_out = {"respond_modes", "heard", "takeover", "action_config", "narrative_template_keys"}
    assert not left_out & body.keys()


def test_what_the_level_and_the_talk_say_goes_along() -> None:
    told = replace(
        NURSE,
        respond_mode=RespondMode.MANUAL,
        player_name="Ada",
        others=("Bram",),
        actions=("wave",),
    )
    policy = ReconnectPolicy(room_rejoin_ttl_seconds=7.0)
    plan = replace(PLAN, takeover=True, spawn_agent=False)
    body = connect_request(told, policy, plan, "m1", "ada").to_dict()
    assert body["respond_modes"] == {"user_text": "silent", "user_voice": "silent"}
    assert (body["heard"], body["takeover"], body["spawn_agent"]) == ("m1", True, False)
    assert body["room_rejoin_ttl_seconds"] == 7.0
    assert body["narrative_template_keys"] == {"player_name": "Ada", "others": "Bram"}
