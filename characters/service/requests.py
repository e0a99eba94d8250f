"""What clients send, checked: the body of `POST /connect`, and what a game tells of its level.

Every mistake in a body is named as the contract says. Sizes of texts are estimated tokens, four
characters each, as the public API counts them.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from characters.protocol.codec import MessageError, json_value, parse_object
from characters.protocol.failures import CharactersError
from characters.protocol.messages import (
    FUNCTIONS,
    MAX_PLAYER_ID,
    MAX_PLAYER_NAME,
    ConnectRequest,
)
from characters.protocol.turn_settings import SmartTurn, VoiceActivityOptions
from characters.service.registry import RefusalError, body_problem, unfit_body

__all__ = [
    "ContextError", "level_context", "LevelContext", "listening_options", "read_connect",
    "read_fields", "unfit_fields", "unreadable",
]  # fmt: skip


Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
Seconds = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]
Table = dict[str, Any]
MAX_THINGS = 256


def _few(value: object) -> object:
    if isinstance(value, Mapping) and len(value) > 16:
        raise ValueError("has more than 16 entries")
    return value


Modes = Annotated[
    dict[str, Literal["silent", "auto", "must_respond"]], BeforeValidator(_few)
]  # checked before, because each entry that is wrong costs the work of a mistake


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
    end_user_id: Annotated[str, Field(min_length=1, max_length=MAX_PLAYER_ID)] | None = None
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
    # Bounded before it is looked at: each entry that is wrong costs the work of a mistake.
    scene_description: Annotated[list[Table], Field(max_length=MAX_THINGS)] | None = None
    narrative_template_keys: Table | None = None
    action_config: Table | None = None
    emotion_config: Table | None = None
    respond_modes: Modes | None = None
    debug: bool | None = None
    invocation_metadata: Table | None = None
    persona: Annotated[str, Field(max_length=200)] | None = None
    room_rejoin_ttl_seconds: Seconds | None = None
    takeover: bool | None = None
    live_id: Id | None = None
    heard: Id | None = None
    player_name: Annotated[str, Field(max_length=MAX_PLAYER_NAME)] | None = None
    model: Table | None = None
    lasting_memory: bool | None = None


def read_connect(raw: bytes) -> ConnectRequest:
    """Return the request in a JSON body. Raises RefusalError 400 or 422."""
    try:
        values = parse_object(raw)
    except MessageError as problem:
        raise unreadable(problem, "malformed JSON") from None
    return read_fields(values)


def unreadable(problem: MessageError, message: str) -> RefusalError:
    """Return how a body is refused that is no object, or too much of one."""
    if problem.kind == "too-large":
        return RefusalError(413, problem.message)
    return RefusalError(400, message)


def read_fields(values: Mapping[str, object]) -> ConnectRequest:
    """Return the request in the fields of a body or form. Raises RefusalError 422."""
    known = {name: values[name] for name in _Body.model_fields if name in values}
    for name, value in known.items():
        try:
            json_value(value)
        except ValueError as problem:
            # The value is left out: it may be something that the player said.
            raise unfit_body("value_error", str(problem), name) from None
    try:
        body = _Body.model_validate(known)
    except ValidationError as error:
        raise unfit_fields(error) from None
    return _request(body)


def _request(body: _Body) -> ConnectRequest:
    if body.mode == "join" and not body.room_name:
        raise unfit_body("missing", "mode join needs room_name", "room_name")
    values = body.model_dump()
    scene = values.pop("scene_description")
    return ConnectRequest(**values, scene_description=None if scene is None else tuple(scene))


def listening_options(request: ConnectRequest) -> tuple[VoiceActivityOptions, SmartTurn]:
    """Return how the player's speech is told from silence, and when his turn ends."""
    vad = _VadParams.model_validate(request.vad_params or {})
    turn = _TurnDetection.model_validate(request.turn_detection_config or {}).params
    return VoiceActivityOptions(**vad.model_dump()), SmartTurn(**turn.model_dump())


def unfit_fields(error: ValidationError, *path: str) -> RefusalError:
    """Return how a body is refused in which something at a path is not what it should be."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    # The value is left out: it may be something that the player said.
    return RefusalError(
        422,
        [body_problem(item["type"], item["msg"], *path, *item["loc"]) for item in problems[:20]],
    )


STATIC_BUDGET = 20_000
RUNTIME_BUDGET = 30_000
KEYS_BUDGET = 8_000
FUNCTIONS_BUDGET = 8_000
MAX_FUNCTIONS = 128  # of one request; more tools no OpenAI-compatible server takes
MAX_KEYS = 256


class ContextError(CharactersError):
    """The update does not fit, or means nothing; nothing was changed."""


class LevelContext:
    """Dynamic info, the things of the scene, template variables, what has attention."""

    def __init__(self, static_text: str = "", player_name: str | None = None) -> None:
        self._static = static_text
        self._runtime: deque[str] = deque()
        self._runtime_tokens = 0
        self._scene: list[Mapping[str, object]] = []
        self._keys: dict[str, object] = {}
        self._attention: object = None
        self._player_name = player_name
        self._actions: frozenset[str] | None = None
        self._functions: Mapping[str, Mapping[str, object]] = {}
        if _tokens(static_text) > STATIC_BUDGET:
            raise ContextError(f"dynamic_info is over {STATIC_BUDGET} estimated tokens")

    def view(self) -> dict[str, Any]:
        """Return what an agent is given."""
        return {
            "dynamic_info": "\n".join((self._static, *self._runtime)).strip(),
            "scene": tuple(self._scene),
            "keys": dict(self._keys),
            "attention": self._attention,
            "player_name": self._player_name,
            "actions": self._actions,
            "functions": self._functions,
        }

    def update(self, text: str | None, mode: str, remove_static: bool | None) -> None:
        """Append to, replace or reset the runtime text; the oldest goes when it is too much."""
        if mode != "reset" and not text:
            raise ContextError("'text' is required unless mode is reset")
        if text is not None and _tokens(text) > RUNTIME_BUDGET:
            raise ContextError(f"text is over {RUNTIME_BUDGET} estimated tokens")
        if mode != "append":
            self._runtime.clear()
            self._runtime_tokens = 0
        if mode == "reset" and remove_static:
            self._static = ""
        if text:
            self._runtime.append(text)
            self._runtime_tokens += _tokens(text)
        while self._runtime_tokens > RUNTIME_BUDGET:
            self._runtime_tokens -= _tokens(self._runtime.popleft())

    def attend(self, target: object) -> None:
        """Set what "this" and "that" mean; an empty string clears it."""
        name = target.get("name") if isinstance(target, Mapping) else target
        if not isinstance(name, str) or len(name) > 200:
            raise ContextError("current_attention_object is a name or an object with one")
        self._attention = name or None

    def set_scene(self, things: tuple[Mapping[str, object], ...]) -> None:
        """Replace the things of the level."""
        if len(things) > MAX_THINGS:
            raise ContextError(f"more than {MAX_THINGS} things")
        self._scene = list(things)

    def set_affordances(self, config: Mapping[str, object]) -> None:
        """Replace what the character can do, if `config` lists it; no list means anything."""
        actions = config.get("actions")
        if isinstance(actions, list) and actions:
            named = (item.get("value") if isinstance(item, dict) else item for item in actions)
            functions = _functions(config.get(FUNCTIONS) or ())
            self._actions = frozenset(name for name in named if isinstance(name, str))
            self._functions = {k: v for k, v in functions.items() if k in self._actions}
        if config.get("current_attention_object") is not None:
            self.attend(config["current_attention_object"])

    def set_keys(self, keys: Mapping[str, object]) -> None:
        """Set template variables; others stay."""
        together = {**self._keys, **keys}
        if len(together) > MAX_KEYS:
            raise ContextError(f"more than {MAX_KEYS} template keys")
        if _tokens(json.dumps(together, ensure_ascii=False)) > KEYS_BUDGET:
            raise ContextError(f"template keys are over {KEYS_BUDGET} estimated tokens")
        self._keys = together

    def figures(self) -> dict[str, object]:
        """Return the extras of a `context-update` acknowledgement.

        Counts, and not the text: an acknowledgement is never larger than what it acknowledges.
        """
        static, runtime = _tokens(self._static), self._runtime_tokens
        total = STATIC_BUDGET + RUNTIME_BUDGET
        return {
            "token_count": static + runtime,
            "static_token_count": static,
            "runtime_token_count": runtime,
            "max_tokens": total,
            "static_max_tokens": STATIC_BUDGET,
            "runtime_max_tokens": RUNTIME_BUDGET,
            "remaining_tokens": total - static - runtime,
        }


def _tokens(text: str) -> int:
    return (len(text) + 3) // 4


def _functions(schemas: object) -> Mapping[str, Mapping[str, object]]:
    """Return the schemas of actions by name. Raises ContextError for what is none."""
    if isinstance(schemas, list | tuple) and len(schemas) > MAX_FUNCTIONS:
        raise ContextError(f"more than {MAX_FUNCTIONS} schemas of actions")
    if _tokens(json.dumps(schemas, ensure_ascii=False)) > FUNCTIONS_BUDGET:
        raise ContextError(f"the schemas of actions are over {FUNCTIONS_BUDGET} estimated tokens")
    found = [_function(item) for item in schemas] if isinstance(schemas, list | tuple) else [None]
    if None in found:
        raise ContextError(
            f"'{FUNCTIONS}' is a list of tables with name, description and parameters"
        )
    return {str(item["name"]): item for item in found if item is not None}


def _function(item: object) -> Mapping[str, object] | None:
    """Return the schema of an action, None for what is none."""
    table = item if isinstance(item, Mapping) else {}
    name, parameters = table.get("name"), table.get("parameters")
    description = table.get("description", "")
    if isinstance(name, str) and isinstance(description, str) and isinstance(parameters, dict):
        return {"name": name, "description": description, "parameters": parameters}
    return None


def level_context(request: ConnectRequest) -> LevelContext:
    """Return what a request tells of the level. Raises RefusalError 422."""
    info = (request.dynamic_info or {}).get("text")
    try:
        context = LevelContext(info if isinstance(info, str) else "", request.player_name)
        context.set_scene(request.scene_description or ())
        context.set_keys(request.narrative_template_keys or {})
        context.set_affordances(request.action_config or {})
    except ContextError as problem:
        raise unfit_body("too_long", str(problem)) from None
    return context
