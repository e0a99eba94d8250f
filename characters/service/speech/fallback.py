"""Several synthesisers in the order of preference: whoever can, speaks the sentence."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from characters.service.speech.protocols import (
    Synthesiser,
    SynthesisError,
    VoiceChunk,
    VoiceStyle,
)

__all__ = ["Fallback"]

log = logging.getLogger(__name__)


class Fallback:
    """Implements `Synthesiser` by the first of several that does not fail.

    One that breaks off in the middle of a sentence is followed by the whole sentence from the
    next: twice the beginning is better than half a word of advice.
    """

    def __init__(self, synthesisers: Sequence[Synthesiser]) -> None:
        self._synthesisers = tuple(synthesisers)
        self._failing: set[int] = set()

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        """Speak a sentence. Raises SynthesisError when nobody can."""
        for number, synthesiser in enumerate(self._synthesisers):
            try:
                async with aclosing(synthesiser.synthesise(text, style)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except SynthesisError as error:
                self._complain(number, error)
            else:
                self._failing.discard(number)
                return
        raise SynthesisError("nobody could speak the sentence: captions show it")

    def _complain(self, number: int, error: SynthesisError) -> None:
        """Say it once, until it has worked again."""
        if number not in self._failing:
            self._failing.add(number)
            name = type(self._synthesisers[number]).__name__
            log.warning("%s failed, the next voice takes over: %s", name, error)

    async def close(self) -> None:
        """Close all of them."""
        for synthesiser in self._synthesisers:
            await synthesiser.close()
