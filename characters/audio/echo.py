"""Echo cancellation: WebRTC's audio processing, from the package `livekit` (the extra `echo`)."""

from __future__ import annotations

import importlib.util
import logging
from typing import Any

import numpy as np

from characters.audio.signal import Samples
from characters.audio.sources import SAMPLE_RATE
from characters.audio.speaker import BLOCK_SECONDS, OUTPUT_RATE

__all__ = ["EchoCanceller", "open_echo_canceller"]

_log = logging.getLogger(__name__)

HEARD_SAMPLES = round(SAMPLE_RATE * BLOCK_SECONDS)
PLAYED_SAMPLES = round(OUTPUT_RATE * BLOCK_SECONDS)
# It learns the room from what is played: before so much of it, some echo is left.
LEARNING_BLOCKS = round(2.0 / BLOCK_SECONDS)
LOUD = 500


class EchoCanceller:
    """Takes what the loudspeakers play out of what the microphone hears.

    `played` is for the thread that plays, `clean` for the one that hears; it finds out by itself
    how long the sound takes from one to the other. Raises ImportError without the extra.
    """

    def __init__(self) -> None:
        # Imported here: it is an extra, and loads a library of its own.
        from livekit import rtc

        self._frame: Any = rtc.AudioFrame
        self._module: Any = rtc.AudioProcessingModule(echo_cancellation=True, high_pass_filter=True)
        self._works = True
        self._learnt_blocks = 0

    @property
    def is_settled(self) -> bool:
        """Whether enough was played to it that what is left is the player, and no echo."""
        return self._works and self._learnt_blocks >= LEARNING_BLOCKS

    def played(self, block: Samples) -> None:
        """Take 10 ms of the mix, shape (480, 2) at 48 kHz; other sizes are no part of it."""
        if not self._works or block.shape[0] != PLAYED_SAMPLES:
            return
        if self._learnt_blocks < LEARNING_BLOCKS:
            self._learnt_blocks += bool(np.abs(block).max() > LOUD)
        mono = (block.astype(np.int32).sum(axis=1) // 2).astype(np.int16)
        frame = self._frame(bytearray(mono.tobytes()), OUTPUT_RATE, 1, PLAYED_SAMPLES)
        self._try(self._module.process_reverse_stream, frame)

    def clean(self, samples: Samples) -> Samples:
        """Return a frame (whole pieces of 160 samples at 16 kHz) without the echo in it."""
        pieces = [self._clean(piece) for piece in samples.reshape(-1, HEARD_SAMPLES)]
        return np.concatenate(pieces)

    def _clean(self, piece: Samples) -> Samples:
        if not self._works:
            return piece
        frame = self._frame(bytearray(piece.tobytes()), SAMPLE_RATE, 1, HEARD_SAMPLES)
        self._try(self._module.process_stream, frame)
        return np.frombuffer(bytes(frame.data), np.int16)

    def _try(self, process: Any, frame: Any) -> None:
        try:
            process(frame)
        except RuntimeError as error:
            # The player is heard with an echo then, and no thread of sound dies of it.
            self._works = False
            _log.warning("Echo cancellation failed and is off: %s", error)


def open_echo_canceller() -> EchoCanceller | None:
    """Return a canceller, None when the extra is not installed or does not start here."""
    if importlib.util.find_spec("livekit") is None:
        return None
    try:
        return EchoCanceller()
    except (ImportError, OSError, RuntimeError) as error:
        _log.warning("Echo cancellation cannot be used: %s", error)
        return None
