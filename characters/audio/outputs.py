"""Where rendered blocks go: an output that keeps time, and the thread that writes to one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from characters.audio.mixer import Mixer

__all__ = ["BLOCK_SECONDS", "OUTPUT_RATE", "ClockOutput", "Output", "Writer"]

OUTPUT_RATE = 48_000
BLOCK_SECONDS = 0.01
# PulseAudio may take a first second of sound at its leisure; a loss is noticed within 2 s.
WRITE_TIMEOUT_SECONDS = 1.7
# A device may buffer a little, but one that swallows seconds at once is none (ALSA's null).
AHEAD_SECONDS = 2.0
# The first write may have to wake the sound daemon up.
FIRST_WRITE_SECONDS = 3.0
CLOSE_SECONDS = 0.3


class Output(Protocol):
    """Takes blocks at the pace of time."""

    name: str
    block_seconds: float

    def write(self, block: bytes) -> None:
        """Wait until there is room, then take the block. Raises OSError when it is gone."""

    def close(self) -> None:
        """Let go, on the thread that writes; may hang."""


class ClockOutput:
    """Hears nothing and keeps time."""

    name = "none"
    block_seconds = 4 * BLOCK_SECONDS  # where nobody listens, a thread need not wake so often

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._due = now()
        self._never = threading.Event()

    def write(self, block: bytes) -> None:
        """Wait as long as the block lasts; time that was slept away is not caught up."""
        now = self._now()
        self._due = max(self._due + self.block_seconds, now - 0.1)
        self._never.wait(max(0.0, self._due - now))

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


class Writer:
    """One thread that renders and writes to one output until it fails or is abandoned."""

    def __init__(self, mixer: Mixer, output: Output, now: Callable[[], float]) -> None:
        self.output = output
        self.failed = False
        self.last_write_at: float | None = None
        self.started_at = now()
        self._mixer = mixer
        self._now = now
        self._abandoned = False
        self._thread = threading.Thread(
            target=self._run, name=f"speaker {output.name}", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Render nothing more: what is still to be said is the next writer's."""
        self._abandoned = True

    def abandon(self) -> None:
        """Write nothing more; the thread closes its output itself, when its write returns.

        Closing under a write that is under way corrupts PortAudio's memory, and a write that
        hangs for good keeps its stream.
        """
        self.stop()
        self._thread.join(CLOSE_SECONDS)

    def is_late(self) -> bool:
        """Return whether a write seems to hang."""
        if self.last_write_at is None:
            return self._now() - self.started_at > FIRST_WRITE_SECONDS
        return self._now() - self.last_write_at > WRITE_TIMEOUT_SECONDS

    def _run(self) -> None:
        self._write_all()
        self.output.close()

    def _write_all(self) -> None:
        seconds, written = self.output.block_seconds, 0.0
        size = round(self._mixer.rate * seconds)
        while not self._abandoned:
            block = self._mixer.render(size).tobytes()
            try:
                self.output.write(block)
            except (OSError, ValueError):
                self.failed = True
                return
            self.last_write_at = self._now()
            # Counted from the last second or so: a stall must not earn credit for later.
            written = max(written + seconds, self.last_write_at - self.started_at - 1.0)
            if written - (self.last_write_at - self.started_at) > AHEAD_SECONDS:
                self.failed = True
                return
