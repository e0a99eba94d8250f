"""Read and check the body of `POST /connect`; every mistake is named as the contract says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from characters.core.messages import ConnectRequest
from characters.core.turn_settings import SmartTurn, VoiceActivityOptions
from characters.service.rooms import RefusalError

__all__ = ["listening_options", "read_connect", "read_fields"]

Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
Seconds = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]
Table = dict[str, Any]


class _VadParams(BaseModel):
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.7
    start_secs: Annotated[float, Field(ge=0, le=5)] = 0.2
    stop_secs: Annotated[float, Field(ge=0, le=5)] = 0.2
    min_volume: Annotated[float, Field(ge=0, le=1)] = 0.6


class _TurnParams(BaseModel):
    stop_secs: Annotated[float, Field(ge=0.1, le=10)] = 0.8
    pre_speech_ms: Annotated[int, Field(ge=0, le=2000)] = 100
    max_duration_secs: Annotated[float, Field(ge=1, le=60)] = 8.0


class _TurnDetection(BaseModel):
    type: str = "smart_turn"
    params: _TurnParams = _TurnParams()


class _Body(BaseModel):
    """The fields of ConnectRequest, with their bounds; fields we do not know are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")

    character_id: Id
    character_session_id: Id | None = None
    end_user_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    end_user_metadata: Table | None = None
    connection_type: Literal["audio", "video", "text"] = "audio"
    mode: Literal["create", "join"] = "create"
    room_name: Id | None = None
    spawn_agent: bool = True
    max_num_participants: Annotated[int, Field(ge=1, le=1)] | None = None
    default_tts_enabled: bool | None = None
    default_stt_enabled: bool | None = None
    vad_params: _VadParams | None = None
    turn_detection_config: _TurnDetection | None = None
    audio_config: Table | None = None
    dynamic_info: Table | None = None
    scene_description: list[Table] | None = None
    narrative_template_keys: Table | None = None
    action_config: Table | None = None
    emotion_config: Table | None = None
    respond_modes: dict[str, Literal["silent", "auto", "must_respond"]] | None = None
    debug: bool | None = None
    invocation_metadata: Table | None = None
    persona: Annotated[str, Field(max_length=200)] | None = None
    room_rejoin_ttl_seconds: Seconds | None = None
    takeover: bool | None = None
    live_id: Id | None = None
    heard: Id | None = None
    player_name: Annotated[str, Field(max_length=80)] | None = None


def read_connect(raw: bytes) -> ConnectRequest:
    """Return the request in a JSON body. Raises RefusalError 400 or 422."""
    try:
        body = _Body.model_validate_json(raw)
    except ValidationError as error:
        raise _refusal(error) from None
    return _request(body)


def read_fields(values: Mapping[str, object]) -> ConnectRequest:
    """Return the request in the fields of a form. Raises RefusalError 422."""
    try:
        body = _Body.model_validate(values)
    except ValidationError as error:
        raise _refusal(error) from None
    return _request(body)


def _request(body: _Body) -> ConnectRequest:
    if body.mode == "join" and not body.room_name:
        raise RefusalError(422, [_problem("missing", "room_name", "mode join needs room_name")])
    values = body.model_dump()
    scene = values.pop("scene_description")
    return ConnectRequest(**values, scene_description=None if scene is None else tuple(scene))


def listening_options(ask: ConnectRequest) -> tuple[VoiceActivityOptions, SmartTurn]:
    """Return how the player's speech is told from silence, and when he has finished."""
    vad = _VadParams.model_validate(ask.vad_params or {})
    turn = _TurnDetection.model_validate(ask.turn_detection_config or {}).params
    return VoiceActivityOptions(**vad.model_dump()), SmartTurn(**turn.model_dump())


def _refusal(error: ValidationError) -> RefusalError:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    if any(item["type"] == "json_invalid" for item in problems):
        return RefusalError(400, "malformed JSON")
    # The value itself is left out: it may be something that was said.
    return RefusalError(
        422, [_problem(item["type"], item["loc"], item["msg"]) for item in problems[:20]]
    )


def _problem(kind: str, where: str | tuple[int | str, ...], message: str) -> dict[str, Any]:
    path = [where] if isinstance(where, str) else list(where)
    return {"type": kind, "loc": ["body", *path], "msg": message}
