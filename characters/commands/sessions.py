"""`sessions`: list, show, clear and forget the stored conversations of the characters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from operator import methodcaller
from pathlib import Path
from typing import NamedTuple, TextIO, TypeVar

from characters.client.context import answer_in_time
from characters.protocol.codec import shorten_id
from characters.service.database import named_errors
from characters.service.endpoint_file import running_at
from characters.service.store import SessionStore, database_of
from characters.session.conversation import SessionRecord
from characters.storage.sessions import KeyValueSessionPersistence, SessionPersistence
from characters.transport.base import GONE, KeepingTransport, TransportError
from characters.transport.websocket import WebSocketTransport
from engine.prefs.prefs import PlayerPrefs
from engine.toml.diagnostics import did_you_mean

__all__ = [
    "ask_service", "clear", "forget_at", "forget_at_home", "list_sessions", "NO_KEYS",
    "open_persistence", "open_store", "print_rows", "ServiceKeys", "show_all",
]  # fmt: skip

T = TypeVar("T")

NOTHING = "No sessions are stored."


def open_persistence(data: Path, *, read_only: bool) -> tuple[PlayerPrefs, SessionPersistence]:
    """Open the sessions of a data folder; close the prefs after use. Raises PrefsLockedError."""
    prefs = PlayerPrefs.open(data / "prefs.msgpack", read_only=read_only)
    return prefs, KeyValueSessionPersistence(prefs)


@contextmanager
def open_store(data: Path) -> Iterator[SessionStore]:
    """Open what the embedded service keeps in a data folder, empty if it keeps nothing.

    Raises OSError for a database that cannot be used.
    """
    path = database_of(data)
    with named_errors(path), closing(SessionStore(path if path.exists() else None)) as store:
        yield store


def list_sessions(persistence: SessionPersistence, out: TextIO, now: float) -> None:
    """Print a line for each stored session."""
    records = persistence.all()
    if not records:
        print(NOTHING, file=out)
        return
    width = max(map(len, records))
    for key, record in sorted(records.items()):
        saved = _age(record.saved_at, now)
        refused = "  refused" if record.is_refused else ""
        print(f"{key:<{width}}  {shorten_id(record.session_id)}  saved {saved}{refused}", file=out)


def print_rows(rows: Mapping[str, str | None], out: TextIO) -> None:
    """Print a line for each value that there is, behind its name."""
    width = max(map(len, rows))
    for name, value in rows.items():
        if value:
            print(f"{name:<{width}}  {value}", file=out)


def show(
    persistence: SessionPersistence, key: str, out: TextIO, now: float, data: Path | None = None
) -> None:
    """Print everything stored of one session, here and below `data`. Raises LookupError."""
    print_rows(_rows(key, _record(persistence, key), now, data), out)


def _rows(key: str, record: SessionRecord, now: float, data: Path | None) -> dict[str, str | None]:
    return {
        "character": key,
        "session": shorten_id(record.session_id),
        "endpoint": record.endpoint_id or "any",
        "room": record.room_name and shorten_id(record.room_name),
        "saved": _age(record.saved_at, now),
        "dropped": None if record.dropped_at is None else _age(record.dropped_at, now),
        "model": None if data is None else _tokens(data, record.session_id),
        "refused": "kept by always_resume until it is cleared" if record.is_refused else None,
    }


def _tokens(data: Path, session_id: str) -> str | None:
    """Return what a language model has used in a session of the embedded service."""
    with open_store(data) as store:
        usage = store.memory(session_id).get("usage")
    if not isinstance(usage, dict) or not usage.get("answers"):
        return None
    tokens = f"tokens {usage.get('tokens_in', 0)} in, {usage.get('tokens_out', 0)} out"
    return f"{usage['answers']} answers, {tokens}"


def show_all(
    persistence: SessionPersistence,
    keys: Iterable[str],
    out: TextIO,
    now: float,
    data: Path | None = None,
) -> None:
    """Print everything stored of the sessions; without keys, of all. Raises LookupError."""
    names = list(keys) or list(persistence.all())
    for key in names:
        show(persistence, key, out, now, data)
    if not names:
        print(NOTHING, file=out)


def clear(persistence: SessionPersistence, keys: Iterable[str]) -> int:
    """Clear the sessions; without keys, all. Return how many. Raises LookupError."""
    names = list(keys)
    for key in names:
        _record(persistence, key)
    names = names or list(persistence.all())
    for key in names:
        persistence.clear(key)
    return len(names)


class ServiceKeys(NamedTuple):
    """What a service may demand: a game's key, and an administrator's; what it has to prove."""

    api_key: str | None = None
    admin_key: str | None = None
    secret: str | None = None


NO_KEYS = ServiceKeys()


def ask_service(
    endpoint: str, ask: Callable[[KeepingTransport], Awaitable[T]], keys: ServiceKeys = NO_KEYS
) -> T:
    """Return what the service at a URL answers; waits for it. Raises TransportError."""

    async def run() -> T:
        transport = WebSocketTransport(endpoint, **keys._asdict())
        try:
            return await answer_in_time(ask(transport))
        finally:
            await transport.close()

    return asyncio.run(run())


def forget_at(endpoint: str, session_ids: Iterable[str], keys: ServiceKeys = NO_KEYS) -> None:
    """Let a service delete the sessions. Raises OSError when it does not."""
    for session_id in session_ids:
        try:
            ask_service(endpoint, methodcaller("forget", session_id), keys)
        except TransportError as error:
            if error.failure.code not in GONE:  # else it is forgotten already
                raise OSError(f"{endpoint} did not forget: {error}") from error


def forget_at_home(data: Path, session_ids: Iterable[str] | None) -> int:
    """Delete sessions, or all if None, from the embedded service; return how many there were.

    A running service is asked; else they are deleted from its database. Raises OSError.
    """
    path = database_of(data)
    if not path.exists():
        return 0
    with open_store(data) as store:
        known, wanted = store.load().sessions, None if session_ids is None else set(session_ids)
        gone = [s for s in known if wanted is None or s.session_id in wanted]
        running = running_at(path.parent)
        if running is not None:
            ids = [session.session_id for session in gone]
            forget_at(running.url, ids, ServiceKeys(secret=running.secret))
        else:
            for session in gone:
                player = session.end_user_id or ""
                store.forget([session.session_id], time.time(), player, session.character_id)
    if session_ids is None and running is None:
        for file in path.parent.glob(f"{path.name}*"):  # with copies put aside as damaged
            file.unlink()
    return len(gone)


def _record(persistence: SessionPersistence, key: str) -> SessionRecord:
    record = persistence.load(key)
    if record is None:
        hint, _ = did_you_mean(key, persistence.all())
        raise LookupError(f"No session is stored for {key!r}." + (f" Try: {hint}" if hint else ""))
    return record


def _age(then: float | None, now: float) -> str:
    if not then:
        return "at an unknown time"
    seconds = max(0.0, now - then)
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name} ago"
    return f"{seconds:.0f} s ago"
