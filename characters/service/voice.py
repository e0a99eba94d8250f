"""One room's speech input and output, when the service has speech.

Microphone frames wait in a bounded queue and are dropped oldest first; voice is sent at most
`AHEAD_SECONDS` before it is heard, so that an interruption silences it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Self, TypeAlias

from characters.agents.agent import Agent
from characters.english import ENGLISH
from characters.protocol.messages import (
    VISEMES,
    ConnectRequest,
    FinalUserTranscription,
    ServerMessage,
    ServerResponse,
    VadSttStarted,
    VadSttStopped,
    Visemes,
)
from characters.service.effects import SpeakText
from characters.service.overlap import OverlapEvent
from characters.service.requests import listening_options
from characters.speech.factory import SpeechParts
from characters.speech.interfaces import (
    Heard,
    Rejected,
    SpeechContinued,
    SpeechEvent,
    SpeechPaused,
    SpeechStarted,
    SpeechStopped,
    VoiceChunk,
    VoiceStyle,
)
from characters.speech.listener import Transcriber
from characters.speech.rewind import SpokenVoice
from engine.core.words import ScreenText

__all__ = [
    "input_for", "output_for", "PlayerSpeech", "SpeechCallbacks", "SpeechInput", "SpeechOutput",
]  # fmt: skip


log = logging.getLogger(__name__)

AHEAD_SECONDS = 0.5
# What is still to be heard of a question that is answered already.
ENDING_SECONDS = 1.0
# Ten seconds of 20 ms frames, and twenty of any size: what is said while a recogniser still works
# on what was said before is not lost.
MAX_FRAMES = 500
MAX_PCM = 20 * 32_000
# Without a frame for the pause that ends a turn and this long, the connection is lost, not slow.
LOST_SECONDS = 0.4
# It is checked in steps: a service that stood still itself has missed one of them, not all.
CHECKS = 4
# What a player waits for is told after so long, and again: models load at their first use.
TELL_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class PlayerSpeech:
    """What is known of what the player says: what it means for a character that speaks meanwhile,
    what the client is told, and its words once they are understood."""

    event: OverlapEvent
    messages: tuple[ServerMessage, ...] = ()
    text: str | None = None


Understood: TypeAlias = Callable[[PlayerSpeech], None]


class Progress:
    """Tells the client what is waited for, every few seconds while in its `with`, until `end`."""

    def __init__(self, what: str, tell: Callable[[ServerMessage], None]) -> None:
        self._what = what
        self._tell = tell
        self._seconds = 0.0

    def __enter__(self) -> Self:
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """Tell no more: it is there; idempotent."""
        self._waiting.cancel()

    def _wait(self) -> None:
        self._seconds += TELL_SECONDS
        self._waiting = asyncio.get_running_loop().call_later(TELL_SECONDS, self._is_late)

    def _is_late(self) -> None:
        text = ENGLISH(self._what, seconds=round(self._seconds))
        self._tell(ServerResponse("speech", "processing", text, ScreenText.as_data(text)))
        self._wait()


class SpeechInput:
    """Feeds one room's microphone to its listener, in order and one call at a time.

    An utterance whose frames stop coming is ended: what is said next is another one. `dropped` is
    told when a frame did not fit.
    """

    def __init__(
        self,
        listener: Transcriber,
        pause_seconds: float,
        dropped: Callable[[str], object] = str,
    ) -> None:
        self._dropped = dropped
        self._listener = listener
        self._check_seconds = (pause_seconds + LOST_SECONDS) / CHECKS
        self._is_fed = False
        self._frames: deque[tuple[bytes, float]] = deque()
        self._waiting = 0  # bytes of them
        self._orders: deque[Callable[[], Awaitable[tuple[SpeechEvent, ...]]]] = deque(maxlen=16)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, understood: Understood, tell: Callable[[ServerMessage], None]) -> None:
        """Begin; `understood` is called with what becomes known of what the player says.

        `tell` is called with what the client is told while that takes long.
        """
        self._task = asyncio.create_task(self._run(understood, tell))

    def feed(self, pcm: bytes, timestamp: float) -> None:
        """Take one frame; never waits. The oldest goes when too much waits."""
        self._frames.append((pcm, timestamp))
        self._waiting += len(pcm)
        while len(self._frames) > MAX_FRAMES or self._waiting > MAX_PCM:
            self._oldest()
            self._dropped("microphone")
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

    async def _run(self, understood: Understood, tell: Callable[[ServerMessage], None]) -> None:
        while True:
            await self._wait()
            self._wake.clear()
            while self._frames or self._orders:
                try:
                    with Progress("speech.being_understood", tell):
                        events = await self._next()
                    for utterance in _utterances(events):
                        understood(utterance)
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


def _utterances(events: Iterable[SpeechEvent]) -> Iterator[PlayerSpeech]:
    """Yield what the events mean; the end of an utterance goes with its words."""
    ended: tuple[ServerMessage, ...] = ()
    for event in events:
        if isinstance(event, SpeechStarted):
            started = VadSttStarted(event.timestamp, event.pre_roll_ms)
            yield PlayerSpeech(OverlapEvent.VOICE, (started,))
        elif isinstance(event, SpeechPaused):
            yield PlayerSpeech(OverlapEvent.QUIET)
        elif isinstance(event, SpeechContinued):
            yield PlayerSpeech(OverlapEvent.VOICE)
        elif isinstance(event, SpeechStopped):
            ended = (VadSttStopped(event.reason, event.audio_duration_ms),)
        else:
            yield _verdict(event, ended)
            ended = ()
    if ended:
        yield PlayerSpeech(OverlapEvent.NO_LINE, ended)


def _verdict(event: Heard | Rejected, ended: tuple[ServerMessage, ...]) -> PlayerSpeech:
    if isinstance(event, Heard):
        words = FinalUserTranscription(event.text)
        return PlayerSpeech(OverlapEvent.WORDS, (*ended, words), event.text)
    extras = ScreenText.as_data(event.advice)
    told = ServerResponse("speech", "error", event.advice, extras)
    return PlayerSpeech(OverlapEvent.NO_LINE, (*ended, told))


@dataclass(frozen=True, slots=True)
class SpeechCallbacks:
    """Where a voice and what belongs to it go; `started` and `ended` are called with the turn."""

    started: Callable[[int], None]
    ended: Callable[[int], None]
    sound: Callable[[bytes, float, int], None]  # pcm, timestamp, sample rate
    message: Callable[[ServerMessage], None]  # visemes, and what is waited for


class SpeechOutput:
    """Speaks one turn at a time; `pause` and `resume` it within a turn."""

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
        self._spoken = SpokenVoice()
        self._due: deque[VoiceChunk] = deque()  # made, and still to be sent
        self._heard_until = 0.0  # when what was sent will have been played
        self._may_speak = asyncio.Event()
        self._has_all = True  # of the turn's text

    @property
    def is_ending(self) -> bool:
        """Whether the last that is said in the turn is being heard, or was."""
        due = sum(chunk.seconds for chunk in self._due)
        sent = max(0.0, self._heard_until - self._now())
        return self._has_all and due + sent < ENDING_SECONDS

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
        self._has_all = False

    def pause(self, heard_until: float | None) -> None:
        """Send nothing for now; what was sent later than was heard is to be sent again."""
        self._may_speak.clear()
        self._heard_until = self._now()
        heard = self._now() if heard_until is None else heard_until
        self._due.extendleft(reversed(self._spoken.rewind(heard)))

    def resume(self) -> None:
        """Go on with the word in which it was paused."""
        self._heard_until = self._now()
        self._may_speak.set()

    def stop(self) -> None:
        """Stop at once."""
        self._spoken, self._heard_until = SpokenVoice(), 0.0
        self._due.clear()
        self._may_speak.set()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _speak(self, turn: int, texts: asyncio.Queue[str | None]) -> None:
        assert self._callbacks is not None
        try:
            while (text := await texts.get()) is not None:
                await self._speak_text(turn, text)
            self._has_all = True
            while self._due or self._heard_until > self._now():
                await self._send_due(turn)
                await asyncio.sleep(max(0.0, self._heard_until - self._now()))
        except Exception as error:
            log.error("speaking failed: %s", type(error).__name__)
        self._callbacks.ended(turn)

    async def _speak_text(self, turn: int, text: str) -> None:
        assert self._callbacks is not None
        if not text.strip():
            return
        with Progress("speech.voice_loads", self._callbacks.message) as progress:
            async with aclosing(self._speech.synthesise(text, self._style)) as chunks:
                async for chunk in chunks:
                    progress.end()
                    self._due.append(chunk)
                    await self._send_due(turn)

    async def _send_due(self, turn: int) -> None:
        """Send what is due, not more than a moment ahead; it may be paused meanwhile."""
        while self._due:
            await self._may_speak.wait()
            wait = self._heard_until - self._now() - AHEAD_SECONDS
            if wait > 0.0:
                await asyncio.sleep(wait)
            elif self._due:
                self._send(turn, self._due.popleft())

    def _send(self, turn: int, chunk: VoiceChunk) -> None:
        assert self._callbacks is not None
        start = max(self._heard_until, self._now())
        self._callbacks.started(turn)
        self._callbacks.sound(chunk.pcm, start, chunk.sample_rate)
        if chunk.visemes:
            self._callbacks.message(Visemes(dict(zip(VISEMES, chunk.visemes, strict=True))))
        self._spoken.add(start, chunk)
        self._heard_until = start + chunk.seconds

    async def close(self) -> None:
        """Stop, and wait until the synthesiser has stopped."""
        task = self._task
        self.stop()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)
        self._callbacks = None


def input_for(
    request: ConnectRequest,
    speech: SpeechParts | None,
    agent: Agent,
    dropped: Callable[[str], object],
) -> SpeechInput | None:
    """Return the input of a room as its client asks for it, None where nothing is heard."""
    if speech is None:
        return None
    activity, turn = listening_options(request)
    listener = speech.listen(agent.phrases(), activity=activity, turn=turn)
    speech_input = SpeechInput(listener, max(activity.stop_secs, turn.stop_secs), dropped)
    if request.default_stt_enabled is False:
        speech_input.set_muted(True)
    return speech_input


def output_for(
    request: ConnectRequest,
    speech: SpeechParts | None,
    style: VoiceStyle,
    now: Callable[[], float],
) -> SpeechOutput | None:
    """Return the output of a room as its client asks for it, None where nothing is spoken."""
    if speech is None or request.default_tts_enabled is False:
        return None
    return SpeechOutput(speech, style, now)
