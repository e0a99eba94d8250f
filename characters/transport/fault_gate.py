"""A gate on a line that can be shut: a black hole to practise with, from the game's own panel."""

from __future__ import annotations

import asyncio

__all__ = ["FaultGate"]

LOOK_EVERY_SECONDS = 0.02


class FaultGate:
    """While it is shut nothing passes in either direction, and nobody is told.

    What was sent meanwhile arrives when it opens, if the connection still lives: as with a real
    line that swallows packets until the other side repeats them. May be shut and opened from any
    thread; `passes` belongs to the event loop.
    """

    def __init__(self) -> None:
        self._is_shut = False

    @property
    def is_shut(self) -> bool:
        """Whether the line is a black hole now."""
        return self._is_shut

    def shut(self) -> None:
        """Begin to swallow."""
        self._is_shut = True

    def open(self) -> None:
        """Let everything through again."""
        self._is_shut = False

    async def passes(self) -> None:
        """Wait until the gate is open."""
        # A look now and then instead of an event: it is shut from another thread, and rarely.
        while self._is_shut:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
