"""`slots`: list, show and delete the save slots of a game."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from operator import methodcaller
from pathlib import Path
from typing import TextIO

from characters.commands.sessions import ServiceKeys, ask_service, open_store, print_rows
from characters.protocol.codec import shorten_id
from characters.service.endpoint_file import running_at
from characters.service.store import database_of
from characters.storage.slots import Picture, SavedMind, SlotInfo, SlotStore
from characters.transport.base import TransportError
from engine.toml.diagnostics import did_you_mean

__all__ = ["delete_slots", "list_slots", "show_slot"]

NOTHING = "No slot is saved."
_WHY = {
    "": "as it was",
    "new": "had no conversation yet",
    "cannot_branch": "begins afresh: its service keeps nothing",
    "not_reached": "begins afresh: its service did not answer",
    "expired": "begins afresh: its service had forgotten the conversation",
    "elsewhere": "begins afresh: its service is not known",
    "forgotten": "begins afresh: it was told to forget",
}


def list_slots(store: SlotStore, out: TextIO) -> None:
    """Print a line for each slot, the newest first."""
    slots = store.all()
    width = max(map(len, store.names()), default=0)
    for slot in slots:
        what = _unreadable(slot) or f"{_when(slot)}  {slot.level}"
        print(f"{slot.name:<{width}}  {what}", file=out)
    if not slots:
        print(NOTHING, file=out)


def show_slot(store: SlotStore, name: str, out: TextIO) -> None:
    """Print what is in a slot: of the game's values only the names. Raises LookupError."""
    slot = store.info(_known(store, name))
    rows = {
        "slot": slot.name,
        "saved": _unreadable(slot) or _when(slot),
        "played": f"{slot.played_seconds / 60:.0f} min",
        "level": slot.level,
        "picture": _size(store.picture(slot.name)),
        "values": ", ".join(map(str, slot.values)),
    }
    print_rows(rows, out)
    for mind in slot.minds:
        print(f"{mind.name}: {_state(mind)}", file=out)


def _size(picture: Picture | None) -> str | None:
    return None if picture is None else f"{picture.shape[1]} x {picture.shape[0]}"


def delete_slots(store: SlotStore, data: Path, names: Iterable[str]) -> int:
    """Delete slots, and what the embedded service keeps for them; return how many.

    Raises LookupError for a name that no slot has, and PrefsError.
    """
    found = [store.info(_known(store, name)) for name in names]
    for slot in found:
        store.delete(slot.name)
        _forget(data, [it.session_id for it in slot.minds if it.session_id is not None])
    return len(found)


def _forget(data: Path, session_ids: list[str]) -> None:
    running = running_at(database_of(data).parent)
    if running is not None:
        for session_id in session_ids:
            ask = methodcaller("forget", session_id, keeps_memory=True)
            with suppress(TransportError):  # what is not reached ends with its time
                ask_service(running.url, ask, ServiceKeys(secret=running.secret))
    else:
        with open_store(data) as sessions:
            sessions.remove(session_ids, time.time())


def _known(store: SlotStore, name: str) -> str:
    if store.has(name):
        return name
    hint, _ = did_you_mean(name, store.names())
    raise LookupError(f"There is no slot {name!r}." + (f" Try: {hint}" if hint else ""))


def _state(mind: SavedMind) -> str:
    point = f", session {shorten_id(mind.session_id)} up to {mind.at}" if mind.session_id else ""
    return _WHY.get(mind.why_fresh, mind.why_fresh) + point


def _unreadable(slot: SlotInfo) -> str:
    if slot.is_newer:
        return "by a newer version, which alone can read it"
    return "damaged: it cannot be read" if slot.is_damaged else ""


def _when(slot: SlotInfo) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(slot.saved_at))
