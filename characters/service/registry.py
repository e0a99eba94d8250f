"""Who may talk to whom: sessions, rooms, tokens and their ends.

A *session* is a conversation with one character, kept for `session_ttl` after its last use.
A *room* is where a session is live; it outlives its last participant by the time that the
client asked for. A *token* lets one connection into one room, once. Pure: `now` is seconds on
a monotonic clock, so that a jump of the wall clock ends nothing.

A request for a session that is live has one of three answers: a client that names the live
connection (`live_id`) or asks for a takeover replaces it; a connection that has been silent
for longer than a client's heartbeat is replaced too; in every other case `ConflictError` asks
the service to find out whether the old connection still answers.

Characters that a player meets together greet one by one (`SpeakingQueue`).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from characters.protocol.failures import CharactersError
from characters.protocol.messages import ConnectRequest

__all__ = [
    "body_problem", "ConflictError", "Grant", "Limits", "RefusalError", "Registry", "Room",
    "ServiceSession", "SpeakingQueue", "SpeakingQueues", "unfit_body",
]  # fmt: skip


MAX_ISSUED = 16
_INVALID_TOKEN = "the token is not valid for this room; ask /connect for a new one"


class RefusalError(CharactersError):
    """The service refuses a request; `status` and `detail` are the wire's."""

    def __init__(self, status: int, detail: object, retry_after: float | None = None) -> None:
        super().__init__(str(detail))
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


def body_problem(kind: str, message: str, *path: int | str) -> dict[str, Any]:
    """Return what is wrong at a path in the body of a request, as the wire has it."""
    return {"type": kind, "loc": ["body", *path], "msg": message}


def unfit_body(kind: str, message: str, *path: int | str) -> RefusalError:
    """Return the refusal of a body with one problem."""
    return RefusalError(422, [body_problem(kind, message, *path)])


def _too_many(what: str) -> RefusalError:
    return RefusalError(429, f"too many {what} at once (concurrency limit)", retry_after=5.0)


class ConflictError(CharactersError):
    """A question to the service: does the live connection in `room` still answer?"""

    def __init__(self, room: Room) -> None:
        super().__init__("the session is live elsewhere")
        self.room = room


@dataclass(frozen=True, slots=True)
class Limits:
    """What the registry holds at most, and for how long (seconds)."""

    session_ttl: float = 30 * 86400.0
    saved_ttl: float = 365 * 86400.0  # of a session that was made for a save slot
    max_room_ttl: float = 3600.0
    default_room_ttl: float = 60.0
    token_ttl: float = 15.0
    silent_after: float = 1.4  # a client pings once a second
    enter_within: float = 3.0  # later, a room that nobody entered makes way for another
    agent_linger: float = 10.0  # that an agent stays in a room without its player
    max_sessions: int = 10_000
    max_shared: int = 1_000_000  # by a store of several nodes
    max_saved: int = 2_000  # of one player, in the whole store
    max_rooms: int = 256
    max_unentered: int = 128  # more that nobody has entered yet are of a client that never will

    @property
    def of_one_player(self) -> int:
        """How many rooms one player has at most: half of all, and as many as a level needs."""
        return max(64, self.max_rooms // 2)


@dataclass(slots=True)
class ServiceSession:
    """One conversation with a character; what was said is in the store."""

    session_id: str
    character_id: str
    end_user_id: str | None
    used_at: float
    was_entered: bool = True  # by a connection; one that never was makes way first
    is_lasting: bool = False  # whether what it learns of the player is known in others, too
    more_away: float = 0.0  # seconds before `used_at`, by the wall clock: nothing ends by those
    is_saved: bool = False  # for a save slot, which may be loaded late
    epoch: int = 1  # of its owner, where several nodes share a store
    is_stored: bool = False


@dataclass(slots=True)
class Room:
    """A place where one session is live, or was until `left_at`."""

    name: str
    session: ServiceSession
    ttl: float
    resumed: str  # "fresh" or "resumed": how the room began
    last_seen_seconds: float | None
    left_at: float
    agent: bool = True
    persona: str | None = None
    is_closing: bool = False  # its session was ended: it cannot be rejoined
    live_id: str | None = None
    was_entered: bool = False
    heard_at: float = 0.0
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict)  # -> live id, valid until
    # Ids of its last connections, granted and entered: a client that knows one was in before.
    issued: deque[str] = field(default_factory=partial(deque, maxlen=MAX_ISSUED))
    address: str | None = None  # it was granted to, if nobody knows whose it is

    def is_over(self, now: float) -> bool:
        """Tell whether it is empty, no token is valid, and the time to rejoin has passed.

        A room that nobody entered is kept for its token alone.
        """
        waiting = any(now < until for _, until in self.tokens.values())
        ttl = self.ttl if self.was_entered else 0.0
        return self.live_id is None and not waiting and now >= self.left_at + ttl


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to enter `room` with `token`, once; `closed` rooms are replaced by it."""

    room: Room
    token: str
    live_id: str
    is_new: bool
    closed: tuple[Room, ...] = ()


@dataclass(frozen=True, slots=True)
class Expired:
    """Sessions and rooms whose time is over."""

    sessions: tuple[ServiceSession, ...]
    rooms: tuple[Room, ...]


class Registry:
    """All sessions and rooms of one service, or those of one node of several.

    The names of rooms begin with `room_prefix`.
    """

    def __init__(
        self, new_id: Callable[[], str], limits: Limits | None = None, room_prefix: str = ""
    ) -> None:
        self._new_id = new_id
        self._room_prefix = room_prefix
        self._limits = limits or Limits()
        self._sessions: dict[str, ServiceSession] = {}
        self._rooms: dict[str, Room] = {}
        self._ended: dict[str, None] = {}  # ids of expired sessions, oldest first

    @property
    def sessions(self) -> tuple[ServiceSession, ...]:
        """The sessions as they are now."""
        return tuple(self._sessions.values())

    @property
    def rooms(self) -> tuple[Room, ...]:
        """The rooms as they are now."""
        return tuple(self._rooms.values())

    def __len__(self) -> int:
        return len(self._sessions)

    def restore(self, sessions: Iterable[ServiceSession], ended: Iterable[str] = ()) -> None:
        """Add the sessions of the store."""
        self._sessions.update((item.session_id, item) for item in sessions)
        self._ended.update(dict.fromkeys(ended))

    def session(self, session_id: str) -> ServiceSession | None:
        """Return the session of that id, if it lives."""
        return self._sessions.get(session_id)

    def room(self, name: str) -> Room | None:
        """Return the room of that name, if it lives."""
        return self._rooms.get(name)

    # --- connecting ----------------------------------------------------------------------

    def connect(
        self,
        request: ConnectRequest,
        now: float,
        dead: str | None = None,
        address: str | None = None,
    ) -> Grant:
        """Grant a room; `dead` names a live connection that is known to be gone.

        `address` is where somebody asks whom nobody knows. Raises RefusalError, or ConflictError
        when a live connection stands in the way.
        """
        if request.mode == "join":
            return self._join(request, now, dead)
        return self._create(request, now, dead, address)

    def _join(self, request: ConnectRequest, now: float, dead: str | None) -> Grant:
        room = self._rooms.get(request.room_name or "")
        if room is None or room.is_closing or room.is_over(now) or not _belongs(request, room):
            raise RefusalError(404, "room not found")
        if room.persona != request.persona:  # another character is in there
            raise RefusalError(404, "room not found")
        self._clear_way(request, room, now, dead)
        alone_since = room.left_at if room.live_id is None else room.heard_at
        stayed = room.agent and now - alone_since < self._limits.agent_linger
        room.agent = stayed or request.spawn_agent
        room.ttl = self._room_ttl(request)
        return self._grant(room, now, is_new=False)

    def _create(
        self, request: ConnectRequest, now: float, dead: str | None, address: str | None
    ) -> Grant:
        session = self._resumed(request, now)
        closed = [room for room in self._rooms.values() if room.session is session]
        for room in closed:
            self._clear_way(request, room, now, dead)
        others = [room for room in self._rooms.values() if room.session is not session]
        own = [room for room in others if room.session.end_user_id == request.end_user_id]
        if address is not None and _people_at(address, others) >= self._limits.of_one_player:
            raise _too_many("rooms of one address")
        if request.end_user_id is not None and len(own) >= self._limits.of_one_player:
            closed.append(self._emptiest(own, now, "rooms of one player"))
        elif len(others) >= self._limits.max_rooms:
            closed.append(self._emptiest(others, now, "rooms"))
        for room in closed:
            self._rooms.pop(room.name, None)
        away = None if session is None else max(0.0, now - session.used_at) + session.more_away
        room = self._new_room(request, session or self._new_session(request, now), away, now)
        room.address = address
        return self._grant(room, now, is_new=True, closed=tuple(closed))

    def _emptiest(self, rooms: Iterable[Room], now: float, what: str) -> Room:
        """Return the room that is missed least: never entered, or empty for the longest time.

        So a client that asks for rooms and does not enter them keeps nobody out. Raises
        RefusalError 429 when there is somebody in every room, or will be at any moment.
        """
        nobody_in = [room for room in rooms if room.live_id is None]
        is_flood = sum(not room.was_entered for room in nobody_in) > self._limits.max_unentered
        long_ago = now - (0.0 if is_flood else self._limits.enter_within)
        empty = (room for room in nobody_in if room.was_entered or room.left_at <= long_ago)
        found = min(empty, key=lambda room: (room.was_entered, room.left_at), default=None)
        if found is None:
            raise _too_many(what)
        return found

    def _resumed(self, request: ConnectRequest, now: float) -> ServiceSession | None:
        if request.character_session_id is None:
            return None
        session = self._sessions.get(request.character_session_id)
        if (
            session is not None
            and self._expired([session], now)
            and all(room.session is not session for room in self._rooms.values())
        ):
            self._end(session)
            session = None
        if session is None and request.character_session_id in self._ended:
            raise RefusalError(404, "session expired")
        # A client does not learn whether it is another player's: the same answer.
        if session is None or not _owns(request, session):
            raise RefusalError(404, "session not found")
        return session

    def _clear_way(self, request: ConnectRequest, room: Room, now: float, dead: str | None) -> None:
        if room.live_id is None or room.live_id in (request.live_id, dead) or request.takeover:
            return
        if now - room.heard_at > self._limits.silent_after:
            return
        raise ConflictError(room)

    def _new_session(self, request: ConnectRequest, now: float) -> ServiceSession:
        session = ServiceSession(
            self._new_id(), request.character_id, request.end_user_id, now, was_entered=False
        )
        self._sessions[session.session_id] = session
        return session

    def _new_room(
        self, request: ConnectRequest, session: ServiceSession, away: float | None, now: float
    ) -> Room:
        session.used_at, session.more_away = now, 0.0
        room = Room(
            name=f"{self._room_prefix}{self._new_id()}",
            session=session,
            ttl=self._room_ttl(request),
            resumed="fresh" if away is None else "resumed",
            last_seen_seconds=away,
            left_at=now,
            agent=request.spawn_agent,
            persona=request.persona,
        )
        self._rooms[room.name] = room
        return room

    def _room_ttl(self, request: ConnectRequest) -> float:
        requested = request.room_rejoin_ttl_seconds
        return min(
            self._limits.default_room_ttl if requested is None else requested,
            self._limits.max_room_ttl,
        )

    def _grant(
        self, room: Room, now: float, *, is_new: bool, closed: tuple[Room, ...] = ()
    ) -> Grant:
        token, live_id = self._new_id(), self._new_id()
        # One token at a time: the one before is not valid any more.
        room.tokens = {token: (live_id, now + self._limits.token_ttl)}
        room.issued.append(live_id)
        return Grant(room, token, live_id, is_new, closed)

    def branch(self, session: ServiceSession, now: float, *, is_saved: bool) -> ServiceSession:
        """Return a session that shares the past of another; `add` it when it is durable."""
        session.used_at, session.more_away = now, 0.0
        return ServiceSession(
            self._new_id(), session.character_id, session.end_user_id, now, was_entered=False,
            is_saved=is_saved,
        )  # fmt: skip

    def add(self, session: ServiceSession) -> None:
        """Add a session that a branch has made, or that was another node's."""
        self._sessions[session.session_id] = session

    def drop(self, session_id: str) -> tuple[Room, ...]:
        """Take out a session that is another node's now; return its rooms, which are closed."""
        self._sessions.pop(session_id, None)
        rooms = tuple(r for r in self._rooms.values() if r.session.session_id == session_id)
        for room in rooms:
            self.close_room(room)
        return rooms

    def idle(self) -> tuple[ServiceSession, ...]:
        """Return the sessions without a room."""
        used = {room.session.session_id for room in self._rooms.values()}
        return tuple(it for it in self._sessions.values() if it.session_id not in used)

    # --- in the room ---------------------------------------------------------------------

    def enter(self, room_name: str, token: str, now: float) -> tuple[Room, str]:
        """Spend a token; return the room and the id of the connection. Raises RefusalError."""
        room = self._rooms.get(room_name)
        if room is None:
            raise RefusalError(404, "room not found")
        live_id, until = room.tokens.pop(token, ("", now))
        if now >= until:
            raise RefusalError(403, _INVALID_TOKEN)
        room.live_id = live_id
        room.was_entered = room.session.was_entered = True
        room.issued.append(live_id)
        self.heard(room, now)
        return room, live_id

    def heard(self, room: Room, now: float) -> None:
        """Note a sign of life of the live connection."""
        room.heard_at = now
        room.session.used_at = now

    def leave(self, room: Room, live_id: str, now: float) -> None:
        """Note that a connection ended; one that was replaced before is ignored."""
        if room.live_id == live_id:
            room.live_id = None
            room.left_at = now
            room.session.used_at = now

    def close_room(self, room: Room) -> None:
        """End a room at once; its session stays."""
        if self._rooms.get(room.name) is room:
            del self._rooms[room.name]

    # --- ends ----------------------------------------------------------------------------

    def expire(self, now: float) -> Expired:
        """End what is over; to be called now and then."""
        rooms = tuple(room for room in self._rooms.values() if room.is_over(now))
        for room in rooms:
            self.close_room(room)
        in_use = {room.session.session_id for room in self._rooms.values()}
        quiet = [s for key, s in self._sessions.items() if key not in in_use]
        old = self._expired(quiet, now)
        spare = len(self._sessions) - len(old) - self._limits.max_sessions
        if spare > 0:
            ended = {session.session_id for session in old}
            left = [session for session in quiet if session.session_id not in ended]
            # Some more than it must be, so that they need not be sorted again with the next one.
            old += _by_worth(left)[: max(spare, self._limits.max_sessions // 100)]
        for session in old:
            self._end(session)
        return Expired(tuple(old), rooms)

    def _expired(self, sessions: list[ServiceSession], now: float) -> list[ServiceSession]:
        ttl, saved = self._limits.session_ttl, self._limits.saved_ttl
        return [s for s in sessions if now - s.used_at >= (saved if s.is_saved else ttl)]

    def remove(self, session_id: str) -> bool:
        """Expire one session; a live conversation goes on, but cannot be resumed."""
        session = self._sessions.get(session_id)
        if session is None:
            return False
        self._end(session)
        for room in self._rooms.values():
            if room.session is session:
                room.is_closing, room.ttl = True, 0.0
        return True

    def forget(self, end_user_id: str) -> tuple[tuple[ServiceSession, ...], tuple[Room, ...]]:
        """Remove every session of a player; return them and their rooms, which are closed."""
        sessions = tuple(s for s in self._sessions.values() if s.end_user_id == end_user_id)
        rooms = tuple(r for r in self._rooms.values() if r.session.end_user_id == end_user_id)
        for room in rooms:
            self.close_room(room)
        for session in sessions:
            self._end(session)
        return sessions, rooms

    def _end(self, session: ServiceSession) -> None:
        self._sessions.pop(session.session_id, None)
        self._ended[session.session_id] = None
        while len(self._ended) > self._limits.max_sessions:
            del self._ended[next(iter(self._ended))]


def _people_at(address: str, rooms: Iterable[Room]) -> int:
    """Return in how many rooms somebody is from an address; the others make way."""
    return sum(room.address == address and room.live_id is not None for room in rooms)


def _by_worth(sessions: Iterable[ServiceSession]) -> list[ServiceSession]:
    """Return sessions by how much they are missed, the least first.

    That are those that nobody entered; then those of the player with the most, so that one client
    costs nobody else a session.
    """
    last_first = sorted(sessions, key=lambda it: (it.is_saved, it.used_at), reverse=True)
    count: Counter[str | None] = Counter()
    worth = {}
    for it in last_first:
        count[it.end_user_id] += 1
        worth[it.session_id] = it.was_entered or it.is_saved, -count[it.end_user_id], it.used_at
    return sorted(last_first, key=lambda it: worth[it.session_id])


def _owns(request: ConnectRequest, session: ServiceSession) -> bool:
    return (
        request.character_session_id == session.session_id
        and request.character_id == session.character_id
        and request.end_user_id == session.end_user_id
    )


def _belongs(request: ConnectRequest, room: Room) -> bool:
    """Tell whether a room is the client's: by the session's id, or by a connection it had there.

    A client that never sends a session id (ALWAYS_FRESH) still knows its connection.
    """
    if request.character_session_id is None and request.live_id in room.issued:
        request = replace(request, character_session_id=room.session.session_id)
    return _owns(request, room.session)


class SpeakingQueue:
    """Lets the characters of one player speak one at a time, in the order in which they request."""

    def __init__(self) -> None:
        self._speaker: object | None = None
        self._waiting: deque[tuple[object, Callable[[], object]]] = deque()

    @property
    def is_free(self) -> bool:
        """Whether no character speaks or waits."""
        return self._speaker is None

    def request(self, speaker: object, begin: Callable[[], object]) -> None:
        """Call `begin` now, or when the speakers before have released the queue."""
        if self._speaker is None:
            self._speaker = speaker
            begin()
        else:
            self._waiting.append((speaker, begin))

    def release(self, speaker: object) -> None:
        """Let the next speaker begin; one that still waits leaves the queue."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] is not speaker)
        if self._speaker is speaker:
            self._speaker = None
            if self._waiting:
                self.request(*self._waiting.popleft())


class SpeakingQueues:
    """The speaking queues of a service, by player."""

    def __init__(self) -> None:
        self._queues: dict[str, SpeakingQueue] = {}

    def of(self, end_user_id: str | None) -> SpeakingQueue:
        """Return the queue of a player; one without an id meets each character alone."""
        if end_user_id is None:
            return SpeakingQueue()
        for free in [player for player, queue in self._queues.items() if queue.is_free]:
            del self._queues[free]
        return self._queues.setdefault(end_user_id, SpeakingQueue())
