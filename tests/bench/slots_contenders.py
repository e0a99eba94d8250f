"""Save slots with the real runtime, and a service process whose store has a long past."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from itertools import cycle
from pathlib import Path
from time import perf_counter

from characters.client.config import SessionConfig
from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.components.slots import SaveSlots
from characters.service.effects import BeginExchange, Entry, PersistEntry
from characters.service.store import SessionStore, StoredSession, database_of
from characters.session.conversation import SessionRecord, SessionState
from characters.storage.sessions import KeyValueSessionPersistence
from engine.prefs.prefs import PlayerPrefs
from tests.running import running_service

__all__: list[str] = []

KEYS = tuple(f"patient-{nth}" for nth in range(5))
PATIENT, PLAYER, EXCHANGES = "patient-7f3a", "ada", 1_000
OF_A_ROUND = 10
FRAME_SECONDS = 1 / 240


def session_of(key: str, *, is_saved: bool = False) -> StoredSession:
    return StoredSession(key, PATIENT, PLAYER, time.time(), is_saved=is_saved)


def talk(store: SessionStore, session_id: str, exchanges: int) -> None:
    """Write a past; what is known at its end is as much as it was in the middle."""
    memory = {"facts": {f"fact{n}": "something that was said" for n in range(12)}}
    for first in range(0, exchanges, 100):
        entries: list[Entry] = []
        for nth in range(first, min(first + 100, exchanges)):
            memory["facts"][f"fact{nth % 12}"] = f"something of line {nth:04}"
            entries += [
                BeginExchange({"facts": dict(memory["facts"])}),
                PersistEntry("player", f"This is what I say in line {nth}.", f"m{nth}"),
                PersistEntry("character", f"And this is what is answered to it, number {nth}."),
            ]
        store.save(session_of(session_id), memory, entries, time.time())


def growth(folder: Path, exchanges: int) -> Iterator[list[float]]:
    """Yield by how many bytes the file has grown for each of 100 slots."""
    path = folder / "sessions.sqlite3"
    with closing(SessionStore(path)) as store:
        for key in KEYS:
            talk(store, key, exchanges)
    before = path.stat().st_size
    with closing(SessionStore(path)) as store:
        for nth in range(100):
            for key in KEYS:
                store.branch(key, session_of(f"{key}-{nth}", is_saved=True))
    grown = (path.stat().st_size - before) / 100
    while True:
        yield [grown]


class Table:
    """A game with five characters, who go on in their stored sessions."""

    def __init__(self, runtime: Runtime, prefs: PlayerPrefs) -> None:
        self.runtime, self.slots = runtime, SaveSlots(runtime, prefs)
        self.people: list[SessionHandle] = []

    def sit_down(self) -> None:
        for key in KEYS:
            config = SessionConfig(PATIENT, session_key=key, end_user_id=PLAYER)
            self.people.append(self.runtime.open_session(config))
        self._connect()

    def resume(self) -> float:
        """Return how long it takes to end all connections and to be back."""
        begin = perf_counter()
        for one in self.people:
            one.disconnect()
        self._until(lambda: self._all_are(SessionState.DISCONNECTED))
        self._connect()
        return perf_counter() - begin

    def load(self, name: str) -> float:
        """Return how long it takes until everybody is back where he was saved."""
        begin = perf_counter()
        work = self.slots.load(name)
        self._until(lambda: work.done() and self._all_are(SessionState.CONNECTED))
        assert work.result().fresh == ()
        return perf_counter() - begin

    def save(self, name: str) -> tuple[float, float]:
        """Return the processor's time of a save on the network thread, and of the frame."""
        before, begin = self._network_time(), time.thread_time()
        work = self.slots.save(name)
        of_frame = time.thread_time() - begin
        self._until(work.done)
        assert work.result().fresh == ()
        return self._network_time() - before, of_frame

    def _network_time(self) -> float:
        async def now() -> float:
            return time.thread_time()

        found: Future[float] = self.runtime.network.submit(now())
        return found.result(30.0)

    def _connect(self) -> None:
        for one in self.people:
            one.connect()
        self._until(lambda: self._all_are(SessionState.CONNECTED))

    def _all_are(self, state: SessionState) -> bool:
        return all(one.view.state is state for one in self.people)

    def _until(self, condition: Callable[[], object]) -> None:
        end = perf_counter() + 60.0
        while not condition():
            assert perf_counter() < end
            self.runtime.update()
            time.sleep(FRAME_SECONDS)


def times(folder: Path, slots: int) -> Iterator[list[list[float]]]:
    """Yield the seconds of resumes, of loads, and of saves on two threads."""
    data, names = folder / "service", [f"slot{nth}" for nth in range(slots)]
    with closing(SessionStore(database_of(folder))) as store:
        for key in KEYS:
            talk(store, key, EXCHANGES)
    with (
        running_service(data) as service,
        PlayerPrefs.open(folder / "prefs.msgpack") as prefs,
    ):
        persistence = KeyValueSessionPersistence(prefs)
        for key in KEYS:
            persistence.store(key, SessionRecord(key, "local"))
        builder = RuntimeBuilder().use_persistence(persistence)
        runtime = builder.use_endpoint_url(lambda name: service.url).build()
        table = Table(runtime, prefs)
        try:
            table.sit_down()
            for name in names:
                table.save(name)
            yield [[], [], [], []]
            turn = cycle(names)
            while True:
                resumed = [table.resume() for _ in range(OF_A_ROUND)]
                loaded = [table.load(next(turn)) for _ in range(OF_A_ROUND)]
                saved = [table.save(next(turn)) for _ in range(OF_A_ROUND)]
                yield [resumed, loaded, [it[0] for it in saved], [it[1] for it in saved]]
        finally:
            runtime.close()
