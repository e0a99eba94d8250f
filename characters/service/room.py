"""One live room: an agent, its voice, its store and its client around one conversation.

It performs what the conversation and the `MessageHandler` decide. A room goes on while its player
is away, so that a rejoin finds the answer waiting.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from typing import Any

from characters.agents.agent import Agent, Do, Event, PlayerSaid, Prompt
from characters.protocol.codec import MessageError, shorten_id
from characters.protocol.messages import (
    BACKCHANNEL,
    USER_VOICE,
    BotEmotion,
    BotReady,
    ClientMessage,
    ContextUpdate,
    FinalUserTranscription,
    InteractionCreated,
    PlayerNamed,
    ServerMessage,
    TakeBack,
    TakenBack,
    TriggerMessage,
    UserTextMessage,
    VadSttStopped,
)
from characters.service.conversation import RoomConversation
from characters.service.effects import (
    BeginExchange,
    Effect,
    End,
    EndUtterance,
    Generate,
    MuteInput,
    Note,
    PauseSpeaking,
    PendingReply,
    PersistActions,
    PersistEntry,
    ResolveReply,
    ResumeSpeaking,
    Send,
    SpeakText,
    StopSpeaking,
    UndoExchange,
)
from characters.service.message_handler import MessageHandler, ack_of, rejection
from characters.service.metrics import ServiceMetrics, TurnRecorder, TurnTracer
from characters.service.overlap import OverlapEvent
from characters.service.pace import TimingConfig
from characters.service.registry import Room, ServiceSession, SpeakingQueue, SpeakingQueues
from characters.service.repository import RoomStore, Save
from characters.service.requests import LevelContext
from characters.service.room_connection import FairLoop, Pace, RoomConnection
from characters.service.store import RoomHistory, Undone
from characters.service.talks import MAX_TURNS
from characters.service.voice import PlayerSpeech, SpeechCallbacks, SpeechInput, SpeechOutput

__all__ = ["lines_of", "LiveRoom", "RoomServices"]


log = logging.getLogger(__name__)

LONGEST_GREETING = 10.0  # seconds; a longer one keeps other characters waiting no more
# Answers begun a second in the long run, and at once: each costs the work of an agent, and a line
# that comes before its turn has made way for the next one by then. Nobody types as fast. A long
# line counts as several of `LINE` letters.
ANSWERS, LINE, LONGEST = (5.0, 50.0), 20, 1000


@dataclass(frozen=True, slots=True)
class RoomServices:
    """What a room needs from the service around it."""

    now: Callable[[], float]
    new_id: Callable[[], str]
    save: Save
    ended: Callable[[Room], None]
    timing: TimingConfig
    queues: SpeakingQueues = field(default_factory=SpeakingQueues)
    loop: FairLoop = field(default_factory=FairLoop)
    take_back: Callable[[ServiceSession], Awaitable[Undone | None]] | None = None
    retry_over: Callable[[], float | None] = lambda: None
    metrics: ServiceMetrics = field(default_factory=ServiceMetrics)
    tracer: TurnTracer | None = None


class LiveRoom:
    """One room; `start` it in the event loop, `close` it when the registry has dropped it.

    `about` is what `bot-ready` says of the service, `language` is that of the talk, such as "en".
    """

    def __init__(
        self,
        room: Room,
        agent: Agent,
        services: RoomServices,
        *,
        context: LevelContext,
        history: RoomHistory,
        about: Mapping[str, object],
        language: str = "en",
        speech_input: SpeechInput | None,
        speech_output: SpeechOutput | None,
        make_agent: Callable[[dict[str, Any]], Agent] | None = None,
    ) -> None:
        self.room = room
        self.request = copy_context()  # what is logged of the room is so under that request's id
        # Weak, as is all below that points back: a room that ended is freed without the collector.
        self.connection = RoomConnection(room, weakref.proxy(self), services.retry_over)
        self._agent = agent
        self._make_agent = make_agent
        self._is_untouched = history.is_untouched
        # A line that is answered again, and the answers that were taken back.
        self._unwanted: tuple[str, tuple[str, ...]] = ("", ())
        self._delayed: list[ClientMessage] | None = None  # while an exchange is being undone
        self._services = services
        self._context = context
        self._about = about
        self._input = speech_input
        self._output = speech_output
        self._pending = history.pending
        self._said = deque(history.turns, maxlen=MAX_TURNS)
        self._memory_at_first = agent.memory()
        has_voice = speech_output is not None
        self._conversation = RoomConversation(
            services.now(), services.timing, voice=has_voice, language=language
        )
        self._messages = MessageHandler(
            self._conversation,
            context,
            can_speak=has_voice,
            has_agent=room.agent,
            message_ids=history.message_ids,
        )
        self._store = RoomStore(
            room.session,
            services.save,
            memory=lambda: self._agent.memory(),
            confirm=self._confirm,
            heard=self.connection.take_answered,
        )
        self.recorder = TurnRecorder(services.metrics, services.tracer, shorten_id(room.name))
        self._acts = self._table()
        self._told_name = ""
        self._is_ready = self._has_greeted = self._is_left_for_good = False
        self._queue: SpeakingQueue | None = None  # while this character has to greet, or greets
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answer: asyncio.Task[None] | None = None
        self._pace = Pace(*ANSWERS)

    def start(self) -> None:
        """Begin to keep time, to listen and to write."""
        self._store.start()
        self._spawn(self._keep_time())
        voice, message = self.connection.send_voice, self.connection.send_if_connected
        if self._input is not None:
            self._input.start(self._understood, message)
        if self._output is not None:
            callbacks = SpeechCallbacks(self._voice_started, self._voice_ended, voice, message)
            self._output.connect(callbacks)

    def set_modes(self, modes: Mapping[str, str]) -> None:
        """Set which lanes of the player's input are answered without being asked."""
        self._conversation.set_modes(modes)

    # --- the connection (`RoomEvents`) -----------------------------------------------------

    def connected(self) -> None:
        """Tell the client that the character is ready, if it is there."""
        self._is_left_for_good = False
        self._conversation.set_present(True, self._services.now())
        self._messages.has_agent = self.room.agent
        if self.room.agent:
            self._make_ready()
        else:
            self._conversation.stay_silent()
        self._wake.set()

    def disconnected(self, *, for_good: bool) -> None:
        """Go on without the client; after a goodbye no answer is pending any more."""
        self._is_left_for_good = for_good
        self._conversation.set_present(False, self._services.now())
        self._wake.set()

    def take(self, message: ClientMessage) -> None:
        """Handle a message; what comes while an exchange is being undone is handled after it."""
        if self._delayed is not None:
            self._delayed.append(message)
            return
        wants_answer = isinstance(message, ContextUpdate) and message.run_llm == "true"
        if wants_answer or isinstance(message, UserTextMessage | TriggerMessage):
            self._greet_now()
        self._perform(self._messages.take(message, self._services.now()))

    def reject(self, problem: MessageError) -> None:
        """Acknowledge something that was no usable message."""
        self._perform([rejection(problem)])

    def hear(self, pcm: bytes, timestamp: float) -> None:
        """Listen to microphone audio."""
        if self._input is not None and self.room.agent:
            self._input.feed(pcm, timestamp)

    def answers_received(self) -> None:
        """Resolve the replies that the client has received."""
        self._store.save_soon()

    # --- greeting: characters that a player meets together greet one by one ------------------

    def _make_ready(self) -> None:
        is_first, self._is_ready = not self._is_ready, True
        if is_first:
            session_id = self.room.session.session_id
            self.connection.send(InteractionCreated(self._services.new_id(), session_id))
        self.connection.send(BotReady(self._about))
        self._told_name = ""
        self._tell_name()
        if is_first:
            self._queue = self._services.queues.of(self.room.session.end_user_id)
            self._queue.request(self, self._greet)
            if any(reply.parts is not None for reply in self._pending):
                self._greet_now()  # the player waits for the rest of an answer

    def _greet(self) -> None:
        if self._has_greeted:
            return
        self._has_greeted = True
        now = self._services.now()
        if self._is_untouched and self._said:
            self._show_mood()  # for the player this is no return: he goes on where he saved
        else:
            away = None if self._is_untouched else self.room.last_seen_seconds
            self._perform(self._conversation.arrive(away, now))
        self._perform(self._conversation.resume(self._pending, now))
        if self._queue is not None:
            self._spawn(self._release_late(self._queue))

    def _greet_now(self) -> None:
        """Greet without waiting for other characters: the player has turned to this one."""
        if self._queue is not None and self.room.agent:
            self._greet()

    def _show_mood(self) -> None:
        mood = self._agent.mood
        if mood is not None:
            self.connection.send(BotEmotion(mood.emotion, mood.scale))

    async def _release_late(self, queue: SpeakingQueue) -> None:
        await asyncio.sleep(LONGEST_GREETING)
        queue.release(self)

    # --- speech ----------------------------------------------------------------------------

    def _understood(self, utterance: PlayerSpeech) -> None:
        """Take what is known of what the player says."""
        conversation, now, text = self._conversation, self._services.now(), utterance.text
        event, messages = utterance.event, utterance.messages
        to_the_end = self._output is None or self._output.is_ending
        if text is not None and conversation.is_no_line(text, to_the_end=to_the_end):
            # The client is told of its end alone: no answer follows, and nothing was missed.
            event, text = OverlapEvent.NO_LINE, None
            ends = (message for message in messages if isinstance(message, VadSttStopped))
            messages = tuple(replace(end, reason=BACKCHANNEL) for end in ends)
        message_id = None if text is None else self._services.new_id()
        self.recorder.heard(event, now)
        self._greet_now()
        self._perform([Send(_with_id(message, message_id)) for message in messages])
        self._perform(conversation.heard(event, now))
        if text is not None:
            self._perform(conversation.player_said(text, now, message_id, USER_VOICE))

    def _voice_started(self, turn: int) -> None:
        self._perform(self._conversation.voice_started(turn))

    def _voice_ended(self, turn: int) -> None:
        self._perform(self._conversation.voice_ended(turn, self._services.now()))

    # --- what is decided -------------------------------------------------------------------

    def _table(self) -> Mapping[type[Effect], Callable[[Any], object]]:
        return {
            Send: self._send,
            Generate: self._start_answer,
            SpeakText: _ignore if self._output is None else self._output.say,
            PauseSpeaking: self._pause_speaking,
            ResumeSpeaking: self._resume_speaking,
            StopSpeaking: self._stop_speaking,
            Note: self._note,
            PersistEntry: self._keep_said,
            PendingReply: self._store.append,
            PersistActions: self._store.append,
            BeginExchange: self._store.append,
            ResolveReply: self._store.append,
            End: self._end,
            MuteInput: self._mute_input,
            EndUtterance: self._end_utterance,
            UndoExchange: self._start_undo,
        }

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self._acts[type(effect)](effect)
        if self._has_greeted and self._queue is not None and not self._conversation.is_busy:
            queue, self._queue = self._queue, None
            queue.release(self)
        if self._is_ready:
            self._tell_name()
        self._wake.set()

    def _tell_name(self) -> None:
        """Tell the client by which name the character knows the player, when that has changed."""
        name = self._agent.player_name
        if name != self._told_name:
            self._told_name = name
            self.connection.send(PlayerNamed(name))

    def _send(self, effect: Send) -> None:
        self.recorder.sent(effect.message, self._services.now())
        self.connection.send(effect.message)

    def _start_answer(self, effect: Generate) -> None:
        self.recorder.asked(type(effect.prompt).__name__, self._services.now())
        self._answer = self._spawn(self._generate(effect))

    def _stop_speaking(self, effect: StopSpeaking) -> None:
        if self._answer is not None:
            self._answer.cancel()
        if self._output is not None:
            self._output.stop()
        self.connection.drop_voice()

    def _pause_speaking(self, effect: PauseSpeaking) -> None:
        if self._output is not None:
            self._output.pause(effect.heard_until)
        self.connection.drop_voice()

    def _resume_speaking(self, effect: ResumeSpeaking) -> None:
        if self._output is not None:
            self._output.resume()

    def _keep_said(self, entry: PersistEntry) -> None:
        if not self._said:
            self._store.append(BeginExchange(self._memory_at_first))
        elif entry.speaker == "player":
            self._store.append(BeginExchange(self._agent.memory()))
        self._said.append(entry)
        self._store.append(entry)

    def _note(self, effect: Note) -> None:
        self._agent.note(effect.text)

    def _end(self, effect: End) -> None:
        self.end(effect.reason)

    def _mute_input(self, effect: MuteInput) -> None:
        if self._input is not None:
            self._input.set_muted(effect.muted)

    def _end_utterance(self, effect: EndUtterance) -> None:
        if self._input is not None:
            self._input.force_stop()

    def _confirm(self, entry: PersistEntry) -> None:
        self._perform(self._messages.confirm(entry))

    # --- in the background -----------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            kind = type(task.exception()).__name__
            log.error("room %s: failed: %s; it ends", shorten_id(self.room.name), kind)
            self.end("failed")

    async def _generate(self, effect: Generate) -> None:
        turn, conversation, now = effect.turn, self._conversation, self._services.now
        lines = lines_of(effect.prompt)
        await asyncio.sleep(self._pace.wait(lines, now()))
        self._pace.take(lines, now())
        await self._services.loop.turn()
        try:
            context = self._context.view() | {"history": tuple(self._said)}
            if isinstance(effect.prompt, PlayerSaid) and effect.prompt.text == self._unwanted[0]:
                context["unwanted"] = self._unwanted[1]
            async with aclosing(self._agent.reply(effect.prompt, context)) as parts:
                async for part in parts:
                    if isinstance(part, Do):
                        self._store.append(PersistActions(part.actions))
                    self._perform(conversation.part(turn, part, now()))
        except Exception as error:
            name = shorten_id(self.room.name)
            log.error("room %s: the agent failed: %s", name, type(error).__name__)
            self._perform(conversation.failed(turn, now()))
            return
        self._perform(conversation.decided(turn))
        # What a character was told is durable before its turn is completed.
        await self._store.flush()
        self._perform(conversation.completed(turn, now()))

    # --- the last exchange is undone -----------------------------------------------------------

    def _start_undo(self, effect: UndoExchange) -> None:
        self._delayed = []
        self._spawn(self._undo(effect))

    async def _undo(self, effect: UndoExchange) -> None:
        """Go back to before the last exchange, then handle what came meanwhile."""
        undone = await self._store.alone(self._take_back)
        delayed, self._delayed = self._delayed or [], None
        self._go_back(undone, effect.answer_again)
        for message in delayed:
            self.take(message)

    async def _take_back(self) -> Undone | None:
        take_back, make_agent = self._services.take_back, self._make_agent
        if take_back is None or make_agent is None:
            return None
        undone = await take_back(self.room.session)
        if undone is not None:
            memory = undone.memory
            if usage := self._agent.memory().get("usage"):
                memory = memory | {"usage": usage}  # what a model has cost, it has cost
            self._agent = make_agent(memory)
            self._said = deque(undone.turns, maxlen=MAX_TURNS)
        return undone

    def _go_back(self, undone: Undone | None, answer_again: bool) -> None:
        """Tell the client what was undone, and answer its line again if that is asked."""
        done = TakeBack(answer_again)
        if undone is None:
            self.connection.send(ack_of(done, "There is nothing to take back", ok=False).message)
            return
        exchange, text = undone.exchange, " ".join(undone.exchange.lines)
        line_id = self._services.new_id() if answer_again else None
        self.connection.send(ack_of(done, "Taken back").message)
        message = TakenBack(text, exchange.actions, answer_again, line_id)
        self.connection.send(message)
        self._show_mood()
        self._tell_name()
        if answer_again:
            before = self._unwanted[1] if self._unwanted[0] == text else ()
            self._unwanted = text, (*before, *exchange.answers)
            now = self._services.now()
            self._perform(self._conversation.player_said(text, now, line_id))

    async def _keep_time(self) -> None:
        while True:
            self._perform(self._conversation.tick(self._services.now()))
            self._wake.clear()
            wait = self._conversation.deadline() - self._services.now()
            try:
                async with asyncio.timeout(min(3600.0, max(0.0, wait))):
                    await self._wake.wait()
            except TimeoutError:
                continue

    @property
    def is_busy(self) -> bool:
        """Whether the character answers, or speaks."""
        return self._conversation.is_busy

    async def flush(self) -> None:
        """Return when all that was said so far is on the disk, or was refused by it."""
        await self._store.flush()

    def end(self, reason: str, retry_after: float | None = None) -> None:
        """End the room: send the client away; the session stays."""
        self.connection.bye(reason, retry_after)
        self._services.ended(self.room)

    async def close(self) -> None:
        """Stop everything, and save what is unsaved."""
        self.recorder.close()
        if self._queue is not None:
            self._queue.release(self)
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._output is not None:
            await self._output.close()
        if self._input is not None:
            await self._input.close()
        if self._is_left_for_good:
            self._store.append(ResolveReply(None))
        await self._store.close()
        self._acts = defaultdict(lambda: _ignore)


def lines_of(prompt: Prompt) -> float:
    """Return as how many lines a prompt counts, by the letters that an agent takes in."""
    letters = len(prompt.text) if isinstance(prompt, PlayerSaid | Event) else 0
    return max(1.0, min(LONGEST, letters) / LINE)


def _ignore(effect: Effect) -> None:
    """Do nothing: the service has no voice."""


def _with_id(message: ServerMessage, message_id: str | None) -> ServerMessage:
    """Give a line that was spoken an id, as a typed one has from its client."""
    if message_id is None or not isinstance(message, FinalUserTranscription):
        return message
    return replace(message, message_id=message_id)
