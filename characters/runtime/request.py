"""What a session asks its service for when it connects."""

from __future__ import annotations

from dataclasses import asdict

from characters.core.messages import ConnectRequest
from characters.core.policy import ReconnectPolicy
from characters.core.respond import RespondMode
from characters.core.session_events import OpenConnection
from characters.runtime.config import SessionConfig

__all__ = ["connect_request"]


def connect_request(
    config: SessionConfig, policy: ReconnectPolicy, plan: OpenConnection, heard: str | None
) -> ConnectRequest:
    """Return the request; `heard` is the last line whose answer came whole."""
    name = config.player_name
    return ConnectRequest(
        character_id=config.character_id,
        character_session_id=plan.character_session_id,
        end_user_id=config.end_user_id,
        mode=plan.mode.value,
        room_name=plan.room_name,
        spawn_agent=plan.spawn_agent,
        action_config={"actions": list(config.actions)} if config.actions else None,
        vad_params=asdict(config.voice_activity),
        turn_detection_config={"type": "smart_turn", "params": asdict(config.smart_turn)},
        # The public service knows no lanes of the player's: it is told of them only at need.
        respond_modes=config.respond_mode.lanes if _is_manual(config) else None,
        invocation_metadata={"source": "troupe"},
        persona=config.persona,
        room_rejoin_ttl_seconds=policy.room_rejoin_ttl_seconds,
        takeover=plan.takeover or None,
        live_id=plan.live_id,
        heard=heard,
        player_name=name,
        narrative_template_keys={"player_name": name} if name else None,
    )


def _is_manual(config: SessionConfig) -> bool:
    return config.respond_mode is RespondMode.MANUAL
