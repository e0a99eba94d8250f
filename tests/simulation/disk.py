"""Two disks: the player's profile, and the service's sessions with all that was said in them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from characters.agents.agent import Part
from characters.service.effects import Entry, PendingReply, PersistEntry, PlayerLine, ResolveReply
from characters.service.registry import ServiceSession
from characters.session.conversation import SessionRecord
from tests.simulation.agent import EMPTY, Memory, number_of
from tests.simulation.promise import promise
from tests.simulation.virtual_time import Time

__all__ = ["Disk", "Kept", "ServiceDisk", "Store"]


class Disk:
    """A profile's records: slow at times, failing at times; what is written is durable."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._free_at: dict[str, float] = {}
        self.records: dict[str, SessionRecord] = {}
        self.is_failing = False
        self.is_slow = False

    def do(self, key: str, work: Callable[[bool], None]) -> None:
        """Do work after a while, in order for each key; it is told whether the disk works."""
        now, random = self._time.now, self._time.random
        takes = random.uniform(2.0, 40.0) if self.is_slow else random.random() * 0.02
        done_at = max(self._free_at.get(key, 0.0), now) + takes
        self._free_at[key] = done_at
        self._time.later(done_at - now, self._done, work)

    def _done(self, work: Callable[[bool], None]) -> None:
        work(not self.is_failing)


@dataclass
class Kept:
    """One session as it lies on the service's disk."""

    session: ServiceSession
    used_at: float
    memory: Memory = EMPTY
    lines: list[int] = field(default_factory=list)  # what the player said, in order
    known: set[str] = field(default_factory=set)  # the same, as the client calls them
    heard: Memory = EMPTY  # what the memory must be: counted line by line
    owed: dict[str, tuple[Part, ...] | None] = field(default_factory=dict)
    decided: dict[str, tuple[Part, ...]] = field(default_factory=dict)  # all of them, for ever
    settled: set[str] = field(default_factory=set)  # told, cut short by the player, or left

    def left(self, heard: str | None) -> tuple[PendingReply, ...]:
        """Return what is still to be answered; up to `heard` the client had every answer."""
        last = number_of(heard)[1] if heard is not None and heard in self.known else 0
        owed = sorted((number_of(line)[1], line, parts) for line, parts in self.owed.items())
        return tuple(
            PendingReply((PlayerLine(line, line, is_kept=True),), parts)
            for number, line, parts in owed
            if parts is None or number > last
        )


class Store:
    """What is durable at the service; an append that breaks the order breaks a promise."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.ended: dict[str, None] = {}

    def save(
        self,
        session: ServiceSession,
        memory: Memory | None = None,
        entries: Iterable[Entry] = (),
        unheard: frozenset[int] = frozenset(),
    ) -> None:
        """Write one session in one go; `unheard` are lines that the agent was never told."""
        it = self.kept.get(session.session_id)
        if it is None:
            it = self.kept[session.session_id] = Kept(session, session.used_at)
        it.used_at = session.used_at
        for entry in entries:
            if isinstance(entry, PersistEntry):
                self._append(it, entry)
            elif isinstance(entry, PendingReply):
                _owe(it, entry, unheard)
            elif isinstance(entry, ResolveReply):
                _settle(it, entry)
        if memory is not None:
            it.memory = memory

    def _append(self, it: Kept, turn: PersistEntry) -> None:
        name, number = number_of(turn.text)
        owner = it.session.character_id
        promise(name == owner, "A word of one character's talk was kept in another's.", owner)
        if turn.speaker == "character":
            return
        last = it.lines[-1] if it.lines else 0
        promise(number > last, "A line was kept twice, or out of its order.", owner)
        it.lines.append(number)
        it.known.add(turn.text)

    def session_of(self, it: Kept) -> ServiceSession:
        """Return the session as a service that starts now reads it."""
        known = it.session
        return ServiceSession(known.session_id, known.character_id, known.end_user_id, it.used_at)

    def remove(self, session_id: str) -> None:
        """Delete a session; that it was there stays known."""
        self.kept.pop(session_id, None)
        self.ended[session_id] = None


def _owe(it: Kept, entry: PendingReply, unheard: frozenset[int]) -> None:
    if entry.parts is None:
        it.owed.update(dict.fromkeys(entry.message_ids))
        return
    *others, last = entry.message_ids
    owner = it.session.character_id
    promise(last not in it.decided, "An answer was decided twice.", owner)
    it.owed[last] = it.decided[last] = entry.parts
    for message_id in others:
        it.owed.pop(message_id, None)
    for number in (number_of(message_id)[1] for message_id in entry.message_ids):
        it.heard = it.heard if number in unheard else it.heard.after(number)


def _settle(it: Kept, entry: ResolveReply) -> None:
    for message_id in tuple(it.owed) if entry.message_id is None else (entry.message_id,):
        it.owed.pop(message_id, None)
        it.settled.add(message_id)


class ServiceDisk:
    """One worker writes in order; what it has not begun dies with the process."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self._queue: deque[tuple[Callable[[], None], Callable[[bool], None]]] = deque()
        self._free_at = 0.0
        self._life = 0
        self.is_failing = False
        self.is_slow = False

    def do(self, work: Callable[[], None], done: Callable[[bool], None]) -> None:
        """Do work in its turn; `done` is told whether the disk took it."""
        now, random = self._time.now, self._time.random
        takes = random.uniform(0.2, 4.0) if self.is_slow else random.random() * 0.02
        self._free_at = max(self._free_at, now) + takes
        self._queue.append((work, done))
        self._time.later(self._free_at - now, self._finish, self._life)

    def _finish(self, life: int) -> None:
        if life != self._life:
            return
        work, done = self._queue.popleft()
        is_working = not self.is_failing
        if is_working:
            work()
        done(is_working)

    def crash(self) -> None:
        """Lose what waits; the write that is under way is on the disk or not."""
        if self._queue and not self.is_failing and self._time.chance(0.5):
            self._queue[0][0]()
        self._queue.clear()
        self._life += 1
        self._free_at = 0.0
