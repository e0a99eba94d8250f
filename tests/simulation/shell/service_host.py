"""The real service as a process of a simulated machine, and the address it listens on."""

from __future__ import annotations

import asyncio
import json
import math
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count, pairwise
from random import Random
from typing import Any, TypeVar

from characters.agents.agent import Agent, Part, Prompt, Silence
from characters.protocol.messages import ConnectRequest
from characters.service.app import grant_body
from characters.service.effects import Entry, PendingReply, PersistEntry
from characters.service.pace import TimingConfig
from characters.service.registry import Limits, RefusalError
from characters.service.requests import read_connect
from characters.service.room_connection import ClientSocket
from characters.service.service import AgentFactory, Service, ServiceSettings
from characters.service.store import SessionStore, StoredSession, Undone
from tests.simulation.agent import Memory, SimulatedAgent, number_of, numbers_of
from tests.simulation.promise import BrokenPromise, promise
from tests.simulation.shell.loop import Process, ShellLoop
from tests.simulation.shell.network import RemoteEnd, SimulatedConnection

__all__ = ["PACE", "ServiceHost", "Ledgers"]

T = TypeVar("T")
PACE = TimingConfig(
    words_per_second=10.0,
    think_seconds=0.2,
    idle_timeout=60.0,
    idle_warning=20.0,
    remark_after=15.0,
)
SETTINGS = ServiceSettings(Limits(session_ttl=240.0), PACE, drain_retry_after=1.0)


@dataclass(frozen=True)
class SavedState:
    """A character at some point: what was said, and its memory, byte for byte."""

    turns: tuple[tuple[str, str], ...]
    memory: str

    @property
    def numbers(self) -> set[int]:
        """The numbers of all lines that are known."""
        said = {number for _, text in self.turns for number in numbers_of(text)}
        return said | {json.loads(self.memory).get("last", 0)} - {0}


class Ledgers(SessionStore):
    """The real store; what it is given to write must keep the promises."""

    def __init__(self) -> None:
        super().__init__(None)
        # (session, number of a line) -> the first word of its answer, once that is durable
        self.decided: dict[tuple[str, int], str] = {}
        self.taken_back: set[tuple[str, int]] = set()  # session, number of a line
        self.typed: Counter[str] = Counter()  # the number of each player's last line
        self.saved: dict[str, SavedState] = {}
        # Of a session what must never be known in it: what was said after the save that it goes
        # on from, and what was taken back.
        self.secrets: dict[str, set[int]] = defaultdict(set)
        # The service takes a promise that breaks in here for a disk that refuses, and goes on.
        self.problem: BrokenPromise | None = None

    def save(
        self,
        session: StoredSession,
        memory: dict[str, Any] | None = None,
        entries: Iterable[Entry] = (),
        at: float = 0.0,
    ) -> None:
        with self._noting():
            self._save(session, memory, tuple(entries), at)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except BrokenPromise as problem:
            self.problem = self.problem or problem
            raise

    def _save(
        self,
        session: StoredSession,
        memory: dict[str, Any] | None,
        entries: tuple[Entry, ...],
        at: float,
    ) -> None:
        owner = session.character_id
        for entry in entries:
            if isinstance(entry, PersistEntry):
                name, _ = number_of(entry.text)
                promise(name == owner, "A word of one's talk was kept in another's.", owner)
            elif isinstance(entry, PendingReply):
                self._decide(session, "".join(map(repr, entry.parts or ())))
        super().save(session, memory, entries, at)
        told = self.told(session.session_id)
        is_ordered = all(before < after for before, after in pairwise(told))
        promise(is_ordered, "A line was kept twice, or out of its order.", owner)
        known = self.state_of(session.session_id).numbers
        leaked = known & self.secrets[session.session_id]
        promise(not leaked, "What must not be known is in the branch's part of the store.", owner)

    def branch(
        self, session_id: str, branch: StoredSession, number: int | None = None, **options: Any
    ) -> int | None:
        shared = super().branch(session_id, branch, number, **options)
        if shared is not None and number is None:
            with self._noting():
                self._check_branch(session_id, branch)
        return shared

    def _check_branch(self, session_id: str, branch: StoredSession) -> None:
        owner, mind = branch.character_id, self.state_of(branch.session_id)
        is_same = mind == self.state_of(session_id)
        promise(is_same, "A branch is not who it was made of.", owner)
        if branch.is_saved:
            self.saved[branch.session_id] = mind
        saved = self.saved.get(session_id, mind)
        promise(saved == mind, "The character at a slot is not the one that was saved.", owner)
        leaked = mind.numbers & self.secrets[session_id]
        promise(not leaked, "A slot knows what must not be known.", owner)
        typed = range(1, self.typed[owner] + 1)
        self.secrets[branch.session_id] = set(typed) - mind.numbers

    def take_back(self, session: StoredSession, at: float) -> Undone | None:
        undone = super().take_back(session, at)
        for line in undone.exchange.lines if undone is not None else ():
            for number in numbers_of(line):
                self.decided.pop((session.session_id, number), None)
                self.taken_back.add((session.session_id, number))
        return undone

    def state_of(self, session_id: str) -> SavedState:
        """Return what was said in a session, and what its character remembers of it."""
        turns = tuple((turn.speaker, turn.text) for turn in self.turns(session_id))
        return SavedState(turns, json.dumps(self.memory(session_id)))

    def _decide(self, session: StoredSession, answer: str) -> None:
        for word in re.findall(r"c\d+:\d+#\d+", answer):
            line = (session.session_id, number_of(word)[1])
            is_once = self.decided.setdefault(line, word) == word
            promise(is_once, "An answer was decided twice.", session.character_id)

    def told(self, session_id: str) -> tuple[int, ...]:
        """Return the numbers of the player's lines, in the order in which they are kept."""
        turns = self.turns(session_id)
        said = [turn.text for turn in turns if turn.speaker == "player"]
        # Lines of one exchange are one where they are answered again.
        return tuple(number for text in said for number in sorted(numbers_of(text)))


class SlowAgent(SimulatedAgent):
    """Takes its time, breaks down at times, and says nothing to silence now and then."""

    player_name = ""

    async def reply(self, prompt: Prompt, context: Mapping[str, Any]) -> AsyncGenerator[Part, None]:
        await asyncio.sleep(self._chance.random() * 0.3)
        part = self.answer(prompt)
        if self._chance.random() < 0.01:
            raise RuntimeError("a agent broke down")
        if not isinstance(prompt, Silence) or self._chance.random() < 0.8:
            yield part

    def note(self, text: str) -> None:
        self.remembers = self.remembers.after(number_of(text)[1])

    def phrases(self) -> Iterable[str]:
        return ()

    mood = None

    def memory(self) -> dict[str, Any]:
        return asdict(self.remembers)


class SlowAgents(AgentFactory):
    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def agent(self, request: ConnectRequest, memory: dict[str, Any]) -> Agent:
        return SlowAgent(request.character_id, Memory(**memory), self._chance)

    def voice(self, request: ConnectRequest) -> None:
        return None


class ServiceHost(RemoteEnd):
    """The machine of the service: its disk outlives its processes."""

    def __init__(self, loop: ShellLoop) -> None:
        self._loop = loop
        self.store = Ledgers()
        self._ids = map("id{}".format, count(1))
        self.process: Process | None = None
        self.service: Service | None = None
        self.removed: set[str] = set()

    def start(self) -> None:
        """Start a process."""
        self.process = Process(self._loop, lambda: sqlite3.OperationalError("disk is full"))
        self.process.start(self._serve())

    async def _serve(self) -> None:
        service = Service(
            SlowAgents(self._loop.random),
            self.store,
            now=self._loop.time,
            wall=lambda: 1_000_000.0 + self._loop.time(),
            new_id=lambda: next(self._ids),
            settings=SETTINGS,
        )
        await service.start()
        self.service = service

    @property
    def door(self) -> ServiceHost | None:
        """Whoever answers now."""
        return None if self.service is None else self

    def kill(self) -> None:
        """Kill the process."""
        if self.process is not None:
            self.process.kill()
        self.process = self.service = None

    async def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the service do something; it dies with the service."""
        assert self.process is not None  # somebody answered the door
        task = self.process.start(work)
        try:
            # Whoever asks may go away; what he asked for is done all the same.
            await asyncio.wait((task,))
            return task.result()
        except asyncio.CancelledError:
            if task.cancelled():
                raise ConnectionResetError("the service died") from None
            raise

    async def post(self, path: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        return await self._ask(self._answer(path, body))

    async def _answer(self, path: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        service = self.service
        assert service is not None
        try:
            if path == "connect":
                ask = read_connect(body)
                answer: Any = grant_body(await service.connect(ask), ask, "ws://simulated")
            else:
                answer = await self._branch(service, path.split("/")[1], json.loads(body))
        except RefusalError as refusal:
            after = refusal.retry_after
            headers = {} if after is None else {"Retry-After": str(math.ceil(after))}
            return refusal.status, headers, json.dumps({"detail": refusal.detail}).encode()
        except sqlite3.OperationalError:
            return 500, {}, b'{"detail": "the service failed"}'
        except BrokenPromise:  # the ledgers have noted it
            return 500, {}, b'{"detail": "a promise was broken"}'
        return 200, {}, json.dumps(answer).encode()

    async def _branch(
        self, service: Service, session_id: str, ask: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Make a branch, as the address for it does."""
        session = service.registry.session(session_id)
        if session is None:
            raise RefusalError(404, "session not found")
        branch, shared = await service.branch(
            session, ask["at"], ask["heard"], is_saved=ask["save"]
        )
        turns = await service.turns(branch.session_id)
        said = turns[-ask["turns"] :] if ask["turns"] else ()
        return {
            "character_session_id": branch.session_id,
            "at": shared,
            "turns": [{"speaker": turn.speaker, "text": turn.text} for turn in said],
        }

    async def enter(self, room_name: str, token: str, cable: SimulatedConnection) -> int:
        service, process = self.service, self.process
        assert service is not None and process is not None
        try:
            room, live_id = service.registry.enter(room_name, token, service.now())
            live = service.live_room(room)
        except RefusalError as refusal:
            return refusal.status
        if live is None:
            return 404
        if live.connection.socket is not None:
            live.connection.socket.bye("taken-over")
        wire: Any = cable.service
        socket = ClientSocket(wire, wire)

        async def stay() -> None:
            try:
                await service.serve(live, live_id, socket)
            finally:
                service.registry.leave(room, live_id, service.now())

        process.start(stay())
        return 101

    def check(self) -> None:
        """In calm weather no room lives on that nobody can enter, and none that is over."""
        service = self.service
        assert service is not None
        rooms, now = service.registry.rooms, service.now()
        is_known = set(service._live_rooms) <= {room.name for room in rooms}
        promise(is_known, "A room lives on that nobody can enter.")
        late = now - 10 * SETTINGS.sweep_every
        promise(not any(room.is_over(late) for room in rooms), "A room that is over lives on.")

    def keeps(self, session_id: str) -> bool:
        """Return whether what is said in a session has to be kept."""
        is_alive = self.service is not None and self.service.registry.session(session_id)
        return bool(is_alive) and session_id not in self.removed

    def remove(self, session_id: str, *, keeps_memory: bool = False) -> None:
        """Let somebody delete a session, with its branches unless it `keeps_memory`."""
        self.removed.add(session_id)
        if self.service is not None and self.process is not None:
            self.process.start(self._remove(self.service, session_id, keeps_memory))

    async def _remove(self, service: Service, session_id: str, keeps_memory: bool) -> None:
        with suppress(sqlite3.OperationalError):  # the door answers 500
            await service.remove(session_id, keeps_memory=keeps_memory)
