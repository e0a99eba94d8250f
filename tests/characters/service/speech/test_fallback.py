from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest

from characters.service.speech.fallback import Fallback
from characters.service.speech.protocols import SynthesisError, VoiceChunk, VoiceStyle


class Voice:
    """Says its name, as often as it is told to before it breaks."""

    def __init__(self, name: str, chunks: int = 1, *, breaks: bool = False) -> None:
        self.name, self.chunks, self.breaks = name, chunks, breaks
        self.stopped = 0
        self.is_closed = False

    async def synthesise(self, text: str, style: VoiceStyle) -> AsyncGenerator[VoiceChunk, None]:
        try:
            for _ in range(self.chunks):
                yield VoiceChunk(self.name.encode(), 16_000)
            if self.breaks:
                raise SynthesisError("no answer")
        finally:
            self.stopped += 1

    async def close(self) -> None:
        self.is_closed = True


def speak(*voices: Voice, times: int = 1) -> list[str]:
    async def talk() -> list[str]:
        chain, said = Fallback(voices), ""
        for _ in range(times):
            async for chunk in chain.synthesise("Hello.", VoiceStyle()):
                said += chunk.pcm.decode()
        return list(said)

    return asyncio.run(talk())


def test_the_first_that_can_speaks_alone() -> None:
    assert speak(Voice("a"), Voice("b")) == ["a"]


def test_one_that_breaks_off_is_followed_by_the_whole_sentence() -> None:
    assert speak(Voice("a", 1, breaks=True), Voice("b", 2)) == ["a", "b", "b"]


def test_when_nobody_can_that_is_an_error() -> None:
    with pytest.raises(SynthesisError, match="captions"):
        speak(Voice("a", 0, breaks=True))


def test_it_complains_once_until_it_has_worked_again(caplog: pytest.LogCaptureFixture) -> None:
    async def talk() -> None:
        first = Voice("a", 0, breaks=True)
        chain = Fallback((first, Voice("b")))
        for breaks in (True, True, False, True):
            first.breaks = breaks
            first.chunks = 0 if breaks else 1
            assert [c async for c in chain.synthesise("Hello.", VoiceStyle())]

    with caplog.at_level(logging.WARNING):
        asyncio.run(talk())
    assert len(caplog.records) == 2


def test_stopping_in_the_middle_stops_whoever_speaks() -> None:
    async def talk() -> Voice:
        voice = Voice("a", 5)
        chunks = Fallback((voice,)).synthesise("Hello.", VoiceStyle())
        await anext(chunks)
        await chunks.aclose()
        return voice

    assert asyncio.run(talk()).stopped == 1


def test_closing_closes_all() -> None:
    voices = (Voice("a"), Voice("b"))
    asyncio.run(Fallback(voices).close())
    assert all(voice.is_closed for voice in voices)
