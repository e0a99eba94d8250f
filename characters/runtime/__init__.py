"""The network thread and what runs on it: sessions that are driven while the game draws."""

from __future__ import annotations

from characters.runtime.builder import RuntimeBuilder
from characters.runtime.config import SessionConfig
from characters.runtime.ears import Ears
from characters.runtime.events import (
    CharacterEvent,
    MessageRefused,
    TextRefused,
    TranscriptChanged,
)
from characters.runtime.handle import SessionHandle
from characters.runtime.listening import EarsStatus
from characters.runtime.runtime import Runtime, RuntimeParts
from characters.runtime.service_process import ServiceError, ServiceProcess

__all__ = [
    "CharacterEvent",
    "Ears",
    "EarsStatus",
    "MessageRefused",
    "Runtime",
    "RuntimeBuilder",
    "RuntimeParts",
    "ServiceError",
    "ServiceProcess",
    "SessionConfig",
    "SessionHandle",
    "TextRefused",
    "TranscriptChanged",
]
