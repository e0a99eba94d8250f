"""A simulated room: the real conversation, message handler and numbering on virtual time.

It does what `characters.service.room.LiveRoom` does with asyncio: it asks an agent, persists
what is said, ticks, and sends. Every message is counted, so that at the end it can be told
whether the client got each one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from characters.agents.agent import Prompt, Say, Silence
from characters.protocol.link import (
    Ack,
    Arrival,
    Bye,
    OutboxFullError,
    ReplayError,
    SequencedChannel,
    Welcome,
)
from characters.protocol.messages import (
    BotReady,
    BotTurnCompleted,
    ClientMessage,
    InteractionCreated,
    ServerMessage,
    ServerResponse,
    UserIdleWarning,
    UserTextMessage,
)
from characters.service.conversation import RoomConversation
from characters.service.effects import (
    Effect,
    End,
    Generate,
    PauseSpeaking,
    PendingReply,
    PersistEntry,
    ResolveReply,
    ResumeSpeaking,
    Send,
    StopSpeaking,
)
from characters.service.message_handler import MessageHandler
from characters.service.pace import TimingConfig
from characters.service.registry import Room
from characters.service.requests import LevelContext
from tests.simulation.agent import SimulatedAgent, number_of
from tests.simulation.disk import Kept
from tests.simulation.idleness import Idleness
from tests.simulation.promise import promise
from tests.simulation.room_store import SimulatedRoomStore
from tests.simulation.wire import Frame, Item, Wire

if TYPE_CHECKING:
    from tests.simulation.service import Service

__all__ = ["PACE", "SimulatedRoom"]

PACE = TimingConfig(words_per_second=10.0, think_seconds=0.2)
# A character that has trouble to get ready takes longer than anybody waits for it.
TROUBLED_SECONDS = 60.0
TROUBLED, BREAKS_DOWN, SAYS_NOTHING = 0.01, 0.005, 0.2


class SimulatedRoom:
    """One room with its talk; `close` it when the registry has let go of it."""

    def __init__(self, service: Service, room: Room, kept: Kept, heard: str | None) -> None:
        self._service = service
        self._time = service.time
        self.room = room
        self.owner = room.session.character_id
        self.link = SequencedChannel(room.name)
        self.wire: Wire | None = None
        self.was_entered = False
        self.is_over = False
        self._pending = kept.left(heard)
        self._told: deque[tuple[int, str]] = deque()  # number of a completed turn, what it answers
        now = self._time.now
        known = frozenset(kept.known)
        self._agent = SimulatedAgent(self.owner, kept.memory, self._time.random)
        self._conversation = RoomConversation(now, PACE)
        self._messages = MessageHandler(
            self._conversation, LevelContext(""), has_agent=room.agent, message_ids=known
        )
        self._begun = self._is_left_for_good = False
        self._consulting: int | None = None
        self._alarm_at = math.inf
        self._known = set(known)
        self._idleness = Idleness(self.owner, PACE, now)
        self._store: SimulatedRoomStore = SimulatedRoomStore(
            service, room.session, self._agent, self._take_heard, self._kept, self._go_on
        )
        self._set_alarm()

    # --- connections ------------------------------------------------------------------------

    def greet(self, wire: Wire, received: int) -> None:
        """Answer a hello: welcome, what was missed, ready."""
        try:
            missed = self.link.missed(received)
        except ReplayError as problem:
            promise(False, f"The service cannot repeat what was missed: {problem}.", self.owner)
            return
        said = "rejoined" if self.was_entered else self.room.resumed
        following, away = self.link.confirmed + 1, self.room.last_seen_seconds
        wire.down(Welcome(self.link.received, len(missed), following, said, away))
        self.wire, self.was_entered, self._is_left_for_good = wire, True, False
        self._note_presence(True)
        for frame in missed:
            wire.down(frame)
        if self._time.chance(TROUBLED):
            self._time.later(TROUBLED_SECONDS, self._ready, wire)
        else:
            self._ready(wire)
        self._set_alarm()

    def _ready(self, wire: Wire) -> None:
        if self.wire is not wire or self.is_over:
            return
        first, self._begun = not self._begun, True
        if first:
            self._send(InteractionCreated("", self.room.session.session_id))
        self._send(BotReady())
        if first:
            now = self._time.now
            self._perform(self._conversation.arrive(self.room.last_seen_seconds, now))
            self._perform(self._conversation.resume(self._pending, now))

    def left(self, wire: Wire, *, for_good: bool) -> None:
        """Note that a connection is gone; the talk goes on."""
        if self.wire is wire:
            self.wire, self._is_left_for_good = None, for_good
            self._note_presence(False)
            self._set_alarm()

    def _note_presence(self, is_present: bool) -> None:
        now = self._time.now
        self._conversation.set_present(is_present, now)
        self._idleness.active(now)

    def confirm(self, wire: Wire) -> None:
        """Confirm whatever is unconfirmed."""
        ack = self.link.ack(now=True) if wire is self.wire else None
        if ack is not None:
            wire.down(ack)

    # --- what comes in ------------------------------------------------------------------------

    def receive(self, wire: Wire, item: Item) -> None:
        """Take what came over a line, unless another one has replaced it."""
        if wire is not self.wire or self.is_over:
            return
        if isinstance(item, dict):
            self._take(wire, item)
        elif isinstance(item, Ack):
            self.link.acknowledged(item.received)
        elif isinstance(item, Bye):
            self._service.leave(wire, for_good=True)
        elif isinstance(item, float):
            self._service.hear(wire, item)

    def _take(self, wire: Wire, frame: Frame) -> None:
        arrival = self.link.accept(frame)
        promise(arrival is not Arrival.GAP, "A message of the client is missing.", self.owner)
        is_inside = self.room.live_id == wire.live_id
        promise(is_inside, "The registry takes somebody for gone who is inside.", self.owner)
        if arrival is Arrival.DELIVER:
            message = frame["message"]
            self._idleness.check(self._time.now)
            is_new = self._is_new(message)
            outcomes = self._messages.take(message, self._time.now)
            self._perform(outcomes)
            if is_new and not any(map(_is_refusal, outcomes)):
                self._idleness.active(self._time.now)
                if isinstance(message, UserTextMessage):
                    self._known.add(message.text)
        ack = self.link.ack()
        if ack is not None:
            wire.down(ack)

    def _is_new(self, message: ClientMessage) -> bool:
        if not isinstance(message, UserTextMessage):
            return True
        name, _ = number_of(message.text)
        promise(name == self.owner, "A character heard what was said to another.", self.owner)
        return message.text not in self._known

    # --- what is decided ----------------------------------------------------------------------

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            ACTS[type(effect)](self, effect)
        self._set_alarm()

    def _send(self, message: ServerMessage) -> None:
        try:
            frame = self.link.number({"message": message})
        except OutboxFullError:
            self.end("overflow")
            return
        if isinstance(message, BotTurnCompleted) and message.message_id is not None:
            self._told.append((frame["seq"], message.message_id))
        elif isinstance(message, UserIdleWarning):
            self._idleness.warned(self._time.now)
        if self.wire is not None:
            self.wire.down(frame)

    def _do_consult(self, effect: Generate) -> None:
        self._consulting = effect.turn
        seconds = self._time.random.random() * 0.3
        self._time.later(seconds, self._answer, effect.turn, effect.prompt)

    def _answer(self, turn: int, prompt: Prompt) -> None:
        if self.is_over or self._consulting != turn:
            return
        now, chance = self._time.now, self._time.chance
        part = self._agent.answer(prompt)
        if chance(BREAKS_DOWN):
            self._perform(self._conversation.failed(turn, now))
            return
        if isinstance(part, Say) and not (isinstance(prompt, Silence) and chance(SAYS_NOTHING)):
            self._perform(self._conversation.part(turn, part, now))
        self._perform(self._conversation.decided(turn))
        # What a character was told is durable before its turn is completed.
        self._store.flush(turn)

    def _do_persist(self, entry: PersistEntry) -> None:
        if entry.speaker == "player":
            self._service.taken(self, number_of(entry.text)[1])
        self._store.append(entry)

    def _do_hush(self, effect: StopSpeaking) -> None:
        self._consulting = None

    def _take_heard(self) -> list[ResolveReply]:
        """Return what the client has confirmed to have, each once."""
        heard = []
        while self._told and self._told[0][0] <= self.link.confirmed:
            message_id = self._told.popleft()[1]
            self._service.settled(self, message_id)
            heard.append(ResolveReply(message_id))
        return heard

    def _do_end(self, effect: End) -> None:
        if effect.reason == "idle-timeout":
            self._idleness.ended(self._time.now)
            self._service.counts["idle time-outs"] += 1
        self.end(effect.reason)

    # --- time and the disk ----------------------------------------------------------------------

    def _set_alarm(self) -> None:
        due = self._conversation.deadline()
        if due < self._alarm_at and not self.is_over:
            self._alarm_at = due
            self._time.later(max(0.0, due - self._time.now), self._wake, due)

    def _wake(self, due: float) -> None:
        if due != self._alarm_at or self.is_over:
            return  # an earlier one took its place
        self._alarm_at = math.inf
        # A sum of virtual seconds may fall short of the deadline by a rounding.
        now = max(self._time.now, due)
        self._perform(self._conversation.tick(now) if now >= self._conversation.deadline() else ())

    def _kept(self, said: PersistEntry) -> None:
        if not self.is_over:
            self._perform(self._messages.confirm(said))

    def _go_on(self, turn: int) -> None:
        if turn == self._consulting and not self.is_over:
            self._perform(self._conversation.completed(turn, self._time.now))

    def end(self, reason: str, retry_after: float | None = None) -> None:
        """End the room: say goodbye to whoever is inside; the session stays."""
        wire, self.wire = self.wire, None
        if wire is not None:
            wire.down(Bye(reason, retry_after))
            self._time.later(wire.seconds, self._service.leave, wire)
        self._service.let_go(self)

    def close(self, closed: Callable[[], None]) -> None:
        """Stop everything; `closed` is called when what was unsaved is saved, or cannot be."""
        self.is_over = True
        if self._is_left_for_good:
            self._store.append(ResolveReply(None))
        self._store.close(closed)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing of the talk is under way."""
        return self._store.is_idle and not self._conversation.is_busy


def _is_refusal(effect: Effect) -> bool:
    message = effect.message if isinstance(effect, Send) else None
    return isinstance(message, ServerResponse) and message.status == "error"


ACTS: dict[type[Any], Callable[[SimulatedRoom, Any], None]] = {
    Send: lambda live_room, effect: live_room._send(effect.message),
    Generate: SimulatedRoom._do_consult,
    StopSpeaking: SimulatedRoom._do_hush,
    PauseSpeaking: lambda live_room, effect: None,  # nobody has a voice here
    ResumeSpeaking: lambda live_room, effect: None,
    PersistEntry: SimulatedRoom._do_persist,
    PendingReply: lambda live_room, effect: live_room._store.append(effect),
    ResolveReply: lambda live_room, effect: live_room._store.append(effect),
    End: SimulatedRoom._do_end,
}
