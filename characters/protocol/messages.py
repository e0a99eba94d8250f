"""What client and service say to each other, as frozen values: messages, connect request, grant.

A message class is declared with its wire type, which is then its `TYPE`; the codec reads its
fields from the annotations, so that a field is written down once. Field names and meanings are
those of the public Live API; defaults stand for fields that a peer may leave out, and unknown
fields are ignored.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar

__all__ = [
    "Action", "ActionRefused", "ActionResponse", "AudioData", "BACKCHANNEL", "BotEmotion",
    "BotLlmStarted",
    "BotLlmStopped", "BotLlmText", "BotReady", "BotStartedSpeaking", "BotStoppedSpeaking",
    "BotTtsStarted",
    "BotTurnCompleted", "ClientMessage", "ConnectRequest",
    "ContextUpdate", "FinalUserTranscription", "ForceUserStoppedSpeaking", "FUNCTIONS",
    "InteractionCreated", "InterruptBot", "KillPipeline", "LlmNoResponse", "MAX_PLAYER_ID",
    "MAX_PLAYER_NAME", "MAX_TEXT", "Metrics",
    "ModelUsage", "ModerationResponse", "MODES", "PauseBot", "plain", "PlayerNamed",
    "ResetIdleTimer",
    "RespondMode", "RespondModeUpdate", "RoomGrant", "ServerMessage", "ServerResponse",
    "SILENT", "SttToggle", "TakeBack", "TakenBack", "TriggerMessage", "TtsToggle",
    "UnknownMessage",
    "UpdateDynamicInfo", "UpdateSceneMetadata", "UpdateTemplateKeys", "UsageLimitReached",
    "USER_LANES", "USER_TEXT", "USER_VOICE", "UserIdleWarning", "UserTextMessage",
    "VadSttStarted", "VadSttStopped", "Visemes", "VISEMES",
]  # fmt: skip


MAX_TEXT = 2000
"""Characters of a player's line."""
MAX_PLAYER_ID, MAX_PLAYER_NAME = 200, 80
"""Characters of what a service takes."""

VISEMES = (
    *("sil", "pp", "ff", "th", "dd", "kk", "ch", "ss", "nn", "rr"),
    *("aa", "e", "ih", "oh", "ou"),
)
"""The fifteen mouth shapes, in the order of the wire."""


class _Message:
    """A message whose class is declared with its type on the `wire`."""

    __slots__ = ()
    TYPE: ClassVar[str]

    def __init_subclass__(cls, wire: str | None = None) -> None:
        if wire is not None:  # not said again where `dataclass` makes the class anew for its slots
            cls.TYPE = wire


class ServerMessage(_Message):
    """What the service says to a client."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class BotReady(ServerMessage, wire="bot-ready"):
    """The character hears and answers from now on."""

    about: Mapping[str, object] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True, slots=True)
class InteractionCreated(ServerMessage, wire="interaction-created"):
    """The ids of this interaction."""

    interaction_id: str
    character_session_id: str | None = None


@dataclass(frozen=True, slots=True)
class VadSttStarted(ServerMessage, wire="vad-stt-started"):
    """The service hears the player speak; `timestamp` is the client's, in seconds."""

    timestamp: float | None = None
    pre_roll_ms: float | None = None


BACKCHANNEL = "backchannel"
"""The reason of an utterance's end that was an "uh-huh" under the character's words: our addition.
Nothing follows it."""


@dataclass(frozen=True, slots=True)
class VadSttStopped(ServerMessage, wire="vad-stt-stopped"):
    """The player's utterance ended."""

    reason: str | None = None
    audio_duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class FinalUserTranscription(ServerMessage, wire="final-user-transcription"):
    """What the service understood of the player's speech."""

    text: str
    speaker_id: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class BotLlmStarted(ServerMessage, wire="bot-llm-started"):
    """The character begins to answer."""


@dataclass(frozen=True, slots=True)
class BotLlmText(ServerMessage, wire="bot-llm-text"):
    """The next piece of the answer; pieces join without anything between them."""

    text: str


@dataclass(frozen=True, slots=True)
class BotLlmStopped(ServerMessage, wire="bot-llm-stopped"):
    """The text of the answer is complete."""


@dataclass(frozen=True, slots=True)
class BotTtsStarted(ServerMessage, wire="bot-tts-started"):
    """The answer is being turned into speech."""


@dataclass(frozen=True, slots=True)
class BotStartedSpeaking(ServerMessage, wire="bot-started-speaking"):
    """Voice of an answer follows."""

    response_id: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Visemes(ServerMessage, wire="visemes"):
    """The mouth now: a weight 0..1 for each name in `VISEMES`."""

    weights: Mapping[str, float] = field(metadata={"path": ("visemes",)})


@dataclass(frozen=True, slots=True)
class BotStoppedSpeaking(ServerMessage, wire="bot-stopped-speaking"):
    """No more voice of this answer."""


@dataclass(frozen=True, slots=True)
class BotTurnCompleted(ServerMessage, wire="bot-turn-completed"):
    """The character's turn is over for the service; local audio may still drain.

    `message_id`, our addition, is the last line of the player that was answered.
    """

    was_interrupted: bool = False
    was_aborted: bool | None = None
    error_reason: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the character does.

    `arguments`, our addition, are those of an action whose schema the game has told.
    """

    name: str
    target: str | None = None
    arguments: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ActionResponse(ServerMessage, wire="action-response"):
    """What the character does, in order.

    `message_id`, our addition, is the line of the player that it belongs to: actions of an answer
    that is repeated after a loss are not done again.
    """

    actions: tuple[Action, ...] = ()
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class ActionRefused(ServerMessage, wire="action-refused"):
    """What the character wanted to do and does not: our addition.

    The service says so of what is no action of the level, the client of what the game's function
    did not take; `reason` is a sentence.
    """

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class TakenBack(ServerMessage, wire="taken-back"):
    """The last exchange was undone: our addition.

    `text` is what the player had said in it, which is said once more if `is_repeated`. `actions`
    are those that the character had done in it, the latest first, for the game to undo.
    """

    text: str
    actions: tuple[Action, ...] = ()
    is_repeated: bool = False
    message_id: str | None = None
    """The id of the line that is said once more."""


@dataclass(frozen=True, slots=True)
class BotEmotion(ServerMessage, wire="bot-emotion"):
    """How the character feels; scale 1 subtle, 2 moderate, 3 intense."""

    emotion: str
    scale: int = 1


@dataclass(frozen=True, slots=True)
class UserIdleWarning(ServerMessage, wire="user-idle-warning"):
    """The connection ends in that many seconds unless the player does something."""

    remaining_seconds: float = 0.0
    message: str | None = None


@dataclass(frozen=True, slots=True)
class UsageLimitReached(ServerMessage, wire="usage-limit-reached"):
    """A quota is spent."""

    quota_type: str = ""
    message: str | None = None


@dataclass(frozen=True, slots=True)
class LlmNoResponse(ServerMessage, wire="llm-no-response"):
    """The character chose not to answer."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PlayerNamed(ServerMessage, wire="player-named"):
    """The name by which the character knows the player now, our addition; "" for none any more."""

    name: str


@dataclass(frozen=True, slots=True)
class ModerationResponse(ServerMessage, wire="moderation-response"):
    """Whether the player's words were let through."""

    result: bool = True
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AudioData(ServerMessage, wire="audio-data"):
    """Voice inside a JSON message: base64 PCM16LE."""

    sample_rate: int
    audio: str
    channels: int = 1
    includes_wav_header: bool = False


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What an answer of a language model took; the totals are those of the session so far."""

    model: str
    tokens_in: int
    tokens_out: int
    first_word_seconds: float
    seconds: float
    total_in: int
    total_out: int
    answers: int

    @classmethod
    def read(cls, raw: object) -> ModelUsage | None:
        """Return what a message says of it, None for anything else."""
        if not isinstance(raw, Mapping):
            return None
        values = {item.name: raw.get(item.name) for item in fields(cls)}
        numbers = [value for name, value in values.items() if name != "model"]
        is_usage = isinstance(values["model"], str) and all(
            isinstance(n, (int, float)) and math.isfinite(n) and n >= 0 for n in numbers
        )
        return cls(**values) if is_usage else None  # type: ignore[arg-type]  # checked just now


@dataclass(frozen=True, slots=True)
class Metrics(ServerMessage, wire="metrics"):
    """Latencies of a turn, for the inspector; the lists are the service's own."""

    ttfb: tuple[Mapping[str, object], ...] = ()
    processing: tuple[Mapping[str, object], ...] = ()
    custom: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class ServerResponse(ServerMessage, wire="server-response"):
    """The acknowledgement of one client message; status success, error, processing, pending.

    Of `speech` it tells what was not understood (error), or what is still waited for (processing).
    """

    event_type: str = ""
    status: str = "success"
    message: str | None = None
    extras: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class UnknownMessage(ServerMessage, wire=""):
    """A type that this version does not know: log it once, then ignore it."""

    type: str


USER_TEXT = "user_text"
USER_VOICE = "user_voice"
USER_LANES = (USER_TEXT, USER_VOICE)
"""The lanes for what the player types and says: our addition to the lanes of the public service,
which are for what the level tells. A lane that is not named in `respond_modes` is `auto`."""

SILENT = "silent"
MODES = (SILENT, "auto", "must_respond")
"""What a lane's input may lead to: nothing, an answer as the service sees fit, always one."""


class RespondMode(StrEnum):
    """Whether a character answers the player by itself.

    With `manual` it hears and remembers what is typed and said, and answers when the game calls
    `respond()`: to all that was said since it last did.
    """

    AUTO = "auto"
    MANUAL = "manual"

    @property
    def lanes(self) -> Mapping[str, str]:
        """What the wire calls it."""
        return dict.fromkeys(USER_LANES, SILENT if self is RespondMode.MANUAL else "auto")


class ClientMessage(_Message):
    """What a client says to the service."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class UserTextMessage(ClientMessage, wire="user_text_message"):
    """Words that the player typed.

    A service that keeps sessions takes each `message_id` once, and acknowledges it when the line
    is durable; a line without one is acknowledged at once, as the public API does.
    """

    text: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class TriggerMessage(ClientMessage, wire="trigger-message"):
    """Something happened in the level that the character may speak about."""

    trigger_name: str | None = None
    trigger_message: str | None = None


@dataclass(frozen=True, slots=True)
class ContextUpdate(ClientMessage, wire="context-update"):
    """Change what the character knows about the level, and with `run_llm` "true" let it speak.

    `text` may lack for mode reset, and our service needs none to let it speak. `message_id`, our
    addition, is the last line of the player that is to be answered: one whose answer is decided
    is not answered again.
    """

    text: str | None = None
    mode: str = field(default="append", metadata={"one_of": ("append", "replace", "reset")})
    run_llm: str = field(default="auto", metadata={"one_of": ("auto", "true", "false")})
    current_attention_object: object = None
    action_config: Mapping[str, object] | None = None
    remove_static: bool | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class RespondModeUpdate(ClientMessage, wire="respond-mode-update"):
    """Change what the input of one lane may lead to; see `USER_LANES` and `MODES`."""

    modality: str
    mode: str = field(metadata={"one_of": MODES})
    update_id: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateDynamicInfo(ClientMessage, wire="update-dynamic-info"):
    """Replace the free text about the level."""

    text: str = field(metadata={"path": ("dynamic_info", "text")})


@dataclass(frozen=True, slots=True)
class UpdateSceneMetadata(ClientMessage, wire="update-scene-metadata"):
    """Replace the list of things in the level: `{name, description}` each."""

    scene_metadata: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class UpdateTemplateKeys(ClientMessage, wire="update-template-keys"):
    """Set the variables that a persona's lines may use."""

    template_keys: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TtsToggle(ClientMessage, wire="tts-toggle"):
    """Turn the character's voice on or off."""

    enabled: bool


@dataclass(frozen=True, slots=True)
class SttToggle(ClientMessage, wire="stt-toggle"):
    """Mute or open the player's microphone at the service."""

    muted: bool


@dataclass(frozen=True, slots=True)
class InterruptBot(ClientMessage, wire="interrupt-bot"):
    """Stop what the character is saying."""


@dataclass(frozen=True, slots=True)
class PauseBot(ClientMessage, wire="pause-bot"):
    """Wait for what the player says over the character: our addition.

    The service ends the turn when that is a line, and goes on from the word at which the player
    heard it stop when it is none. `heard_until` is the time, by the stamps of the voice's frames,
    up to which it was heard. Only for a service whose `bot-ready` says `pauses`.
    """

    heard_until: float | None = None


@dataclass(frozen=True, slots=True)
class TakeBack(ClientMessage, wire="take-back"):
    """Undo the last exchange, of which nothing stays known: our addition.

    With `answer_again` what the player said in it is answered once more, with other words where
    the character has any. Only for a service whose `bot-ready` says `takes_back`.
    """

    answer_again: bool = False


@dataclass(frozen=True, slots=True)
class ForceUserStoppedSpeaking(ClientMessage, wire="force-user-stopped-speaking"):
    """End the player's turn now, whatever the voice activity says."""


@dataclass(frozen=True, slots=True)
class ResetIdleTimer(ClientMessage, wire="reset-idle-timer"):
    """The player is still there."""


@dataclass(frozen=True, slots=True)
class KillPipeline(ClientMessage, wire="kill-pipeline"):
    """End the live connection and its room."""


FUNCTIONS = "functions"
"""The key of `action_config` with the schemas of actions, our addition: name, description and
parameters (a JSON schema) of those in "actions" that have one."""

OWN_FIELDS = frozenset(
    {
        "persona", "room_rejoin_ttl_seconds", "takeover", "live_id", "heard", "player_name",
        "model", "lasting_memory",
    }
)  # fmt: skip
"""Fields of a request that the cloud does not know."""


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """Ask for a room with a character; mode "join" with `room_name` asks for a living room.

    `persona`, `room_rejoin_ttl_seconds`, `takeover`, `live_id`, `heard`, `player_name`, `model`
    (see `model_request`) and `lasting_memory` (false: use and keep none) are our own additions,
    which other services ignore. `live_id` is the `session_id` of the connection that this client
    just lost: it proves that the one still open at the service is its own.
    `heard` is the last line of the player whose answer this client has received whole: a new room
    repeats the answers after it. `respond_modes` gives lanes of `USER_LANES` a mode of `MODES`.
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
    model: Mapping[str, object] | None = field(default=None, repr=False)  # it may hold a key
    lasting_memory: bool | None = None

    def to_dict(self, *, own: bool = True) -> dict[str, Any]:
        """Return the JSON body, without nulls; `own` fields are for a service of ours alone."""
        names = [item.name for item in fields(self) if own or item.name not in OWN_FIELDS]
        body = {name: plain(value) for name in names if (value := getattr(self, name)) is not None}
        if not own and self.action_config is not None:
            config = self.action_config
            body["action_config"] = {k: v for k, v in config.items() if k != FUNCTIONS}
        return body


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
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> RoomGrant:
        """Read a 200 answer. Raises ValueError that names the field that is missing or wrong."""
        values = {item.name: raw.get(item.name) for item in fields(cls)}
        for name in ("session_id", "character_session_id", "room_url", "room_name", "token"):
            if not isinstance(values[name], str) or not values[name]:
                raise ValueError(f"the answer to /connect has no usable '{name}'")
        return cls(**values)  # type: ignore[arg-type]  # the loop above checked what is required


def plain(value: object) -> object:
    """Return a field's value as JSON has it."""
    if isinstance(value, Action):
        told = {"target": value.target, "arguments": value.arguments}
        return {"name": value.name} | {k: plain(v) for k, v in told.items() if v is not None}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return dict(value) if isinstance(value, Mapping) else value
