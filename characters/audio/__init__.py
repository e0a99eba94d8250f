"""Microphones and voices: PortAudio, files and silence behind two protocols."""

from __future__ import annotations

from characters.audio.source import (
    FRAME_BYTES,
    FRAME_SAMPLES,
    FRAME_SECONDS,
    SAMPLE_RATE,
    AudioDevice,
    FrameSink,
    MicrophoneSource,
    SourceFactory,
)
from characters.audio.voice import Voice

__all__ = [
    "FRAME_BYTES",
    "FRAME_SAMPLES",
    "FRAME_SECONDS",
    "SAMPLE_RATE",
    "AudioDevice",
    "FrameSink",
    "MicrophoneSource",
    "SourceFactory",
    "Voice",
]
