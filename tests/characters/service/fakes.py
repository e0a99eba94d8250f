"""Speech and agents for the service's tests: what is heard and said is in the test's hands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from typing import Any

from characters.agents.agent import Agent, Part, Prompt, Say
from characters.protocol.messages import ConnectRequest
from characters.service.service import AgentFactory
from characters.speech.factory import SpeechParts
from characters.speech.interfaces import SpeechEvent, SpeechStopped, VoiceChunk, VoiceStyle
from characters.speech.listener import Transcriber

__all__ = ["SECOND", "AgentsOf", "FakeListener", "FakeSpeech", "ForgetfulAgent"]

SECOND = VoiceChunk(b"\0\0" * 16000, 16000, tuple([0.0] * 14 + [1.0]))


class FakeListener(Transcriber):
    """Reports what its script says for the n-th frame."""

    def __init__(self, script: Mapping[int, tuple[SpeechEvent, ...]]) -> None:
        self.frames: list[float] = []
        self.orders: list[str] = []
        self._script = script

    async def feed(self, pcm: bytes, timestamp: float) -> tuple[SpeechEvent, ...]:
        self.frames.append(timestamp)
        await asyncio.sleep(0)
        if pcm == b"bad":
            raise RuntimeError
        return self._script.get(len(self.frames), ())

    async def force_stop(self) -> tuple[SpeechEvent, ...]:
        self.orders.append("stop")
        return (SpeechStopped(1.0, "forced", 300),)

    async def cut_off(self) -> tuple[SpeechEvent, ...]:
        self.orders.append("cut off")
        return (SpeechStopped(1.0, "lost", 300),)

    async def set_muted(self, muted: bool) -> tuple[SpeechEvent, ...]:
        self.orders.append(f"muted {muted}")
        return ()

    async def close(self) -> None:
        self.orders.append("closed")


class FakeSpeech(SpeechParts):
    """Speaks a chunk of silence for each word, one second unless told otherwise."""

    problems: tuple[str, ...] = ()
    can_recognise = True

    def __init__(
        self,
        script: Mapping[int, tuple[SpeechEvent, ...]] | None = None,
        chunk: VoiceChunk = SECOND,
    ) -> None:
        self._script = script or {}
        self.prepare = lambda: None
        self._chunk = chunk
        self.texts: list[str] = []
        self.stopped = 0
        self.is_loaded = asyncio.Event()
        self.is_loaded.set()

    async def synthesise(
        self, text: str, style: VoiceStyle | None = None
    ) -> AsyncGenerator[VoiceChunk, None]:
        self.texts.append(text)
        await self.is_loaded.wait()
        try:
            for word in text.split():
                if word == "fail":
                    raise RuntimeError
                yield self._chunk
        finally:
            self.stopped += 1

    def listen(self, phrases: Iterable[str], **options: object) -> FakeListener:
        return FakeListener(self._script)

    async def close(self) -> None:
        pass


class ForgetfulAgent:
    """Says hello to whatever it is asked, and keeps nothing."""

    player_name = ""
    mood = None

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        yield Say("Hello.")

    def note(self, text: str) -> None: ...

    def phrases(self) -> Iterable[str]:
        return ()

    def memory(self) -> dict[str, Any]:
        return {}


class AgentsOf(AgentFactory):
    """Lets each character be what `make` returns, without a voice of its own."""

    def __init__(self, make: Callable[[], Agent]) -> None:
        self._make = make

    def agent(self, request: ConnectRequest, memory: dict[str, Any]) -> Agent:
        return self._make()

    def voice(self, request: ConnectRequest) -> None:
        return None
