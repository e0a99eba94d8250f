"""The driver of one session: feeds the machine, performs its commands, and keeps its talk.

Lives on the network thread. The machine decides; here is only doing: a line to the service,
timers, the store, the voice. Every event that comes goes through `feed`, one after the other,
and whatever the game shall see leaves as an immutable event or view.

Settings of a session that change while it is open: what happens to each, and what is told.

| Field | What happens |
|---|---|
| `policy`, `persist` | in force at once; nobody has to be told |
| `actions`, `player_name` | told to the room by `context-update` and `update-template-keys` |
| `respond_mode` | told to the room by `respond-mode-update` |
| `character_id`, `session_key`, `end_user_id` | another session |
| `endpoint`, `endpoint_id`, `api_key` | another session too: none is resumed elsewhere |
| any other, such as `persona` | a new connection, in which the conversation is resumed |

One session's record in the store: read, written and cleared in order, off the loop.

The timers of one session, on its event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from characters.client.config import CharacterEvent, RuntimeContext, SessionConfig
from characters.client.connection import SessionConnection, SimulatedLink, connect_request
from characters.client.conversation import Conversation
from characters.client.microphone import MicrophoneGate, begins_at
from characters.protocol.failures import failure
from characters.protocol.link import SequencedChannel
from characters.protocol.messages import (
    ClientMessage,
    ContextUpdate,
    RespondMode,
    RespondModeUpdate,
    RoomGrant,
    UpdateTemplateKeys,
    Visemes,
)
from characters.session.conversation import (
    SessionRecord,
    SessionState,
    SessionStateChanged,
    SessionView,
    shorten_id,
)
from characters.session.events import (
    AbortConnection,
    CancelTimer,
    ClearRecord,
    CloseConnection,
    CloseMicrophone,
    Command,
    ConnectionLost,
    DisconnectRequested,
    Event,
    ForgetRequested,
    LoadRecord,
    OpenConnection,
    OpenMicrophone,
    PersistChanged,
    PolicyChanged,
    Publish,
    RecordLoaded,
    RecordLoadFailed,
    RecordStored,
    RecordStoreFailed,
    RestartRequested,
    RoomMode,
    Session,
    StartTimer,
    StoreRecord,
    Timer,
    TimerFired,
)
from characters.session.machine import IllegalEvent, advance
from characters.session.policy import ReconnectPolicy
from characters.transport.base import Incoming, TransportError

__all__ = [
    "is_another_session",
    "needs_new_connection",
    "news",
    "RecordStore",
    "SessionRunner",
    "Timers",
]


_IDENTITY = ("character_id", "key", "place", "endpoint", "api_key", "end_user_id")
_LIVE = ("policy", "persist", "actions", "player_name", "respond_mode")
_KNOWN = {*_IDENTITY, *_LIVE, "session_key", "endpoint_id"}
_CONNECTED_WITH = tuple(f.name for f in fields(SessionConfig) if f.name not in _KNOWN)


def is_another_session(old: SessionConfig, new: SessionConfig) -> bool:
    """Tell whether what changed makes it another session, of which nothing is known yet."""
    return any(getattr(old, name) != getattr(new, name) for name in _IDENTITY)


def needs_new_connection(old: SessionConfig, new: SessionConfig) -> bool:
    """Tell whether the service takes what changed only when a connection is made."""
    if old.actions and not new.actions:
        return True  # the contract has no message that takes a list of actions away
    return any(getattr(old, name) != getattr(new, name) for name in _CONNECTED_WITH)


def news(told: SessionConfig, now: SessionConfig) -> tuple[ClientMessage, ...]:
    """Return what to tell a room that was told of other settings before."""
    messages: list[ClientMessage] = []
    if now.actions and now.actions != told.actions:
        config = {"actions": list(now.actions)}
        messages.append(ContextUpdate(run_llm="false", action_config=config))
    if now.player_name and now.player_name != told.player_name:
        messages.append(UpdateTemplateKeys({"player_name": now.player_name}))
    if now.respond_mode is not told.respond_mode:
        messages += [RespondModeUpdate(*lane) for lane in now.respond_mode.lanes.items()]
    return tuple(messages)


_log = logging.getLogger(__name__)


class RecordStore:
    """Performs the machine's orders to the store; answers are events."""

    def __init__(
        self, key: str, place: str, world: RuntimeContext, feed: Callable[[Event], None]
    ) -> None:
        self._key = key
        self._place = place
        self._world = world
        self._feed = feed
        self._tasks: set[asyncio.Task[None]] = set()
        # A clear that failed is owed: what the player wanted forgotten must not come back.
        self._owes_clear = False
        self.stored_at: float | None = None
        """When the record was last written, on the session's clock; None for none."""

    @property
    def is_busy(self) -> bool:
        """Whether an order is under way."""
        return bool(self._tasks)

    def load(self, command: LoadRecord) -> None:
        """Read the record."""
        self._begin(self._load(command.epoch))

    def store(self, command: StoreRecord) -> None:
        """Write the record, with the wall-clock times of now."""
        now = self._world.wall_clock()
        dropped_at = now if command.is_dropped else None
        record = SessionRecord(
            command.session_id, self._place, command.room_name, dropped_at, saved_at=now
        )
        self._begin(self._store(command.epoch, record))

    def clear(self, command: ClearRecord) -> None:
        """Remove the record."""
        self._begin(self._clear())

    async def settled(self) -> None:
        """Wait until everything ordered is done."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        # Tasks start in the order in which they were made: so do the jobs in the worker's queue.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, epoch: int) -> None:
        try:
            record = await self._world.worker.run(self._read)
        except Exception as error:  # a user's own store raises what it likes
            _log.exception("The stored session of %s could not be read.", self._key)
            why = failure("persistence.unavailable", type(error).__name__)
            self._feed(RecordLoadFailed(epoch, why, self._world.chance()))
            return
        self._world.stored_keys.note(self._key, is_stored=record is not None)
        self.stored_at = None
        if record is not None and record.saved_at:  # an id stored by hand has no time
            self.stored_at = self._world.clock() - (self._world.wall_clock() - record.saved_at)
        age = 0.0
        if record is not None and record.dropped_at is not None:
            age = self._world.wall_clock() - record.dropped_at
        self._feed(RecordLoaded(epoch, record, age))

    def _read(self) -> SessionRecord | None:
        if self._owes_clear:
            self._world.persistence.clear(self._key)
            self._owes_clear = False
        return self._world.persistence.load(self._key)

    async def _store(self, epoch: int, record: SessionRecord) -> None:
        try:
            await self._world.worker.run(lambda: self._world.persistence.store(self._key, record))
        except Exception as error:
            _log.exception("The session of %s could not be stored.", self._key)
            why = failure("persistence.unavailable", type(error).__name__)
            self._feed(RecordStoreFailed(epoch, why))
            return
        self._world.stored_keys.note(self._key, is_stored=True)
        self._owes_clear = False
        self.stored_at = self._world.clock()
        self._feed(RecordStored(epoch))

    async def _clear(self) -> None:
        self.stored_at = None
        try:
            await self._world.worker.run(lambda: self._world.persistence.clear(self._key))
        except Exception:
            _log.exception("The stored session of %s could not be cleared.", self._key)
            self._owes_clear = True
        else:
            self._world.stored_keys.note(self._key, is_stored=False)


class Timers:
    """At most one of each kind runs; `fire` is called with it and the time that it was due."""

    def __init__(self, clock: Callable[[], float], fire: Callable[[Timer, float], None]) -> None:
        self._clock = clock
        self._fire = fire
        self._running: dict[Timer, asyncio.TimerHandle] = {}

    def __bool__(self) -> bool:
        return bool(self._running)

    def start(self, timer: Timer, due: float) -> float:
        """Start it, or start it anew; return the seconds that it runs."""
        self.cancel(timer)
        delay = max(0.0, due - self._clock())
        loop = asyncio.get_running_loop()
        self._running[timer] = loop.call_later(delay, self._end, timer, due)
        return delay

    def cancel(self, timer: Timer) -> None:
        """Stop it, if it runs."""
        handle = self._running.pop(timer, None)
        if handle is not None:
            handle.cancel()

    def clear(self) -> None:
        """Stop them all."""
        for timer in tuple(self._running):
            self.cancel(timer)

    def _end(self, timer: Timer, due: float) -> None:
        self._running.pop(timer, None)
        self._fire(timer, due)


TIMELINE_LENGTH = 50
# Somebody who is spoken to, or waited for with a line typed, is connected before anybody near.
SPOKEN_TO = -1.0


class SessionRunner:
    """Runs one session. For the network thread; any may read `view` and set `distance`."""

    def __init__(
        self, config: SessionConfig, world: RuntimeContext, emit: Callable[[CharacterEvent], None]
    ) -> None:
        self.config = config
        self.world = world
        self.weather = SimulatedLink()
        self.distance = 0.0
        self._tell = emit
        self._session = Session(
            config.character_id,
            config.key,
            config.place,
            config.policy,
            config.persist,
        )
        self.conversation = Conversation(config.key, world, self)
        self._records = RecordStore(config.key, config.place, world, self.feed)
        self._line: SessionConnection | None = None
        self._old_lines: list[SessionConnection] = []
        self._link: SequencedChannel | None = None
        self._timers = Timers(world.clock, self._fire)
        self._retry_wait: float | None = None
        self._events: deque[Event] = deque()
        self._is_feeding = False
        self._now = world.clock()
        self._timeline: deque[SessionStateChanged] = deque(maxlen=TIMELINE_LENGTH)
        self._gate = MicrophoneGate()
        self._told = config  # what the room knows of it
        self._changed = asyncio.Event()
        self.view = self._look()

    # --- the machine ------------------------------------------------------------------------

    @property
    def policy(self) -> ReconnectPolicy:
        """The policy in force now."""
        return self._session.policy

    @property
    def state(self) -> SessionState:
        """The state now."""
        return self._session.state

    @property
    def is_hibernating(self) -> bool:
        """Whether the session sleeps until the player comes near."""
        return self._session.is_hibernating

    @property
    def answers_unasked(self) -> bool:
        """Whether the character answers by itself, without the game's wish."""
        return self.config.respond_mode is RespondMode.AUTO

    @property
    def priority(self) -> float:
        """How urgent a connect is; lowest first."""
        return SPOKEN_TO if self.conversation.talk.waiting else self.distance

    def feed(self, event: Event) -> None:
        """Let the machine decide about an event, and perform what it orders."""
        self._events.append(event)
        if self._is_feeding:
            return
        self._is_feeding = True
        try:
            while self._events:
                self._advance(self._events.popleft())
        finally:
            self._is_feeding = False
            self.refresh()

    def _advance(self, event: Event) -> None:
        now = max(self._now, self.world.clock())
        if isinstance(event, TimerFired):
            # A loop may wake up a clock's tick early.
            now = max(now, event.due)
        self._now = now
        try:
            self._session, commands = advance(self._session, event, now)
        except IllegalEvent as problem:
            _log.error("Session %s: %s; ignored.", self.config.key, problem)
            return
        for command in commands:
            self._perform(command)
        if isinstance(event, ForgetRequested):
            self.conversation.forget()

    def _perform(self, command: Command) -> None:
        try:
            PERFORM[type(command)](self, command)
        except Exception:
            _log.exception("Session %s: %s failed.", self.config.key, type(command).__name__)
            why = failure("internal.error")
            if self._line is not None:
                self.feed(ConnectionLost(self._line.epoch, why, self.world.chance()))

    def _start_timer(self, command: StartTimer) -> None:
        delay = self._timers.start(command.timer, command.due)
        if command.timer is Timer.RETRY:
            self._retry_wait = delay

    def _cancel_timer(self, command: CancelTimer) -> None:
        self._timers.cancel(command.timer)

    def _fire(self, timer: Timer, due: float) -> None:
        self.feed(TimerFired(timer, due, self.world.chance()))

    def _publish(self, command: Publish) -> None:
        event = command.event
        if isinstance(event, SessionStateChanged):
            _log.info(
                "Session %s (%s): %s -> %s, %s, epoch %d",
                self.config.key,
                shorten_id(event.session_id),
                event.old_state.name,
                event.new_state.name,
                event.reason,
                self._session.epoch,
            )
            self._timeline.append(event)
            if event.is_connection_established and self._line is not None:
                self._gate.ready(self._line.meter, self.policy.auto_mic_start_delay_seconds)
            self.conversation.state_changed(event)
            if event.is_connection_established:
                # Soon, not now: the game is told CONNECTED before anything is said.
                asyncio.get_running_loop().call_soon(self._tell_news)
            self._changed.set()
        self.emit(event)

    # --- settings -----------------------------------------------------------------------------

    def reconfigure(self, config: SessionConfig) -> None:
        """Follow new settings of the same session; what needs a new connection gets one."""
        old, self.config = self.config, config
        if config.policy != old.policy:
            self.feed(PolicyChanged(config.policy))
        if config.persist is not old.persist:
            self.feed(PersistChanged(config.persist))
        if needs_new_connection(old, config):
            self.feed(RestartRequested())
        self._tell_news()

    def _tell_news(self) -> None:
        """Tell a room that lives what it does not know of the settings."""
        if self.state is not SessionState.CONNECTED:
            return
        if all(self.try_send(message) for message in news(self._told, self.config)):
            self._told = self.config

    # --- the line ---------------------------------------------------------------------------

    def _open_connection(self, plan: OpenConnection) -> None:
        heard = self.conversation.talk.answered
        request = connect_request(self.config, self.policy, plan, heard)
        if plan.mode is RoomMode.CREATE:
            self._told = self.config
        self._line = SessionConnection(plan.epoch, self)
        self._line.open(request)

    def _close_connection(self, command: CloseConnection) -> None:
        line = self._line
        if line is not None:
            self._let_go(line)
            line.close()

    def _abort_connection(self, command: AbortConnection) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._let_go(line)
            line.abort()

    def _let_go(self, line: SessionConnection) -> None:
        """Remember a line until its last task has ended; those that have are forgotten."""
        self._old_lines = [old for old in self._old_lines if not old.is_over]
        self._old_lines.append(line)

    def link_for(self, grant: RoomGrant, *, rejoins: bool) -> SequencedChannel:
        """Return the numbering of the room: its own on a rejoin, else a new one."""
        link = self._link
        if link is None or not rejoins or link.room_name != grant.room_name:
            # What the old room had still to say will not come any more.
            self.conversation.cut()
            self._link = link = SequencedChannel(grant.room_name)
        return link

    def received(self, item: Incoming) -> None:
        """Take what came in over the line."""
        self.conversation.received(item)

    def try_send(self, message: ClientMessage) -> bool:
        """Send a message; one that the line does not take is the end of the line."""
        line = self._line
        if line is None:
            return False
        try:
            line.send(message)
        except TransportError as error:
            self.feed(ConnectionLost(line.epoch, error.failure, self.world.chance()))
            return False
        return True

    def cut(self) -> None:
        """Break the connection, as a fault would."""
        if self._line is not None:
            self._line.cut()

    # --- the microphone: what the ears use ----------------------------------------------------

    def offer_audio(self, pcm: bytes, captured_at: float) -> bool:
        """Send a frame if the gate is open and was when its first sample was heard."""
        line, begin = self._line, begins_at(pcm, captured_at)
        if line is None or not self._gate.lets(begin):
            return False
        line.send_audio(pcm, self._gate.stamp(begin))
        self.refresh()
        return True

    def offer_kept(self, pcm: bytes) -> bool:
        """Send a frame of before the opening, stamped as the next one since."""
        line, begin = self._line, self._gate.next_kept(pcm)
        if line is None or begin is None:
            return False
        line.send_audio(pcm, begin)
        self.refresh()
        return True

    def set_addressed(self, is_addressed: bool) -> None:
        """Note whether the player's voice goes to this character."""
        self.conversation.set_addressed(is_addressed)

    @property
    def is_listening(self) -> bool:
        """Whether the microphone's gate is open."""
        return self._gate.is_open

    @property
    def is_getting_ready(self) -> bool:
        """Whether the gate opens soon: it connects, or the microphone's delay runs."""
        return self.state in _GETS_READY and not self._gate.is_open

    def force_user_stopped_speaking(self) -> None:
        """Tell the service that the utterance is over."""
        self.conversation.force_user_stopped_speaking()

    def interrupt(self) -> None:
        """Cut the character off."""
        self.conversation.interrupt()

    def _open_microphone(self, command: OpenMicrophone) -> None:
        opened_at = self._session.microphone_opened_at
        assert opened_at is not None  # the machine set it with the order
        self._gate.open(opened_at, self.policy.auto_mic_start_delay_seconds)

    def _close_microphone(self, command: CloseMicrophone) -> None:
        self._gate.close()

    # --- the view ---------------------------------------------------------------------------------

    def emit(self, event: CharacterEvent) -> None:
        """Tell the game; the view knows it already."""
        if not isinstance(event, Visemes):  # many a second, and no view shows them
            self.refresh()
        self._tell(event)

    def refresh(self) -> None:
        """Make the view new."""
        self.view = self._look()

    def _look(self) -> SessionView:
        session, talk = self._session, self.conversation.talk
        return SessionView(
            character_id=self.config.character_id,
            session_key=self.config.key,
            dialogue=talk.dialogue.state,
            state=session.state,
            session_id=session.session_id,
            live_id=session.live_id,
            room_name=session.room_name,
            resume=session.restored if session.is_told else None,
            supports_session_persistence=session.is_durable,
            attempt=session.attempt,
            max_attempts=session.policy.max_reconnect_attempts,
            next_retry_at=session.due(Timer.RETRY),
            retry_wait_seconds=None if session.due(Timer.RETRY) is None else self._retry_wait,
            error=session.error,
            microphone=self._gate.view,
            transcript=talk.transcript.turns,
            timeline=tuple(self._timeline),
            round_trip_seconds=self._line.round_trip_seconds if self._line else None,
            stages=talk.stages.reached,
            stored_at=self._records.stored_at,
            connected_at=session.connected_at,
            is_speaking=talk.dialogue.is_speaking,
            emotion=talk.emotion,
            is_hibernating=session.is_hibernating,
            unconfirmed_lines=len(talk.unconfirmed),
        )

    # --- the end -----------------------------------------------------------------------------

    def shut_down(self) -> None:
        """Disconnect because the game ends."""
        self.feed(DisconnectRequested())

    async def at_rest(self) -> None:
        """Wait until the session is DISCONNECTED or in ERROR and all it stored is durable."""
        while self.state not in (SessionState.DISCONNECTED, SessionState.ERROR):
            self._changed.clear()
            await self._changed.wait()
        await self._records.settled()

    def dispose(self) -> None:
        """Let go of everything at once."""
        self._timers.clear()
        self.conversation.close()
        for line in (*self._old_lines, self._line):
            if line is not None:
                line.abort()

    @property
    def is_leaking(self) -> bool:
        """Whether something of a connection is left although no connection is held."""
        self._old_lines = [line for line in self._old_lines if not line.is_over]
        return bool(self._old_lines or self._timers or self._records.is_busy)


_GETS_READY = (SessionState.CONNECTING, SessionState.RECONNECTING, SessionState.CONNECTED)

PERFORM: Mapping[type[Any], Callable[[SessionRunner, Any], None]] = MappingProxyType(
    {
        LoadRecord: lambda driver, command: driver._records.load(command),
        StoreRecord: lambda driver, command: driver._records.store(command),
        ClearRecord: lambda driver, command: driver._records.clear(command),
        OpenConnection: SessionRunner._open_connection,
        CloseConnection: SessionRunner._close_connection,
        AbortConnection: SessionRunner._abort_connection,
        StartTimer: SessionRunner._start_timer,
        CancelTimer: SessionRunner._cancel_timer,
        OpenMicrophone: SessionRunner._open_microphone,
        CloseMicrophone: SessionRunner._close_microphone,
        Publish: SessionRunner._publish,
    }
)
