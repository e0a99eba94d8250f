"""The runner of one session, on the network thread: feeds its machine and performs its commands.

The machine decides; here is only doing: connections, timers, the store. Every event goes through
`SessionRunner.feed`, one after the other, and whatever the game shall see leaves as an immutable
event or view.

Settings of a session that change while it is open:

| Field | What happens |
|---|---|
| `policy`, `persist` | in force at once; no message is needed |
| `actions`, `functions` | sent to the room by `context-update` |
| `player_name`, `others` | sent to the room by `update-template-keys` |
| `respond_mode` | sent to the room by `respond-mode-update` |
| `character_id`, `session_key`, `end_user_id`, `local_user_id` | another session |
| `endpoint`, `endpoint_id`, `api_key` | another session too: none is resumed elsewhere |
| any other, such as `persona` | a new connection, in which the conversation is resumed |
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import fields, replace
from functools import partial
from typing import Any

from characters.client.config import SessionConfig
from characters.client.connection import SessionConnection, SimulatedLink, connect_request
from characters.client.context import RuntimeContext
from characters.client.conversation import Conversation, OpenSession
from characters.protocol.codec import shorten_id
from characters.protocol.failures import CharactersError, failure
from characters.protocol.messages import (
    ClientMessage,
    ContextUpdate,
    RespondModeUpdate,
    UpdateTemplateKeys,
)
from characters.session import events
from characters.session.conversation import (
    SessionRecord,
    SessionState,
    SessionStateChanged,
    SessionView,
)
from characters.session.machine import IllegalEvent, advance
from characters.storage.sessions import PlayerIdStore
from characters.storage.slots import put_back
from characters.transport.base import Said, TransportError

__all__ = ["is_another_session", "SessionRunner"]

# The states in which a connect has succeeded or failed, or there is none.
_OUTCOMES = (SessionState.CONNECTED, SessionState.ERROR, SessionState.DISCONNECTED)

_IDENTITY = (
    "character_id", "key", "place", "endpoint", "api_key", "end_user_id", "local_user_id"
)  # fmt: skip
_LIVE = ("policy", "persist", "actions", "functions", "player_name", "others", "respond_mode")
_KNOWN = {*_IDENTITY, *_LIVE, "session_key", "endpoint_id"}
_CONNECTED_WITH = tuple(f.name for f in fields(SessionConfig) if f.name not in _KNOWN)


def is_another_session(old: SessionConfig, new: SessionConfig) -> bool:
    """Return whether a change makes it another session, of which nothing is known yet."""
    return any(getattr(old, name) != getattr(new, name) for name in _IDENTITY)


def needs_new_connection(old: SessionConfig, new: SessionConfig) -> bool:
    """Return whether the service takes a change only when a connection is made."""
    if old.actions and not new.actions:
        return True  # the contract has no message that takes a list of actions away
    return any(getattr(old, name) != getattr(new, name) for name in _CONNECTED_WITH)


def messages_for_changes(known: SessionConfig, now: SessionConfig) -> tuple[ClientMessage, ...]:
    """Return the messages for a room that knows other settings."""
    messages: list[ClientMessage] = []
    config = now.action_config
    if config and config != known.action_config:
        messages.append(ContextUpdate(run_llm="false", action_config=config))
    keys = dict(now.template_keys.items() - known.template_keys.items())
    if known.others and not now.others:
        keys["others"] = ""
    if keys:
        messages.append(UpdateTemplateKeys(keys))
    if now.respond_mode is not known.respond_mode:
        messages += [RespondModeUpdate(*lane) for lane in now.respond_mode.lanes.items()]
    return tuple(messages)


_log = logging.getLogger(__name__)


def _tell(done: str, key: str, error: Exception) -> None:
    is_ours = isinstance(error, CharactersError)  # it says what is wrong by itself
    _log.error("%s could not be %s: %s", key, done, error, exc_info=not is_ours)


class RecordStore:
    """Performs the machine's orders to the store, one after the other; answers are events."""

    def __init__(self, session: OpenSession, feed: Callable[[events.Event], None]) -> None:
        self._session = session
        self._context = session.context
        self._feed = feed
        self._tasks: set[asyncio.Task[None]] = set()
        # A clear that failed is owed: what the player wanted forgotten must not come back.
        self._owes_clear = False
        self._orders: Mapping[type[Any], Callable[[Any], Coroutine[Any, Any, None]]] = {
            events.LoadRecord: self._load,
            events.StoreRecord: self._store,
            events.ClearRecord: self._clear,
        }

    @property
    def is_busy(self) -> bool:
        """Whether an order is under way."""
        return bool(self._tasks)

    def perform(self, command: events.LoadRecord | events.StoreRecord | events.ClearRecord) -> None:
        """Begin to read, write or clear the record."""
        self._begin(self._orders[type(command)](command))

    def replace(self, record: SessionRecord | None) -> asyncio.Task[None]:
        """Begin to put a record in place of the one there is, after all that was ordered.

        The task raises what the store does.
        """
        return self._begin(self._replace(record))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # Tasks start in the order in which they were made: so do the jobs in the worker's queue.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settled(self) -> None:
        """Wait until everything ordered is done."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    async def _load(self, command: events.LoadRecord) -> None:
        context, key = self._context, self._session.key
        try:
            record, self._session.end_user_id = await context.worker.run(self._read)
        except Exception as error:  # a user's own store raises what it likes
            _tell("read", key, error)
            why = failure("persistence.unavailable", type(error).__name__)
            self._feed(events.RecordLoadFailed(command.epoch, why, context.chance()))
            return
        context.stored_keys.note(key, is_stored=record is not None)
        self._session.stored_at, age, now = None, 0.0, context.wall_clock()
        if record is not None and record.saved_at:  # an id stored by hand has no time
            self._session.stored_at = context.clock() - (now - record.saved_at)
        if record is not None and record.dropped_at is not None:
            age = now - record.dropped_at
        self._feed(events.RecordLoaded(command.epoch, record, age))

    def _read(self) -> tuple[SessionRecord | None, str | None]:
        """Return what is stored of the session, and the player whom the store belongs to."""
        persistence, key = self._context.persistence, self._session.key
        if self._owes_clear:
            persistence.clear(key)
            self._owes_clear = False
        config = self._session.config
        player = config.end_user_id or config.local_user_id
        if player and not config.end_user_id and isinstance(persistence, PlayerIdStore):
            player = persistence.player_id(player)
        return persistence.load(key), player

    async def _store(self, command: events.StoreRecord) -> None:
        context, key, now = self._context, self._session.key, self._context.wall_clock()
        record = SessionRecord(
            command.session_id,
            self._session.machine.endpoint_id,
            command.room_name,
            dropped_at=now if command.is_dropped else None,
            saved_at=now,
            is_refused=command.is_refused,
            is_always_fresh=self._session.machine.policy.is_always_fresh,
        )
        try:
            await context.worker.run(partial(self._write, record))
        except Exception as error:
            _tell("stored", key, error)
            why = failure("persistence.unavailable", type(error).__name__)
            self._feed(events.RecordStoreFailed(command.epoch, why))
            return
        context.stored_keys.note(key, is_stored=True)
        self._owes_clear = False
        self._session.stored_at = context.clock()
        self._feed(events.RecordStored(command.epoch))

    def _write(self, record: SessionRecord) -> None:
        persistence, key = self._context.persistence, self._session.key
        if record.is_refused:
            # Only marked: an id that was stored by hand stays one for any endpoint.
            known = persistence.load(key) or record
            record = replace(known, room_name=None, dropped_at=None, is_refused=True)
        persistence.store(key, record)

    async def _clear(self, command: events.ClearRecord) -> None:
        context, key = self._context, self._session.key
        self._session.stored_at = None
        try:
            await context.worker.run(partial(context.persistence.clear, key))
        except Exception as error:
            _tell("cleared", key, error)
            self._owes_clear = True
        else:
            context.stored_keys.note(key, is_stored=False)

    async def _replace(self, record: SessionRecord | None) -> None:
        context, key = self._context, self._session.key
        await context.worker.run(partial(put_back, context.persistence, key, record))
        context.stored_keys.note(key, is_stored=record is not None)


class SessionRunner:
    """Runs one session: feeds its machine and performs what that orders. For the network thread.

    Words and voice do not pass here, but through `conversation`.
    """

    def __init__(self, config: SessionConfig, context: RuntimeContext) -> None:
        self.session = session = OpenSession(config, context)
        self.conversation = Conversation(session, self.feed)
        self.simulated_link = SimulatedLink()
        self._records = RecordStore(session, self.feed)
        self._connection: SessionConnection | None = None
        self._old_connections: list[SessionConnection] = []
        self._timers: dict[events.Timer, asyncio.TimerHandle] = {}
        self._events: deque[events.Event] = deque()
        self._is_feeding = False
        self._now = context.clock()
        self._room_config = config  # what the room knows of the settings
        self._has_changed = asyncio.Event()
        self._awaited: list[Future[SessionView]] = []
        self._perform: Mapping[type[Any], Callable[[Any], None]] = {
            events.LoadRecord: self._records.perform,
            events.StoreRecord: self._records.perform,
            events.ClearRecord: self._records.perform,
            events.OpenConnection: self._open_connection,
            events.CloseConnection: self._leave_connection,
            events.AbortConnection: self._leave_connection,
            events.StartTimer: self._start_timer,
            events.CancelTimer: self._cancel_timer,
            events.OpenMicrophone: self._open_microphone,
            events.CloseMicrophone: lambda _: session.gate.close(),
            events.Publish: self._publish,
        }

    # --- the machine ------------------------------------------------------------------------

    @property
    def state(self) -> SessionState:
        """The state now."""
        return self.session.machine.state

    def feed(self, event: events.Event) -> None:
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
            self.session.refresh()
            self._settle_awaited()

    def report_connected(self, waiting: Future[SessionView]) -> None:
        """Set the view as result once it is CONNECTED, or a TransportError once it cannot be."""
        if waiting.set_running_or_notify_cancel():
            self._awaited.append(waiting)
            self._settle_awaited()

    def _settle_awaited(self) -> None:
        """Answer those that wait for the connection, as soon as it is known how that ends."""
        view = self.session.view
        if not self._awaited or view.state not in _OUTCOMES:
            return
        waiting, self._awaited = self._awaited, []
        why = view.error or failure("session.ended", "The session is disconnected")
        for future in waiting:
            if view.state is SessionState.CONNECTED:
                future.set_result(view)
            else:
                future.set_exception(TransportError(why))

    def _advance(self, event: events.Event) -> None:
        now = max(self._now, self.session.context.clock())
        if isinstance(event, events.TimerFired):
            # A loop may wake up a clock's tick early.
            now = max(now, event.due)
        self._now = now
        try:
            self.session.machine, commands = advance(self.session.machine, event, now)
        except IllegalEvent as problem:
            _log.error("Session %s: %s; ignored.", self.session.key, problem)
            return
        for command in commands:
            try:
                self._perform[type(command)](command)
            except Exception:
                self._give_up(command)
        if isinstance(event, events.ForgetRequested):
            self.conversation.forget()

    def _give_up(self, command: events.Command) -> None:
        """Take a command that raised for the end of the connection, not of the session."""
        _log.exception("Session %s: %s failed.", self.session.key, type(command).__name__)
        if self._connection is not None:
            chance = self.session.context.chance()
            why = failure("internal.error")
            self.feed(events.ConnectionLost(self._connection.epoch, why, chance))

    def _start_timer(self, command: events.StartTimer) -> None:
        self._cancel_timer(command)
        timer, loop = command.timer, asyncio.get_running_loop()
        delay = max(0.0, command.due - self.session.context.clock())
        self._timers[timer] = loop.call_later(delay, self._fire, timer, command.due)
        if timer is events.Timer.RETRY:
            self.session.retry_wait = delay

    def _cancel_timer(self, command: events.StartTimer | events.CancelTimer) -> None:
        handle = self._timers.pop(command.timer, None)
        if handle is not None:
            handle.cancel()

    def _fire(self, timer: events.Timer, due: float) -> None:
        self._timers.pop(timer, None)
        self.feed(events.TimerFired(timer, due, self.session.context.chance()))

    def _publish(self, command: events.Publish) -> None:
        if isinstance(command.event, SessionStateChanged):
            self._follow(command.event)
        self.session.emit(command.event)

    def _follow(self, event: SessionStateChanged) -> None:
        session = self.session
        _log.info(
            "Session %s (%s): %s -> %s, %s, epoch %d",
            session.key,
            shorten_id(event.session_id),
            event.old_state.name,
            event.new_state.name,
            event.reason,
            session.machine.epoch,
        )
        session.timeline.append(event)
        is_connected = event.new_state is SessionState.CONNECTED
        if is_connected:
            session.gate.ready(session.meter, session.machine.policy.auto_mic_start_delay_seconds)
        self.conversation.state_changed(event)
        if is_connected:
            # Soon, not now: the game sees CONNECTED before anything is said.
            asyncio.get_running_loop().call_soon(self._send_changes)
        self._has_changed.set()

    # --- settings -----------------------------------------------------------------------------

    def reconfigure(self, config: SessionConfig) -> None:
        """Follow new settings of the same session; what needs a new connection gets one."""
        old, self.session.config = self.session.config, config
        if config.policy != old.policy:
            self.feed(events.PolicyChanged(config.policy))
        if config.persist is not old.persist:
            self.feed(events.PersistChanged(config.persist))
        if needs_new_connection(old, config):
            self.feed(events.RestartRequested())
        self._send_changes()

    def _send_changes(self) -> None:
        """Send the room what it does not know of the settings."""
        if self.state is not SessionState.CONNECTED:
            return
        config = self.session.config
        messages = messages_for_changes(self._room_config, config)
        problems = [problem for it in messages if (problem := self.conversation.try_send(it))]
        if problems:
            _log.warning("Session %s: settings were not sent: %s", self.session.key, problems[0])
        else:
            self._room_config = config

    # --- the connection -----------------------------------------------------------------------

    def _open_connection(self, command: events.OpenConnection) -> None:
        session, policy = self.session, self.session.machine.policy
        heard, player = session.talk.answered, session.end_user_id
        request = connect_request(session.config, policy, command, heard, player)
        if command.mode is events.RoomMode.CREATE:
            self._room_config = session.config
        self._connection = SessionConnection(
            command.epoch, session, self.conversation, self.simulated_link, self.feed
        )
        self._connection.open(request)

    def _leave_connection(self, command: events.CloseConnection | events.AbortConnection) -> None:
        """Stop using a connection, and remember it until its last task has ended."""
        connection = self._connection
        if connection is None:
            return
        self.session.connection = None
        self._old_connections = [old for old in self._old_connections if not old.is_over]
        self._old_connections.append(connection)
        if isinstance(command, events.CloseConnection):
            connection.close()
        else:
            self._connection = None
            connection.abort()

    def cut(self) -> None:
        """Break the connection, as a fault would."""
        if self._connection is not None:
            self._connection.cut()

    def _open_microphone(self, command: events.OpenMicrophone) -> None:
        machine = self.session.machine
        assert machine.microphone_opened_at is not None  # the machine set it with the order
        delay = machine.policy.auto_mic_start_delay_seconds
        self.session.gate.open(machine.microphone_opened_at, delay)

    # --- save slots -----------------------------------------------------------------------------

    async def put_back(self, record: SessionRecord | None, said: Iterable[Said]) -> None:
        """Go on in another conversation, in which this was said; connected if it is now.

        Raises what the store does; then it begins afresh.
        """
        was_active = self.state is not SessionState.DISCONNECTED
        while self.state not in (SessionState.DISCONNECTED, SessionState.ERROR):
            self.feed(events.DisconnectRequested(keeps_id=True))
            await self.at_rest()
        # Without a wait in between: whoever connects from here on finds the new record.
        self.feed(events.ForgetRequested())
        replaced = self._records.replace(record)
        self.conversation.put_back(said)
        try:
            await replaced
        finally:
            if was_active:
                self.feed(events.ConnectRequested())

    # --- the end -----------------------------------------------------------------------------

    async def at_rest(self) -> None:
        """Wait until the session is DISCONNECTED or in ERROR and all it stored is durable."""
        while self.state not in (SessionState.DISCONNECTED, SessionState.ERROR):
            self._has_changed.clear()
            await self._has_changed.wait()
        await self._records.settled()

    def dispose(self) -> None:
        """Drop everything at once."""
        for waiting in self._awaited:
            waiting.set_exception(TransportError(failure("session.ended", "The runtime is closed")))
        self._awaited.clear()
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        self.conversation.close()
        for connection in (*self._old_connections, self._connection):
            if connection is not None:
                connection.abort()

    @property
    def is_leaking(self) -> bool:
        """Whether something of a connection is left although no connection is held."""
        self._old_connections = [old for old in self._old_connections if not old.is_over]
        return bool(self._old_connections or self._timers or self._records.is_busy)
