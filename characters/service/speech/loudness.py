"""Voice activity by loudness alone, for machines without a real detector."""

from __future__ import annotations

import numpy as np

from characters.core.levels import SpeechGate, decibels

__all__ = ["LoudnessDetector"]


class LoudnessDetector:
    """Implements `Detector`: takes what is clearly louder than the noise before it for speech."""

    def __init__(self) -> None:
        self._gate = SpeechGate()

    def confidence(self, pcm: bytes) -> float:
        """Return 1 for a frame that is loud, and for the short gaps between such frames."""
        self._gate = self._gate.hear(decibels(np.frombuffer(pcm, "<i2")), 0.02)
        return float(self._gate.is_open)

    def close(self) -> None:
        """Nothing is to be given back."""
