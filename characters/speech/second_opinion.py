"""A second recogniser, asked where the first is not sure of its words or cannot answer at all.

The first understands anything, the second only what can be said, and that more surely.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from difflib import SequenceMatcher
from functools import partial

from characters.speech.interfaces import (
    SAY_AGAIN,
    Completeness,
    Heard,
    Recogniser,
    Rejected,
    Utterance,
)
from characters.speech.worker import RecogniserHost

__all__ = ["load_grammars", "SecondOpinion", "SURE"]

log = logging.getLogger(__name__)

# Found on voices and sentences that no figure is told of (`--tuning` of tests.audio.corpus). Nearly
# all that is gained is alike; what is quite different was another sentence.
SURE, LEAST_ALIKE = 0.7, 0.55


def load_grammars(espeak: str | None) -> RecogniserHost:
    """Return pocketsphinx as it serves in a process of its own; it is imported there alone."""
    from characters.speech.sphinx import make_sphinx

    return make_sphinx(espeak)


class SecondOpinion:
    """Implements `Recogniser` by two; the second is not loaded before it is asked."""

    def __init__(self, first: Recogniser, second: Recogniser) -> None:
        self._first = first
        self._second = second
        self._is_failing = False

    def prepare(self, phrases: tuple[str, ...]) -> None:
        """Get the first ready."""
        self._first.prepare(phrases)

    async def open(self, phrases: tuple[str, ...]) -> TwiceHeardUtterance | None:
        """Begin an utterance of the first; None when that is overloaded."""
        utterance = await self._first.open(phrases)
        if utterance is None:
            return None
        return TwiceHeardUtterance(utterance, partial(self._ask, phrases), self._first_failed)

    def _first_failed(self, error: Exception | None) -> None:
        """Log it once, until the first has worked again."""
        if error is not None and not self._is_failing:
            name = type(error).__name__
            log.warning("the recogniser fails, what can be asked is understood still: %s", name)
        self._is_failing = error is not None

    async def _ask(self, phrases: tuple[str, ...], sound: bytes) -> Heard | Rejected:
        utterance = await self._second.open(phrases)
        if utterance is None:
            return Rejected(SAY_AGAIN)
        try:
            await utterance.feed(sound)
            return await utterance.finish()
        except BaseException:
            await utterance.cancel()
            raise

    async def close(self) -> None:
        """Release both."""
        await self._first.close()
        await self._second.close()


class TwiceHeardUtterance:
    """Implements `Utterance` by the first one's, and what was said for the second."""

    def __init__(
        self,
        utterance: Utterance,
        ask: Callable[[bytes], Awaitable[Heard | Rejected]],
        failed: Callable[[Exception | None], None],
    ) -> None:
        self._utterance = utterance
        self._ask = ask
        self._failed = failed
        self._sound = bytearray()

    async def feed(self, pcm: bytes) -> None:
        """Take more of the utterance."""
        self._sound += pcm
        await self._utterance.feed(pcm)

    async def completeness(self) -> Completeness:
        """Return what the first takes it for so far."""
        return await self._utterance.completeness()

    async def finish(self) -> Heard | Rejected:
        """Return what it was; what the first has rejected is not asked about again."""
        try:
            first = await self._utterance.finish()
        except Exception as error:  # it cannot be loaded, has ended, or whatever else
            self._failed(error)
            return await self._ask(bytes(self._sound))
        self._failed(None)
        if isinstance(first, Rejected) or first.confidence >= SURE:
            return first
        second = await self._ask(bytes(self._sound))
        if isinstance(second, Rejected) or not LEAST_ALIKE <= _alike(second, first) < 1.0:
            return first  # what is the same stands as the first has written it
        return second

    async def cancel(self) -> None:
        """Drop the utterance."""
        self._sound.clear()
        await self._utterance.cancel()


def _alike(one: Heard, other: Heard) -> float:
    """Return how many of the letters of two lines are the same, 0 to 1."""
    said, heard = (" ".join(re.findall(r"[\w']+", it.text.lower())) for it in (one, other))
    return SequenceMatcher(None, said, heard, autojunk=False).ratio()
