"""What a simulated client says and hears: the real talk over the real numbering.

It does what `characters.client.conversation` and the client's end of the wire do with asyncio,
and keeps a ledger that outlives the process: what the player was told is delivered, and what was
answered.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from characters.agents.agent import Say
from characters.client.conversation_state import ConversationState
from characters.protocol.failures import failure
from characters.protocol.link import Ack, Arrival, OutboxFullError, SequencedChannel, Welcome
from characters.protocol.messages import (
    BotLlmText,
    BotReady,
    BotTurnCompleted,
    ClientMessage,
    InterruptBot,
    PauseBot,
    ServerMessage,
    ServerResponse,
    UserTextMessage,
)
from characters.session.conversation import (
    LocalEvent,
    ResumeOutcome,
    SessionState,
    SessionStateChanged,
)
from characters.session.events import CharacterReady, ConnectionLost, PlayerActed, WakeRequested
from tests.simulation.agent import greeting_of, line_of, number_of
from tests.simulation.promise import promise
from tests.simulation.wire import Frame, Wire

if TYPE_CHECKING:
    from tests.simulation.client import Client
    from tests.simulation.virtual_time import Time

__all__ = ["Ledger", "Words"]

WAITS = (SessionState.CONNECTING, SessionState.CONNECTED, SessionState.RECONNECTING)


@dataclass
class Ledger:
    """What a player knows for certain, whatever becomes of the process."""

    last: int = 0  # the number of the last line
    confirmed: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    answered: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    # Of lines both confirmed and answered to the end the last: it must be remembered.
    certain: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    counts: Counter[str] = field(default_factory=Counter)

    def note(self, book: dict[str, set[int]], session_id: str, number: int) -> None:
        book[session_id].add(number)
        if number in self.confirmed[session_id] and number in self.answered[session_id]:
            self.certain[session_id] = max(number, self.certain[session_id])


class Words:
    """One process's end of the talk; the ledger is handed on to the next one."""

    def __init__(self, client: Client, time: Time, ledger: Ledger) -> None:
        self._client, self._time = client, time
        self.ledger = ledger
        self.talk = ConversationState()
        self.link = SequencedChannel("")
        self.is_ready = False
        self._replay_left = 0
        self._answered_here: set[int] = set()

    # --- in and out of rooms ------------------------------------------------------------------

    def link_for(self, room_name: str, *, rejoins: bool) -> int:
        """Take the room's numbering, or a new one; return how far it was received."""
        self.is_ready = False
        if not rejoins or self.link.room_name != room_name:
            self.talk.cut()
            self.link = SequencedChannel(room_name)
            self._answered_here.clear()
        return self.link.received

    def enter(self, wire: Wire, welcome: Welcome) -> None:
        """Take the welcome: repeat what the service lacks."""
        self._replay_left = welcome.replayed
        for frame in self.link.enter(welcome):
            wire.up(frame)

    def state_changed(self, change: SessionStateChanged) -> None:
        """Follow the session."""
        if change.old_state is SessionState.CONNECTED:
            self.talk.follow(LocalEvent.CONNECTION_LOST, self._time.now)
        if change.new_state is SessionState.CONNECTED:
            assert change.resume is not None
            self.talk.connected(rejoined=change.resume.outcome is ResumeOutcome.REJOINED)
            self._time.later(0.0, self._catch_up, self._client.life)
        if change.new_state in (SessionState.DISCONNECTED, SessionState.ERROR):
            self.talk.cut()
            self.ledger.counts["lines refused"] += len(self.talk.take_waiting())

    def _catch_up(self, life: int) -> None:
        if life != self._client.life or not self._is_connected:
            return
        for line in self.talk.owed():
            self.ledger.counts["lines repeated"] += 1
            if not self._send(line):
                return
        self.talk.repeated()
        for text in self.talk.take_waiting():
            self._say(str(text))

    @property
    def _is_connected(self) -> bool:
        return self._client.session.state is SessionState.CONNECTED

    # --- what is said ---------------------------------------------------------------------------

    def type_line(self) -> None:
        """Type the next line: it goes out now or later, or is refused."""
        session = self._client.session
        self.ledger.last += 1
        text = line_of(self._client.name, self.ledger.last)
        self.ledger.counts["lines typed"] += 1
        if self._is_connected and not self.talk.has_older_lines:
            self._client.feed(PlayerActed())
            self._say(text)
        elif (session.state in WAITS or session.is_hibernating) and self.talk.keep(text):
            self._client.feed(WakeRequested())
        else:
            self.ledger.counts["lines refused"] += 1

    def interrupt(self) -> None:
        """Cut the character short, or make it wait for words that never come."""
        if self._is_connected:
            is_sure = self._time.random.random() < 0.5
            self._send(InterruptBot() if is_sure else PauseBot())

    def _say(self, text: str) -> None:
        line = UserTextMessage(text, text)
        if self._send(line):
            self.talk.said(line, self._time.now)
        else:
            self.ledger.counts["lines refused"] += 1

    def _send(self, message: ClientMessage) -> bool:
        wire = self._client.attempts.wire
        assert wire is not None  # only called while connected
        try:
            frame = self.link.number({"message": message})
        except OutboxFullError:
            why, chance = failure("transport.overflow"), self._time.random.random()
            self._client.feed(ConnectionLost(self._client.session.epoch, why, chance))
            return False
        if wire.client_is_on:
            wire.up(frame)
        return True

    # --- what is heard --------------------------------------------------------------------------

    def confirm(self, wire: Wire) -> None:
        """Confirm whatever is unconfirmed."""
        ack = self.link.ack(now=True)
        if ack is not None:
            wire.up(ack)

    def acknowledged(self, ack: Ack) -> None:
        self.link.acknowledged(ack.received)

    def hear(self, wire: Wire, frame: Frame) -> None:
        """Take a numbered message."""
        arrival = self.link.accept(frame)
        name = self._client.name
        promise(arrival is not Arrival.GAP, "A message of the service is missing.", name)
        if arrival is Arrival.DELIVER:
            message = frame["message"]
            is_replay, self._replay_left = self._replay_left > 0, max(0, self._replay_left - 1)
            # A ready of an earlier connection is not the one that ends the replay.
            if not (is_replay and isinstance(message, BotReady)):
                self._take(wire, message)
        ack = self.link.ack()
        if ack is not None:
            wire.up(ack)

    def _take(self, wire: Wire, message: ServerMessage) -> None:
        self.talk.heard(message, self._time.now)
        assert wire.live_room is not None  # it spoke
        session_id = wire.live_room.room.session.session_id
        if isinstance(message, BotReady):
            if not self.is_ready:
                self.is_ready = True
                self._client.microphone.ready(wire)
                self._client.feed(CharacterReady(self._client.session.epoch))
        elif isinstance(message, BotLlmText):
            self._hear_text(session_id, message.text)
        elif isinstance(message, BotTurnCompleted) and message.message_id is not None:
            self._client.service.had[self._client.name, session_id].add(message.message_id)
            self.ledger.counts["turns cut" if message.was_interrupted else "turns completed"] += 1
            # What a character was told is durable before its turn is completed, not before; a line
            # at which its mind broke down is owed until then.
            if not (message.was_interrupted or message.was_aborted):
                number = number_of(message.message_id)[1]
                self.ledger.note(self.ledger.answered, session_id, number)
        elif isinstance(message, ServerResponse) and message.event_type == UserTextMessage.TYPE:
            self._hear_response(session_id, message)

    def _hear_text(self, session_id: str, text: str) -> None:
        if text.startswith(" "):
            return  # the rest of an answer
        name, number = number_of(text)
        is_ours = name == self._client.name
        promise(is_ours, "A player heard an answer of another character's talk.", name)
        remembered = greeting_of(text)
        if remembered is not None:
            is_kept = remembered.last >= self.ledger.certain[session_id]
            promise(is_kept, "The character forgot a line that was confirmed.", name)
        elif number:
            promise(number not in self._answered_here, "An answer came twice in one room.", name)
            self._answered_here.add(number)
            self.ledger.counts["answers heard"] += 1
            self._check_decided(session_id, text, number)

    def _check_decided(self, session_id: str, text: str, number: int) -> None:
        """An answer that is on the disk is told as it was decided."""
        kept = self._client.service.store.kept.get(session_id)
        parts = kept.decided.get(line_of(self._client.name, number)) if kept is not None else None
        said = " ".join(part.text for part in parts or () if isinstance(part, Say))
        is_same = parts is None or text.split()[0] in said.split()
        promise(is_same, "An answer was decided twice.", self._client.name)

    def _hear_response(self, session_id: str, message: ServerResponse) -> None:
        if message.status == "error":
            self.ledger.counts["lines refused"] += 1
            return
        line = str((message.extras or {}).get("message_id"))
        store, name = self._client.service.store, self._client.name
        kept = store.kept.get(session_id)
        if session_id not in store.ended:
            is_kept = kept is not None and line in kept.known
            promise(is_kept, "A line was confirmed before it was durable.", name)
        self.ledger.note(self.ledger.confirmed, session_id, number_of(line)[1])
        self.ledger.counts["lines confirmed"] += 1

    # --- the end --------------------------------------------------------------------------------

    def check(self) -> None:
        """Hold everything against the service's books, in calm weather."""
        self._check_ledger()
        wire = self._client.attempts.wire
        if wire is None or not wire.is_whole or wire.live_room is None:
            return
        name, far = self._client.name, wire.live_room
        promise(not self.talk.unconfirmed, "A line was neither confirmed nor refused.", name)
        promise(not self.talk.waiting, "A line waits although there is a connection.", name)
        is_heard = far.link.received == self.link.sent
        promise(is_heard, "A message of the client never arrived.", name)
        is_told = self.link.received == far.link.sent
        promise(is_told, "A message of the service never arrived.", name)
        promise(far.is_quiet, "A turn never ended.", name)
        session_id = far.room.session.session_id
        kept = self._client.service.store.kept.get(session_id)
        if kept is not None:
            had = self._client.service.had[name, session_id] | kept.settled
            promise(kept.decided.keys() <= had, "An answer never reached the player.", name)

    def _check_ledger(self) -> None:
        store = self._client.service.store
        for session_id, numbers in self.ledger.confirmed.items():
            kept = store.kept.get(session_id)
            if session_id in store.ended:
                continue
            is_kept = kept is not None and numbers <= set(kept.lines)
            promise(is_kept, "A confirmed line is not in the transcript.", self._client.name)
