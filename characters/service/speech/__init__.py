"""Speech in the service: recognition and synthesis behind one protocol, each part optional."""

from __future__ import annotations

from characters.service.speech.factory import SpeechParts, make_speech
from characters.service.speech.protocols import (
    SAY_AGAIN,
    Detector,
    Heard,
    Listener,
    Recogniser,
    Rejected,
    Speech,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    Synthesiser,
    SynthesisError,
    Utterance,
    VoiceChunk,
    VoiceStyle,
)

__all__ = [
    "SAY_AGAIN",
    "Detector",
    "Heard",
    "Listener",
    "Recogniser",
    "Rejected",
    "Speech",
    "SpeechEvent",
    "SpeechParts",
    "SpeechStarted",
    "SpeechStopped",
    "SynthesisError",
    "Synthesiser",
    "Utterance",
    "VoiceChunk",
    "VoiceStyle",
    "make_speech",
]
