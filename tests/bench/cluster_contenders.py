"""What the database of several nodes does: claims, saves and beats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from time import perf_counter

from characters.service.directory import Directory
from characters.service.effects import PersistEntry
from characters.service.postgres import PostgresDatabase, prepare
from characters.service.store import SessionStore, StoredSession
from tests.postgres import running_postgres

__all__: list[str] = []

SPOKEN = "How do you sleep?"
OPERATIONS = 100
MANY = 8  # connections to the database


class Books:
    """A node's connection to the store, and sessions of its own."""

    def __init__(self, url: str, node: str) -> None:
        self.db = PostgresDatabase(url, node)
        prepare(self.db)
        self.directory = Directory(self.db, node, f"http://{node}")
        self.store = SessionStore(None, database=self.db, node=node)
        self.sessions = [
            StoredSession(f"{node}.{number}", "porter", f"{node}.{number}", 0.0)
            for number in range(OPERATIONS)
        ]
        for session in self.sessions:
            self.store.save(session, {"facts": {"name": "Ada"}})

    def claim(self, number: int) -> None:
        self.directory.claim(self.sessions[number].session_id, 1e9, 1e9)

    def save(self, number: int) -> None:
        session = self.sessions[number]
        claimed = StoredSession(session.session_id, "porter", session.end_user_id, 0.0, epoch=1)
        self.store.save(claimed, {"facts": {"name": "Ada"}}, [PersistEntry("player", SPOKEN)], 1.0)

    def beat(self, number: int) -> None:
        self.directory.beat()

    def bare(self, number: int) -> None:
        with self.db:
            self.db.execute("UPDATE sessions SET used_at = ? WHERE session_id = ?",
                            (1.0, self.sessions[number].session_id))  # fmt: skip


# A claim makes the next epoch: what is saved is saved before it.
ACTS = ("bare", "save", "beat", "claim")


def _seconds(books: Books, act: str) -> float:
    """Return how long one of many took."""
    do: Callable[[int], None] = getattr(books, act)
    began = perf_counter()
    for number in range(OPERATIONS):
        do(number)
    return (perf_counter() - began) / OPERATIONS


def _of_a_new_node(url: str, name: str) -> list[float]:
    books = Books(url, name)
    with closing(books.store):
        return [_seconds(books, act) for act in ACTS]


def database(folder: Path) -> Iterator[list[list[float]]]:
    """Yield the seconds of each act, of one connection and of many at once."""
    with running_postgres(is_durable=True) as server, ProcessPoolExecutor(MANY) as pool:
        for turn in range(1_000_000):
            alone = _of_a_new_node(server.fresh(), f"alone{turn}")
            name = partial("node{}.{}".format, turn)
            began = [pool.submit(_of_a_new_node, server.url, name(n)) for n in range(MANY)]
            together = zip(*(it.result() for it in began), strict=True)
            yield [*([it] for it in alone), *([sum(it) / MANY**2] for it in together)]
