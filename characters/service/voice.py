"""One room's speech input and output, when the service has speech.

Microphone frames wait in a bounded queue and are dropped oldest first; voice is sent at most
`AHEAD_SECONDS` before it is heard, so that an interruption silences it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TypeAlias

from characters.protocol.messages import (
    VISEMES,
    FinalUserTranscription,
    ServerMessage,
    ServerResponse,
    VadSttStarted,
    VadSttStopped,
    Visemes,
)
from characters.service.conversation import SpeakText
from characters.speech.factory import SpeechParts
from characters.speech.interfaces import (
    Heard,
    Rejected,
    SpeechEvent,
    SpeechStarted,
    SpeechStopped,
    VoiceStyle,
)
from characters.speech.listener import Transcriber
from engine.core.words import ScreenText

__all__ = ["SpeechCallbacks", "SpeechInput", "SpeechOutput"]


log = logging.getLogger(__name__)

AHEAD_SECONDS = 0.5
# Ten seconds of 20 ms frames, and twenty of any size: what is said while a recogniser still works
# on what was said before is not lost.
MAX_FRAMES = 500
MAX_PCM = 20 * 32_000
# Without a frame for the pause that ends a turn and this long, the connection is lost, not slow.
LOST_SECONDS = 0.4
# It is checked in steps: a service that stood still itself has missed one of them, not all.
CHECKS = 4

Understood: TypeAlias = Callable[[str | None, tuple[ServerMessage, ...]], None]


class SpeechInput:
    """Feeds one room's microphone to its listener, in order and one call at a time.

    An utterance whose frames stop coming is ended: what is said next is another one.
    """

    def __init__(self, listener: Transcriber, pause_seconds: float) -> None:
        self._listener = listener
        self._check_seconds = (pause_seconds + LOST_SECONDS) / CHECKS
        self._is_fed = False
        self._frames: deque[tuple[bytes, float]] = deque()
        self._waiting = 0  # bytes of them
        self._orders: deque[Callable[[], Awaitable[tuple[SpeechEvent, ...]]]] = deque(maxlen=16)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, understood: Understood) -> None:
        """Begin; `understood` is called with what was said, None when the player only speaks."""
        self._task = asyncio.create_task(self._run(understood))

    def feed(self, pcm: bytes, timestamp: float) -> None:
        """Take one frame; never waits. The oldest goes when too much waits."""
        self._frames.append((pcm, timestamp))
        self._waiting += len(pcm)
        while len(self._frames) > MAX_FRAMES or self._waiting > MAX_PCM:
            self._oldest()
        self._wake.set()

    def force_stop(self) -> None:
        """End the utterance now."""
        self._order(self._listener.force_stop)

    def set_muted(self, muted: bool) -> None:
        """Stop or resume listening."""
        self._order(lambda: self._listener.set_muted(muted))

    def _order(self, order: Callable[[], Awaitable[tuple[SpeechEvent, ...]]]) -> None:
        self._orders.append(order)
        self._wake.set()

    async def _run(self, understood: Understood) -> None:
        while True:
            await self._wait()
            self._wake.clear()
            while self._frames or self._orders:
                try:
                    for event in await self._next():
                        understood(*_translate(event))
                except Exception as error:
                    log.error("listening failed: %s", type(error).__name__)

    async def _wait(self) -> None:
        """Wait for frames and orders, or until frames have stopped coming."""
        for _ in range(CHECKS if self._is_fed else 0):
            with suppress(TimeoutError):
                async with asyncio.timeout(self._check_seconds):
                    await self._wake.wait()
                return
        if self._is_fed and not self._frames:
            self._is_fed = False
            self._orders.append(self._listener.cut_off)
            return
        await self._wake.wait()

    async def _next(self) -> tuple[SpeechEvent, ...]:
        # Frames first: an order is about what was said before it.
        if self._frames:
            self._is_fed = True
            return await self._listener.feed(*self._oldest())
        return await self._orders.popleft()()

    def _oldest(self) -> tuple[bytes, float]:
        pcm, timestamp = self._frames.popleft()
        self._waiting -= len(pcm)
        return pcm, timestamp

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._listener.close()


def _translate(event: SpeechEvent) -> tuple[str | None, tuple[ServerMessage, ...]]:
    if isinstance(event, SpeechStarted):
        return None, (VadSttStarted(event.timestamp, event.pre_roll_ms),)
    if isinstance(event, SpeechStopped):
        return None, (VadSttStopped(event.reason, event.audio_duration_ms),)
    if isinstance(event, Heard):
        return event.text, (FinalUserTranscription(event.text),)
    assert isinstance(event, Rejected)
    extras = ScreenText.as_data(event.advice)
    return None, (ServerResponse("speech", "error", event.advice, extras),)


@dataclass(frozen=True, slots=True)
class SpeechCallbacks:
    """Where a voice and its visemes go; `started` and `ended` are called with the turn."""

    started: Callable[[int], None]
    ended: Callable[[int], None]
    sound: Callable[[bytes, float, int], None]  # pcm, timestamp, sample rate
    visemes: Callable[[ServerMessage], None]


class SpeechOutput:
    """Speaks one turn at a time."""

    def __init__(
        self, speech: SpeechParts, style: VoiceStyle | None, now: Callable[[], float]
    ) -> None:
        self._speech = speech
        self._style = style
        self._now = now
        self._callbacks: SpeechCallbacks | None = None
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._turn = 0

    def connect(self, callbacks: SpeechCallbacks) -> None:
        """Set where the voice goes."""
        self._callbacks = callbacks

    def say(self, effect: SpeakText) -> None:
        """Speak this next; a text of None ends the turn."""
        turn = effect.turn
        if self._task is None or turn != self._turn:
            self.stop()
            self._turn, self._texts = turn, asyncio.Queue()
            self._task = asyncio.create_task(self._speak(turn, self._texts))
        self._texts.put_nowait(effect.text)

    def stop(self) -> None:
        """Stop at once."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _speak(self, turn: int, texts: asyncio.Queue[str | None]) -> None:
        assert self._callbacks is not None
        heard_until = 0.0  # when what was sent will have been played
        try:
            while (text := await texts.get()) is not None:
                heard_until = await self._speak_text(turn, text, heard_until)
            await asyncio.sleep(max(0.0, heard_until - self._now()))
        except Exception as error:
            log.error("speaking failed: %s", type(error).__name__)
        self._callbacks.ended(turn)

    async def _speak_text(self, turn: int, text: str, heard_until: float) -> float:
        assert self._callbacks is not None
        if not text.strip():
            return heard_until
        async with aclosing(self._speech.synthesise(text, self._style)) as chunks:
            async for chunk in chunks:
                heard_until = max(heard_until, self._now())
                await asyncio.sleep(max(0.0, heard_until - self._now() - AHEAD_SECONDS))
                self._callbacks.started(turn)
                self._callbacks.sound(chunk.pcm, heard_until, chunk.sample_rate)
                if chunk.visemes:
                    self._callbacks.visemes(Visemes(dict(zip(VISEMES, chunk.visemes, strict=True))))
                heard_until += len(chunk.pcm) / 2 / chunk.sample_rate
        return heard_until

    async def close(self) -> None:
        """Stop, and wait until the synthesiser has stopped."""
        task = self._task
        self.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
