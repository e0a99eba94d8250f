"""`memory`: list, correct and forget what the characters know of their players.

A running service is asked where the player has a session, so that a talk that goes on at this
moment knows of it; else the embedded service's database is changed.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from operator import methodcaller
from pathlib import Path
from typing import NamedTuple, TextIO

from characters.commands.sessions import NO_KEYS, ServiceKeys, ask_service, forget_at, open_store
from characters.service.endpoint_file import Running, running_at
from characters.service.memory import MOST_VALUE, Pair, is_value
from characters.service.store import SessionStore, database_of
from characters.storage.slots import SlotStore
from characters.transport.base import GONE, KeepingTransport, TransportError
from engine.prefs.prefs import PlayerPrefs, PrefsError
from engine.toml.diagnostics import did_you_mean

__all__ = ["correct", "forget", "list_facts"]

NOTHING = "Nothing is known of anybody."


def list_facts(data: Path, player: str | None, character: str | None, out: TextIO) -> None:
    """Print what is known, each fact with the day on which it was learnt. Raises LookupError."""
    with open_store(data) as store:
        rows = [
            (pair.character_id, pair.end_user_id, fact)
            for pair in _pairs(store, player, character)
            for fact in store.facts(pair)
        ]
    if not rows:
        print(NOTHING, file=out)
    for character_id, player_id, fact in rows:
        since = "in one talk" if fact.learnt_at is None else f"since {_day(fact.learnt_at)}"
        more = f"{since}, pinned" if fact.is_pinned else since
        print(f"{character_id}  {player_id}  {fact.key}: {fact.value}  ({more})", file=out)


def correct(
    data: Path,
    player: str | None,
    character: str | None,
    key: str | None,
    value: str | None,
    keys: ServiceKeys = NO_KEYS,
) -> int:
    """Write another value; return for how many players. Raises LookupError, ValueError, OSError."""
    if not (character and key and value):
        raise ValueError("Say of whom, what, and how it is: memory correct CHARACTER KEY VALUE.")
    if not is_value(text := value.strip()):
        raise ValueError(f"A value has 1 to {MOST_VALUE} characters, all of them printable.")
    count = 0
    with open_store(data) as store:
        for pair in _pairs(store, player, character):
            live = _running(data, store, pair)
            if live is None:
                count += store.correct(pair, key, text, time.time())
            else:
                ask = methodcaller("correct", live.session_id, key, text)
                count += _is_done(live.service, ask, keys)
    return count


def forget(
    data: Path,
    player: str | None,
    character: str | None,
    key: str | None,
    keys: ServiceKeys = NO_KEYS,
) -> int:
    """Delete one thing, or all with the talks; return for how many pairs of player and character.

    Raises LookupError, OSError.
    """
    count = 0
    with open_store(data) as store:
        for pair in _pairs(store, player, character):
            live = _running(data, store, pair)
            if key is not None and live is not None:
                ask = methodcaller("forget_fact", live.session_id, key)
                count += _is_done(live.service, ask, keys)
            elif key is not None:
                count += bool(store.forget_fact(pair, key))
            else:
                _forget_all(data, store, pair, keys)
                count += 1
    return count


def _forget_all(data: Path, store: SessionStore, pair: Pair, keys: ServiceKeys) -> None:
    running, ids = running_at(database_of(data).parent), store.sessions_of(pair)
    if running is not None:
        forget_at(running.url, ids, keys._replace(secret=running.secret))
    store.forget_pair(pair, time.time())
    path = data / "prefs.msgpack"
    with suppress(PrefsError):  # a game that runs is told by its service when it loads a slot
        if path.exists():
            with PlayerPrefs.open(path) as prefs:
                slots = SlotStore(prefs)
                slots.forget([mind for mind in slots.minds() if mind.session_id in ids])


class _Live(NamedTuple):
    """A session of the two, at the service that runs on a data folder."""

    service: Running
    session_id: str


def _is_done(
    service: Running, ask: Callable[[KeepingTransport], Awaitable[object]], keys: ServiceKeys
) -> bool:
    """Ask a service; return whether it knew what was meant. Raises OSError."""
    try:
        ask_service(service.url, ask, keys._replace(secret=service.secret))
    except TransportError as error:
        if error.failure.code in GONE:
            return False
        raise OSError(f"The service refused: {error}") from error
    return True


def _running(data: Path, store: SessionStore, pair: Pair) -> _Live | None:
    session_id = next(iter(store.sessions_of(pair)), None)
    service = running_at(database_of(data).parent) if session_id is not None else None
    return None if service is None or session_id is None else _Live(service, session_id)


def _pairs(store: SessionStore, player: str | None, character: str | None) -> list[Pair]:
    pairs = store.pairs()
    found = [
        pair
        for pair in pairs
        if player in (None, pair.end_user_id) and character in (None, pair.character_id)
    ]
    if pairs and not found:
        named = character or player or ""
        hint, _ = did_you_mean(named, {i for p in pairs for i in (p.character_id, p.end_user_id)})
        raise LookupError(f"Nothing is stored for {named!r}." + (f" Try: {hint}" if hint else ""))
    return found


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
