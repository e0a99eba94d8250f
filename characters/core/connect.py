"""What `POST /connect` takes and gives.

The field names are the wire's. Nulls are left out; fields that a newer peer adds are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

__all__ = ["ConnectRequest", "ConnectResponse", "RoomGrant"]


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """Ask for a room with a character; mode "join" with `room_name` asks for a living room.

    `persona`, `room_rejoin_ttl_seconds`, `takeover`, `live_id`, `heard` and `player_name` are our
    own additions, which other services ignore. `live_id` is the `session_id` of the connection
    that this client just lost: it proves that the one still open at the service is its own.
    `heard` is the last line of the player whose answer this client has had whole: what was to be
    told after it is told again in a new room. Lanes and modes of `respond_modes` are in `respond`.
    """

    character_id: str
    character_session_id: str | None = None
    end_user_id: str | None = None
    end_user_metadata: Mapping[str, object] | None = None
    connection_type: str = "audio"
    mode: str = "create"
    room_name: str | None = None
    spawn_agent: bool = True
    max_num_participants: int | None = None
    default_tts_enabled: bool | None = None
    default_stt_enabled: bool | None = None
    vad_params: Mapping[str, object] | None = None
    turn_detection_config: Mapping[str, object] | None = None
    audio_config: Mapping[str, object] | None = None
    dynamic_info: Mapping[str, object] | None = None
    scene_description: tuple[Mapping[str, object], ...] | None = None
    narrative_template_keys: Mapping[str, object] | None = None
    action_config: Mapping[str, object] | None = None
    emotion_config: Mapping[str, object] | None = None
    respond_modes: Mapping[str, str] | None = None
    debug: bool | None = None
    invocation_metadata: Mapping[str, object] | None = None
    persona: str | None = None
    room_rejoin_ttl_seconds: float | None = None
    takeover: bool | None = None
    live_id: str | None = None
    heard: str | None = None
    player_name: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON body, without nulls."""
        pairs = ((item.name, getattr(self, item.name)) for item in fields(self))
        return {name: _plain(value) for name, value in pairs if value is not None}


@dataclass(frozen=True, slots=True)
class RoomGrant:
    """Leave to enter one room once: `token` opens one WebSocket (or LiveKit) connection."""

    session_id: str
    character_session_id: str
    room_url: str
    room_name: str
    token: str = field(repr=False)
    end_user_id: str | None = None
    end_user_metadata: Mapping[str, object] | None = None
    request_trace_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON body of a 200 answer."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> RoomGrant:
        """Read a 200 answer. Raises ValueError that names the field that is missing or wrong."""
        values = {item.name: raw.get(item.name) for item in fields(cls)}
        for name in ("session_id", "character_session_id", "room_url", "room_name", "token"):
            if not isinstance(values[name], str) or not values[name]:
                raise ValueError(f"the answer to /connect has no usable '{name}'")
        return cls(**values)  # type: ignore[arg-type]  # the loop above checked what is required


ConnectResponse = RoomGrant
"""The wire's name for the same value."""


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value
