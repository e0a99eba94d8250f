"""What a client says to the service, as frozen values.

A class names its wire type in `TYPE`; the codec reads the fields from the annotations, so that
a field is written down exactly once. Field meanings are those of the public Live API; defaults
stand for fields that a peer may leave out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from characters.core.respond import MODES

__all__ = [
    "ClientMessage",
    "UserTextMessage",
    "TriggerMessage",
    "ContextUpdate",
    "RespondModeUpdate",
    "UpdateDynamicInfo",
    "UpdateSceneMetadata",
    "UpdateTemplateKeys",
    "TtsToggle",
    "SttToggle",
    "InterruptBot",
    "ForceUserStoppedSpeaking",
    "ResetIdleTimer",
    "KillPipeline",
]


class ClientMessage:
    """What a client says to the service."""

    __slots__ = ()
    TYPE: ClassVar[str]


@dataclass(frozen=True, slots=True)
class UserTextMessage(ClientMessage):
    """Words that the player typed.

    A service that keeps sessions takes each `message_id` once, and acknowledges it when the line
    is durable; a line without one is acknowledged at once, as the public API does.
    """

    TYPE: ClassVar[str] = "user_text_message"
    text: str
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class TriggerMessage(ClientMessage):
    """Something happened in the level that the character may speak about."""

    TYPE: ClassVar[str] = "trigger-message"
    trigger_name: str | None = None
    trigger_message: str | None = None


@dataclass(frozen=True, slots=True)
class ContextUpdate(ClientMessage):
    """Change what the character knows about the level, and with `run_llm` "true" let it speak.

    `text` may lack for mode reset, and our service needs none to let it speak. `message_id`, our
    addition, is the last line of the player that is to be answered: one whose answer is decided
    is not answered again.
    """

    TYPE: ClassVar[str] = "context-update"
    text: str | None = None
    mode: str = field(default="append", metadata={"one_of": ("append", "replace", "reset")})
    run_llm: str = field(default="auto", metadata={"one_of": ("auto", "true", "false")})
    current_attention_object: object = None
    action_config: Mapping[str, object] | None = None
    remove_static: bool | None = None
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class RespondModeUpdate(ClientMessage):
    """Change what the input of one lane may lead to; lanes and modes are in `respond`."""

    TYPE: ClassVar[str] = "respond-mode-update"
    modality: str
    mode: str = field(metadata={"one_of": MODES})
    update_id: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateDynamicInfo(ClientMessage):
    """Replace the free text about the level."""

    TYPE: ClassVar[str] = "update-dynamic-info"
    text: str = field(metadata={"path": ("dynamic_info", "text")})


@dataclass(frozen=True, slots=True)
class UpdateSceneMetadata(ClientMessage):
    """Replace the list of things in the level: `{name, description}` each."""

    TYPE: ClassVar[str] = "update-scene-metadata"
    scene_metadata: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class UpdateTemplateKeys(ClientMessage):
    """Set the variables that a persona's lines may use."""

    TYPE: ClassVar[str] = "update-template-keys"
    template_keys: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class TtsToggle(ClientMessage):
    """Turn the character's voice on or off."""

    TYPE: ClassVar[str] = "tts-toggle"
    enabled: bool


@dataclass(frozen=True, slots=True)
class SttToggle(ClientMessage):
    """Mute or open the player's microphone at the service."""

    TYPE: ClassVar[str] = "stt-toggle"
    muted: bool


@dataclass(frozen=True, slots=True)
class InterruptBot(ClientMessage):
    """Stop what the character is saying."""

    TYPE: ClassVar[str] = "interrupt-bot"


@dataclass(frozen=True, slots=True)
class ForceUserStoppedSpeaking(ClientMessage):
    """End the player's turn now, whatever the voice activity says."""

    TYPE: ClassVar[str] = "force-user-stopped-speaking"


@dataclass(frozen=True, slots=True)
class ResetIdleTimer(ClientMessage):
    """The player is still there."""

    TYPE: ClassVar[str] = "reset-idle-timer"


@dataclass(frozen=True, slots=True)
class KillPipeline(ClientMessage):
    """End the live connection and its room."""

    TYPE: ClassVar[str] = "kill-pipeline"
