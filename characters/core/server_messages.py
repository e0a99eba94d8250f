"""What the service says to a client, as frozen values.

Built like `client_messages`: `TYPE` names the wire type, the codec reads the annotations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

__all__ = [
    "VISEMES",
    "ServerMessage",
    "BotReady",
    "InteractionCreated",
    "VadSttStarted",
    "VadSttStopped",
    "FinalUserTranscription",
    "BotLlmStarted",
    "BotLlmText",
    "BotLlmStopped",
    "BotTtsStarted",
    "BotStartedSpeaking",
    "Visemes",
    "BotStoppedSpeaking",
    "BotTurnCompleted",
    "Action",
    "ActionResponse",
    "BotEmotion",
    "UserIdleWarning",
    "UsageLimitReached",
    "LlmNoResponse",
    "ModerationResponse",
    "AudioData",
    "Metrics",
    "ServerResponse",
    "UnknownMessage",
]

VISEMES = (
    *("sil", "pp", "ff", "th", "dd", "kk", "ch", "ss", "nn", "rr"),
    *("aa", "e", "ih", "oh", "ou"),
)
"""The fifteen mouth shapes, in the order of the wire."""


class ServerMessage:
    """What the service says to a client."""

    __slots__ = ()
    TYPE: ClassVar[str]


@dataclass(frozen=True, slots=True)
class BotReady(ServerMessage):
    """The character hears and answers from now on."""

    TYPE: ClassVar[str] = "bot-ready"
    about: Mapping[str, object] = field(default_factory=dict)
    version: str | None = None


@dataclass(frozen=True, slots=True)
class InteractionCreated(ServerMessage):
    """The ids of this interaction."""

    TYPE: ClassVar[str] = "interaction-created"
    interaction_id: str
    character_session_id: str | None = None


@dataclass(frozen=True, slots=True)
class VadSttStarted(ServerMessage):
    """The service hears the player speak; `timestamp` is the client's, in seconds."""

    TYPE: ClassVar[str] = "vad-stt-started"
    timestamp: float | None = None
    pre_roll_ms: float | None = None


@dataclass(frozen=True, slots=True)
class VadSttStopped(ServerMessage):
    """The player's utterance ended."""

    TYPE: ClassVar[str] = "vad-stt-stopped"
    reason: str | None = None
    audio_duration_ms: float | None = None


@dataclass(frozen=True, slots=True)
class FinalUserTranscription(ServerMessage):
    """What the service understood of the player's speech."""

    TYPE: ClassVar[str] = "final-user-transcription"
    text: str
    speaker_id: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class BotLlmStarted(ServerMessage):
    """The character begins to answer."""

    TYPE: ClassVar[str] = "bot-llm-started"


@dataclass(frozen=True, slots=True)
class BotLlmText(ServerMessage):
    """The next piece of the answer; pieces join without anything between them."""

    TYPE: ClassVar[str] = "bot-llm-text"
    text: str


@dataclass(frozen=True, slots=True)
class BotLlmStopped(ServerMessage):
    """The text of the answer is complete."""

    TYPE: ClassVar[str] = "bot-llm-stopped"


@dataclass(frozen=True, slots=True)
class BotTtsStarted(ServerMessage):
    """The answer is being turned into speech."""

    TYPE: ClassVar[str] = "bot-tts-started"


@dataclass(frozen=True, slots=True)
class BotStartedSpeaking(ServerMessage):
    """Voice of an answer follows."""

    TYPE: ClassVar[str] = "bot-started-speaking"
    response_id: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Visemes(ServerMessage):
    """The mouth now: a weight 0..1 for each name in `VISEMES`."""

    TYPE: ClassVar[str] = "visemes"
    weights: Mapping[str, float] = field(metadata={"path": ("visemes",)})


@dataclass(frozen=True, slots=True)
class BotStoppedSpeaking(ServerMessage):
    """No more voice of this answer."""

    TYPE: ClassVar[str] = "bot-stopped-speaking"


@dataclass(frozen=True, slots=True)
class BotTurnCompleted(ServerMessage):
    """The character's turn is over for the service; local audio may still drain.

    `message_id`, our addition, is the last line of the player that was answered.
    """

    TYPE: ClassVar[str] = "bot-turn-completed"
    was_interrupted: bool = False
    was_aborted: bool | None = None
    error_reason: str | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the character does."""

    name: str
    target: str | None = None


@dataclass(frozen=True, slots=True)
class ActionResponse(ServerMessage):
    """What the character does, in order.

    `message_id`, our addition, is the line of the player that it belongs to: an answer that is
    told again after a loss is not done again.
    """

    TYPE: ClassVar[str] = "action-response"
    actions: tuple[Action, ...] = ()
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class BotEmotion(ServerMessage):
    """How the character feels; scale 1 subtle, 2 moderate, 3 intense."""

    TYPE: ClassVar[str] = "bot-emotion"
    emotion: str
    scale: int = 1


@dataclass(frozen=True, slots=True)
class UserIdleWarning(ServerMessage):
    """The connection ends in that many seconds unless the player does something."""

    TYPE: ClassVar[str] = "user-idle-warning"
    remaining_seconds: float = 0.0
    message: str | None = None


@dataclass(frozen=True, slots=True)
class UsageLimitReached(ServerMessage):
    """A quota is spent."""

    TYPE: ClassVar[str] = "usage-limit-reached"
    quota_type: str = ""
    message: str | None = None


@dataclass(frozen=True, slots=True)
class LlmNoResponse(ServerMessage):
    """The character chose not to answer."""

    TYPE: ClassVar[str] = "llm-no-response"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ModerationResponse(ServerMessage):
    """Whether the player's words were let through."""

    TYPE: ClassVar[str] = "moderation-response"
    result: bool = True
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class AudioData(ServerMessage):
    """Voice inside a JSON message: base64 PCM16LE."""

    TYPE: ClassVar[str] = "audio-data"
    sample_rate: int
    audio: str
    channels: int = 1
    includes_wav_header: bool = False


@dataclass(frozen=True, slots=True)
class Metrics(ServerMessage):
    """Latencies of a turn, for the inspector; the lists are the service's own."""

    TYPE: ClassVar[str] = "metrics"
    ttfb: tuple[Mapping[str, object], ...] = ()
    processing: tuple[Mapping[str, object], ...] = ()
    custom: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class ServerResponse(ServerMessage):
    """The acknowledgement of one client message; status success, error, processing, pending."""

    TYPE: ClassVar[str] = "server-response"
    event_type: str = ""
    status: str = "success"
    message: str | None = None
    extras: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class UnknownMessage(ServerMessage):
    """A type that this version does not know: log it once, then ignore it."""

    TYPE: ClassVar[str] = ""
    type: str
