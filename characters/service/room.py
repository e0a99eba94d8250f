"""A room with somebody in it, or waiting for him to come back: the shell around one talk.

The room performs what the conversation decides: it sends, consults the mind, speaks, listens
and keeps. It goes on while its player is away, so that a rejoin finds the answer waiting.

What the service does with each client message, and how it acknowledges it. Pure.

One room's way to its client: numbered, kept while he is away, and what he has had of it.

One client's WebSocket: a bounded queue out, a checked frame in.

A client that reads too slowly loses voice first (the oldest), and its connection when more
than `MAX_WAITING` frames wait or one takes longer than `SEND_SECONDS`: its room lives on, and
what it missed is repeated when it comes back.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import msgpack
from aiohttp import WSMessage, web

from characters.agents.agent import Agent, Event, Prompt
from characters.protocol.codec import MessageError, decode_client, encode_server
from characters.protocol.link import (
    Arrival,
    Bye,
    LinkFrame,
    OutboxFullError,
    Ping,
    ReplayError,
    SequencedChannel,
    encode_link,
)
from characters.protocol.messages import (
    USER_LANES,
    USER_VOICE,
    BotReady,
    BotTurnCompleted,
    ClientMessage,
    ContextUpdate,
    FinalUserTranscription,
    ForceUserStoppedSpeaking,
    InteractionCreated,
    InterruptBot,
    KillPipeline,
    ResetIdleTimer,
    RespondModeUpdate,
    ServerMessage,
    ServerResponse,
    SttToggle,
    TriggerMessage,
    TtsToggle,
    UpdateDynamicInfo,
    UpdateSceneMetadata,
    UpdateTemplateKeys,
    UserTextMessage,
)
from characters.service.conversation import (
    Effect,
    End,
    Entry,
    Generate,
    Note,
    PendingReply,
    PersistEntry,
    ResolveReply,
    RoomConversation,
    Send,
    SpeakText,
    StopSpeaking,
    TimingConfig,
)
from characters.service.registry import Room, SpeakingQueue, SpeakingQueues
from characters.service.requests import ContextError, LevelContext
from characters.service.store import Keeping, RoomHistory, WriteBehindQueue
from characters.service.voice import SpeechCallbacks, SpeechInput, SpeechOutput

__all__ = [
    "ClientSocket",
    "EndUtterance",
    "LiveRoom",
    "MAX_FRAME",
    "MessageHandler",
    "MuteInput",
    "Outcome",
    "refused",
    "RoomOutbox",
    "RoomServices",
    "short",
]


MAX_TEXT = 2000


@dataclass(frozen=True, slots=True)
class MuteInput:
    """Stop or resume listening to the player's microphone."""

    muted: bool


@dataclass(frozen=True, slots=True)
class EndUtterance:
    """End the player's utterance now."""


Outcome: TypeAlias = Effect | MuteInput | EndUtterance
Outcomes: TypeAlias = list[Outcome]


class MessageHandler:
    """Takes the messages of one room; `has_agent` is whether somebody is there to answer.

    A typed line with a message id is taken once, and acknowledged when it is durable (`confirm`),
    so that a client can repeat what it does not know to have arrived. `known` are the ids of the
    lines that the session has already.
    """

    def __init__(
        self,
        conversation: RoomConversation,
        context: LevelContext,
        *,
        can_speak: bool = False,
        has_agent: bool = True,
        known: frozenset[str] = frozenset(),
    ) -> None:
        self._talk = conversation
        self._context = context
        self._can_speak = can_speak
        self.has_agent = has_agent
        self._durable = set(known)
        self._taken = set(known)

    def take(self, message: ClientMessage, now: float) -> Outcomes:
        """Return the acknowledgement of a message, and what follows from it."""
        try:
            return self._HANDLERS[type(message)](self, message, now)
        except ContextError as problem:
            return [_ack(message, f"Failed to process {message.TYPE}: {problem}", ok=False)]

    def _text(self, message: UserTextMessage, now: float) -> Outcomes:
        text, message_id = message.text.strip(), message.message_id
        if message_id in self._taken:
            return [_text_ack(message)] if message_id in self._durable else []
        if not text or len(text) > MAX_TEXT:
            return [_text_ack(message, f"'text' must have 1 to {MAX_TEXT} characters")]
        if not self.has_agent:
            return [_text_ack(message, "No character is in this room; ask for spawn_agent")]
        if self._talk.is_full:
            return [_text_ack(message, "Too much at once; wait for an answer, say it again")]
        said = self._talk.player_said(text, now, message_id)
        if message_id is None:
            return [_text_ack(message), *said]
        self._taken.add(message_id)
        return list(said)

    def confirm(self, said: PersistEntry) -> Outcomes:
        """Return the acknowledgement of a typed line that is durable now."""
        if said.message_id is None:
            return []
        self._durable.add(said.message_id)
        return [_text_ack(UserTextMessage(said.text, said.message_id))]

    def _trigger(self, message: TriggerMessage, now: float) -> Outcomes:
        name, text = message.trigger_name or "", message.trigger_message or ""
        ack = _ack(message, "Trigger received", {"trigger_name": name, "has_speak_tag": False})
        if not self.has_agent or not (name or text) or self._talk.is_full:
            return [ack]
        return [ack, *self._talk.prompt(Event(name[:200], text[:MAX_TEXT]), now)]

    def _context_update(self, message: ContextUpdate, now: float) -> Outcomes:
        if message.action_config is not None:
            self._context.set_affordances(message.action_config)
        if message.current_attention_object is not None:
            self._context.attend(message.current_attention_object)
        told_more = (
            message.current_attention_object is not None or message.action_config is not None
        )
        wants_answer = message.run_llm == "true"
        if message.text or message.mode == "reset" or not (told_more or wants_answer):
            self._context.update(message.text, message.mode, message.remove_static)
        done = f"Context updated successfully ({message.mode} mode)"
        ack = _ack(message, done, self._context.figures())
        if not wants_answer or not self.has_agent:
            return [ack]
        return [ack, *self._talk.respond(now, message.text or "", message.message_id)]

    def _respond_mode(self, message: RespondModeUpdate, now: float) -> Outcomes:
        if message.modality not in USER_LANES:
            lanes = " and ".join(USER_LANES)
            return [_ack(message, f"'modality' must be one of {lanes}", ok=False)]
        modes = self._talk.set_mode(message.modality, message.mode)
        extras: dict[str, object] = {"modality": message.modality, "mode": message.mode}
        if message.update_id is not None:
            extras["update_id"] = message.update_id
        return [_ack(message, "Respond mode updated", {**extras, "respond_modes": modes})]

    def _dynamic_info(self, message: UpdateDynamicInfo, now: float) -> Outcomes:
        self._context.update(message.text or None, "replace" if message.text else "reset", None)
        return [_ack(message, "Dynamic info updated")]

    def _scene(self, message: UpdateSceneMetadata, now: float) -> Outcomes:
        self._context.set_scene(message.scene_metadata)
        return [_ack(message, "Scene metadata updated")]

    def _keys(self, message: UpdateTemplateKeys, now: float) -> Outcomes:
        self._context.set_keys(message.template_keys)
        return [_ack(message, "Template keys updated")]

    def _tts(self, message: TtsToggle, now: float) -> Outcomes:
        if not self._can_speak:
            return [_ack(message, "This service has no voice; it answers by text", ok=False)]
        self._talk.set_voice(message.enabled)
        word = "enabled" if message.enabled else "disabled"
        return [_ack(message, f"TTS {word}", {"enabled": message.enabled})]

    def _stt(self, message: SttToggle, now: float) -> Outcomes:
        word = "muted" if message.muted else "open"
        ack = _ack(message, f"Microphone {word}", {"muted": message.muted})
        return [ack, MuteInput(message.muted)]

    def _interrupt(self, message: InterruptBot, now: float) -> Outcomes:
        return [_ack(message, "Interrupted"), *self._talk.interrupt(now)]

    def _force_stop(self, message: ForceUserStoppedSpeaking, now: float) -> Outcomes:
        return [_ack(message, "Turn ended"), EndUtterance()]

    def _reset_idle(self, message: ResetIdleTimer, now: float) -> Outcomes:
        self._talk.active(now)
        return [_ack(message, "Idle timer reset")]

    def _kill(self, message: KillPipeline, now: float) -> Outcomes:
        return [_ack(message, "Ending"), *self._talk.interrupt(now), End("killed")]

    _HANDLERS: Mapping[type, Callable[[Any, Any, float], Outcomes]] = {
        UserTextMessage: _text,
        TriggerMessage: _trigger,
        ContextUpdate: _context_update,
        RespondModeUpdate: _respond_mode,
        UpdateDynamicInfo: _dynamic_info,
        UpdateSceneMetadata: _scene,
        UpdateTemplateKeys: _keys,
        TtsToggle: _tts,
        SttToggle: _stt,
        InterruptBot: _interrupt,
        ForceUserStoppedSpeaking: _force_stop,
        ResetIdleTimer: _reset_idle,
        KillPipeline: _kill,
    }


def refused(problem: MessageError) -> Send:
    """Return the acknowledgement of something that was no usable message."""
    return Send(ServerResponse(problem.kind, "error", problem.message, problem.extras))


def _text_ack(message: UserTextMessage, problem: str | None = None) -> Send:
    extras: dict[str, object] = {} if problem else {"text": message.text}
    if message.message_id is not None:
        extras["message_id"] = message.message_id
    return _ack(message, problem or "Text received", extras or None, ok=problem is None)


def _ack(
    message: ClientMessage,
    text: str,
    extras: Mapping[str, object] | None = None,
    *,
    ok: bool = True,
) -> Send:
    return Send(ServerResponse(message.TYPE, "success" if ok else "error", text, extras))


MAX_FRAME = 64 * 1024
MAX_WAITING = 2048
MAX_VOICE = 100
SEND_SECONDS = 10.0
VOICE = 2

log = logging.getLogger(__name__)


class ClientSocket:
    """The shell around one accepted WebSocket; `run` writes until the end."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._socket = socket
        self._transport = transport
        self._queue: deque[str | bytes | None] = deque()
        self._voice_waiting = 0
        self._voice_sent = 0
        self._wake = asyncio.Event()
        self._ended = False

    def send(self, frame: Mapping[str, Any]) -> None:
        """Queue a JSON frame."""
        self._put(json.dumps(frame, separators=(",", ":")))
        if len(self._queue) > MAX_WAITING:
            log.warning("a client reads too slowly: %d frames wait; dropped", len(self._queue))
            self.abort()

    def link(self, frame: LinkFrame) -> None:
        """Queue a frame about the connection."""
        self.send(encode_link(frame))

    def send_voice(self, pcm: bytes, timestamp: float, sample_rate: int) -> None:
        """Queue a piece of voice; the oldest goes when too much waits."""
        self._voice_sent += 1
        if self._voice_waiting >= MAX_VOICE:
            oldest = next(item for item in self._queue if isinstance(item, bytes))
            self._queue.remove(oldest)
            self._voice_waiting -= 1
        self._voice_waiting += 1
        self._put(msgpack.packb([VOICE, self._voice_sent, timestamp, pcm, sample_rate]))

    def drop_voice(self) -> None:
        """Forget the voice that is not on its way yet."""
        self._queue = deque(item for item in self._queue if not isinstance(item, bytes))
        self._voice_waiting = 0

    def bye(self, reason: str, retry_after: float | None = None) -> None:
        """Say goodbye after all that waits, then close."""
        if not self._ended:
            self.link(Bye(reason, retry_after))
            self._put(None)
            self._ended = True

    @property
    def is_saying_goodbye(self) -> bool:
        """Whether nothing more is taken."""
        return self._ended

    def probe(self, t: float) -> None:
        """Ask for a sign of life."""
        self.link(Ping(t))

    def close(self) -> None:
        """Close after what waits, without a word."""
        self._put(None)
        self._ended = True

    def abort(self) -> None:
        """Drop the connection at once."""
        self._ended = True
        self._queue.clear()
        self._put(None)
        if self._transport is not None:
            self._transport.abort()

    def _put(self, item: str | bytes | None) -> None:
        if not self._ended or item is None:
            self._queue.append(item)
            self._wake.set()

    async def receive(self, within: float) -> WSMessage:
        """Wait for the next frame. Raises TimeoutError."""
        async with asyncio.timeout(within):
            return await self._socket.receive()

    async def run(self) -> None:
        """Write what is queued, until the goodbye; returns when the connection is closed."""
        try:
            while await self._write_all():
                await self._wake.wait()
                self._wake.clear()
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.close()
        except (ConnectionError, TimeoutError, RuntimeError):
            # RuntimeError is aiohttp's word for a socket that is closing already.
            self.abort()
        finally:
            with suppress(RuntimeError):
                self._queue.clear()

    async def _write_all(self) -> bool:
        while self._queue:
            item = self._queue.popleft()
            if item is None:
                return False
            async with asyncio.timeout(SEND_SECONDS):
                if isinstance(item, bytes):
                    self._voice_waiting -= 1
                    await self._socket.send_bytes(item)
                else:
                    await self._socket.send_str(item)
        return True


class RoomOutbox:
    """Sends to whoever is inside; `peer` is None while nobody is."""

    def __init__(self, room_name: str) -> None:
        self.link = SequencedChannel(room_name)
        self.peer: ClientSocket | None = None
        self._told: deque[tuple[int, str]] = deque()  # number of a completed turn, what it answers

    def enter(self, peer: ClientSocket, missed: tuple[dict[str, Any], ...]) -> None:
        """Let a connection in, and repeat what it missed."""
        self.peer = peer
        for frame in missed:
            peer.send(frame)

    def send(self, message: ServerMessage) -> None:
        """Send, or keep for when somebody is there. Raises OutboxFullError."""
        frame = self.link.wrap(encode_server(message))
        if isinstance(message, BotTurnCompleted) and message.message_id is not None:
            self._told.append((frame["seq"], message.message_id))
        if self.peer is not None:
            self.peer.send(frame)

    @property
    def has_heard(self) -> bool:
        """Whether `take_heard` would return anything."""
        return bool(self._told) and self._told[0][0] <= self.link.outbox.confirmed

    def take_heard(self) -> tuple[str, ...]:
        """Return the lines whose answers the client has confirmed to have, each once."""
        heard = []
        while self.has_heard:
            heard.append(self._told.popleft()[1])
        return tuple(heard)

    def send_if_seen(self, message: ServerMessage) -> None:
        """Send what is not worth repeating, such as the shape of a mouth."""
        if self.peer is not None:
            self.send(message)

    def send_voice(self, pcm: bytes, timestamp: float, sample_rate: int) -> None:
        """Send a piece of voice to whoever hears it."""
        if self.peer is not None:
            self.peer.send_voice(pcm, timestamp, sample_rate)

    def drop_voice(self) -> None:
        """Forget the voice that is not on its way yet."""
        if self.peer is not None:
            self.peer.drop_voice()

    def bye(self, reason: str, retry_after: float | None = None) -> None:
        """Say goodbye to whoever is inside."""
        if self.peer is not None:
            self.peer.bye(reason, retry_after)
            self.peer = None


LONGEST_GREETING = 10.0  # seconds: who takes longer, or hangs, keeps nobody else from greeting


@dataclass(frozen=True, slots=True)
class RoomServices:
    """What a room needs from the service around it."""

    now: Callable[[], float]
    new_id: Callable[[], str]
    keep: Keeping
    ended: Callable[[Room], None]
    pace: TimingConfig
    floors: SpeakingQueues = field(default_factory=SpeakingQueues)


class LiveRoom:
    """One room; `close` it when the registry has let go of it."""

    def __init__(
        self,
        room: Room,
        mind: Agent,
        services: RoomServices,
        *,
        context: LevelContext,
        ears: SpeechInput | None = None,
        mouth: SpeechOutput | None = None,
        about: Mapping[str, object] | None = None,
        past: RoomHistory | None = None,
    ) -> None:
        self.room = room
        self._post = RoomOutbox(room.name)
        self._past = past or RoomHistory()
        self._mind = mind
        self._services = services
        self._context = context
        self._about = dict(about or {})
        self._ears = ears
        self._mouth = mouth
        self._talk = RoomConversation(services.now(), services.pace, voice=mouth is not None)
        self._reception = MessageHandler(
            self._talk,
            context,
            can_speak=mouth is not None,
            has_agent=room.agent,
            known=self._past.known,
        )
        self._begun = False
        self._has_greeted = False
        self._floor: SpeakingQueue | None = None
        self._is_left_for_good = False
        self._saver = WriteBehindQueue(
            room, services.keep, mind.memory, self._kept, self._post.take_heard
        )
        self._entered = False
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._consulting: asyncio.Task[None] | None = None
        self._start(self._keep_time())
        if ears is not None:
            ears.start(self._heard)
        if mouth is not None:
            mouth.connect(
                SpeechCallbacks(self._voice_started, self._voice_ended, self._sound, self._shape)
            )

    # --- connections ---------------------------------------------------------------------

    @property
    def link(self) -> SequencedChannel:
        """The numbering of the room."""
        return self._post.link

    @property
    def peer(self) -> ClientSocket | None:
        """Who is inside."""
        return self._post.peer

    @property
    def was_entered(self) -> bool:
        """Whether somebody has been in before."""
        return self._entered

    def welcome(self, peer: ClientSocket, missed: tuple[dict[str, Any], ...]) -> None:
        """Let a connection in: repeat what it missed, then say that the character is ready."""
        self._post.enter(peer, missed)
        self._entered, self._is_left_for_good = True, False
        self._talk.set_present(True, self._services.now())
        self._reception.has_agent = self.room.agent
        if self.room.agent:
            self._ready()
        self._wake.set()

    def _ready(self) -> None:
        first, self._begun = not self._begun, True
        if first:
            session_id = self.room.session.session_id
            self._send(InteractionCreated(self._services.new_id(), session_id))
        self._send(BotReady(self._about))
        if first:
            self._floor = self._services.floors.of(self.room.session.end_user_id)
            self._floor.ask(self, self._arrive)
            if any(answer is not None for _, answer in self._past.left):
                self._addressed()  # the player waits for the end of what was being told

    def _arrive(self) -> None:
        """Greet, now that nobody else does."""
        if self._has_greeted:
            return
        self._has_greeted = True
        now = self._services.now()
        self._perform(self._talk.arrive(self.room.last_seen_seconds, now))
        self._perform(self._talk.take_up(self._past.left, now))
        if self._floor is not None:
            self._start(self._give_word_on(self._floor))

    async def _give_word_on(self, floor: SpeakingQueue) -> None:
        await asyncio.sleep(LONGEST_GREETING)
        floor.done(self)

    def _addressed(self) -> None:
        """Wait no longer to greet: the player has turned to this character."""
        if self._floor is not None:
            self._arrive()

    def set_modes(self, modes: Mapping[str, str]) -> None:
        """Say which lanes of the player's input are answered without being asked."""
        self._talk.set_modes(modes)

    def left(self, peer: ClientSocket, *, for_good: bool = False) -> None:
        """Note that a connection is gone; the talk goes on without it.

        Who left `for_good`, with a goodbye, waits for no answer any more.
        """
        if self.peer is peer:
            self._is_left_for_good = for_good
            self._post.peer = None
            self._talk.set_present(False, self._services.now())
            self._wake.set()

    # --- what comes in -------------------------------------------------------------------

    def take(self, raw: Mapping[str, Any]) -> bool:
        """Take a message; False means that the numbering is broken and the link must be remade.

        A message without a number is taken as it comes, for clients that never rejoin.
        """
        try:
            if "seq" in raw:
                arrival = self.link.accept(raw)
                if arrival is Arrival.GAP:
                    return False
                if arrival is Arrival.DUPLICATE:
                    return True
            self._take(decode_client(raw))
        except MessageError as problem:
            self.refuse(problem)
        return True

    def confirmed(self, received: int) -> None:
        """Take the client's word for how much it has of what was sent."""
        with suppress(ReplayError):  # more than was sent is no confirmation
            self.link.outbox.acknowledged(received)
        if self._post.has_heard:
            self._saver.nudge()

    def refuse(self, problem: MessageError) -> None:
        """Acknowledge something that was no usable message."""
        self._perform([refused(problem)])

    def _take(self, message: ClientMessage) -> None:
        if _turns_to(message):
            self._addressed()
        self._perform(self._reception.take(message, self._services.now()))

    def hear(self, pcm: bytes, timestamp: float) -> None:
        """Take microphone audio."""
        if self._ears is not None and self.room.agent:
            self._ears.feed(pcm, timestamp)

    def _heard(self, text: str | None, messages: tuple[ServerMessage, ...]) -> None:
        """Take what the ears understood; None when it was only noticed that somebody speaks."""
        message_id = None if text is None else self._services.new_id()
        self._addressed()
        self._perform([Send(_named(message, message_id)) for message in messages])
        now = self._services.now()
        if text is None:
            self._talk.active(now)
        else:
            self._perform(self._talk.player_said(text, now, message_id, USER_VOICE))

    def _voice_started(self, turn: int) -> None:
        self._perform(self._talk.voice_started(turn))

    def _voice_ended(self, turn: int) -> None:
        self._perform(self._talk.voice_ended(turn, self._services.now()))

    def _sound(self, pcm: bytes, timestamp: float, sample_rate: int) -> None:
        self._post.send_voice(pcm, timestamp, sample_rate)

    def _shape(self, message: ServerMessage) -> None:
        self._post.send_if_seen(message)

    # --- what is decided -----------------------------------------------------------------

    def _perform(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self._ACTS[type(outcome)](self, outcome)
        if self._has_greeted and self._floor is not None and not self._talk.is_busy:
            floor, self._floor = self._floor, None
            floor.done(self)
        self._wake.set()

    def _send(self, message: ServerMessage) -> None:
        try:
            self._post.send(message)
        except OutboxFullError:
            log.warning("room %s: nothing is confirmed; the room ends", short(self.room.name))
            self.end("overflow")

    def _do_send(self, effect: Send) -> None:
        self._send(effect.message)

    def _do_consult(self, effect: Generate) -> None:
        self._consulting = self._start(self._consult(effect.turn, effect.prompt))

    def _do_voice(self, effect: SpeakText) -> None:
        if self._mouth is not None:
            self._mouth.say(effect.turn, effect.text)

    def _do_hush(self, effect: StopSpeaking) -> None:
        if self._consulting is not None:
            self._consulting.cancel()
        if self._mouth is not None:
            self._mouth.hush()
        self._post.drop_voice()

    def _do_note(self, effect: Note) -> None:
        self._mind.note(effect.text)

    def _do_write(self, effect: Entry) -> None:
        self._saver.add(effect)

    def _kept(self, said: PersistEntry) -> None:
        self._perform(self._reception.confirm(said))

    def _do_end(self, effect: End) -> None:
        self.end(effect.reason)

    def _do_mute(self, outcome: MuteInput) -> None:
        if self._ears is not None:
            self._ears.set_muted(outcome.muted)

    def _do_force_stop(self, outcome: EndUtterance) -> None:
        if self._ears is not None:
            self._ears.force_stop()

    _ACTS: Mapping[type, Callable[[Any, Any], None]] = {
        Send: _do_send,
        Generate: _do_consult,
        SpeakText: _do_voice,
        StopSpeaking: _do_hush,
        Note: _do_note,
        PersistEntry: _do_write,
        PendingReply: _do_write,
        ResolveReply: _do_write,
        End: _do_end,
        MuteInput: _do_mute,
        EndUtterance: _do_force_stop,
    }

    # --- in the background ---------------------------------------------------------------

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._note_end)
        return task

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            kind = type(task.exception()).__name__
            log.error("room %s: failed: %s; it ends", short(self.room.name), kind)
            self.end("failed")

    async def _consult(self, turn: int, prompt: Prompt) -> None:
        try:
            async with aclosing(self._mind.reply(prompt, self._context.view())) as parts:
                async for part in parts:
                    self._perform(self._talk.part(turn, part, self._services.now()))
        except Exception as error:
            log.error("room %s: the mind failed: %s", short(self.room.name), type(error).__name__)
            self._perform(self._talk.failed(turn, self._services.now()))
            return
        self._perform(self._talk.told(turn))
        # What a character was told is durable before its turn is completed.
        await self._saver.flush()
        self._perform(self._talk.thought_out(turn, self._services.now()))

    async def _keep_time(self) -> None:
        while True:
            self._perform(self._talk.tick(self._services.now()))
            self._wake.clear()
            wait = self._talk.deadline() - self._services.now()
            try:
                async with asyncio.timeout(max(0.0, wait) if wait < 3600 else 3600):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def end(self, reason: str, retry_after: float | None = None) -> None:
        """End the room: say goodbye to whoever is inside; the session stays."""
        self._post.bye(reason, retry_after)
        self._services.ended(self.room)

    async def close(self) -> None:
        """Stop everything; what is unsaved is saved."""
        if self._floor is not None:
            self._floor.done(self)
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._mouth is not None:
            await self._mouth.close()
        if self._ears is not None:
            await self._ears.close()
        if self._is_left_for_good:
            self._saver.add(ResolveReply(None))
        await self._saver.close()


def _turns_to(message: ClientMessage) -> bool:
    """Tell whether a message wants this character's word now."""
    if isinstance(message, ContextUpdate):
        return message.run_llm == "true"
    return isinstance(message, UserTextMessage | TriggerMessage)


def _named(message: ServerMessage, message_id: str | None) -> ServerMessage:
    """Give a line that was spoken an id, as a typed one has from its client."""
    if message_id is None or not isinstance(message, FinalUserTranscription):
        return message
    return replace(message, message_id=message_id)


def short(name: str) -> str:
    """Shorten an id for the log."""
    return name[:4] + "…"
