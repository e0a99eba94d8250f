"""Save slots in the preferences: a namespace for each, with the game's values and every mind.

`slot.<name>.info` is all of a slot in one value, so that it is written whole or not at all;
`slot.<name>.picture` is its picture. What was said is at the services alone: a slot holds, for each
character, the session that was saved there. A load is noted (`slots.load`) before the first
session is put back, so that one that was cut short is finished at the next start.
"""

from __future__ import annotations

import json
import logging
import zlib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias

import msgpack
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter

from characters.protocol.failures import CharactersError
from characters.session.conversation import SessionRecord
from characters.storage.sessions import SessionPersistence
from engine.prefs.prefs import PlayerPrefs

__all__ = [
    "check_slot_name", "LoadPlan", "LONGEST_NAME", "pack_values", "Picture", "put_back",
    "SavedMind", "SlotError", "SlotInfo", "SlotStore", "SlotValues", "WhyFresh",
]  # fmt: skip

_log = logging.getLogger(__name__)

_PREFIX, _INFO, _PICTURE, _LOAD = "slot.", ".info", ".picture", "slots.load"
_PLAYED, _AUTOSAVE = "slots.played", "slots.autosave"
_VERSION = 1
LONGEST_NAME = 60
MOST_VALUE_BYTES = 512 * 1024
_MOST_SIDE, _MOST_PICTURE_BYTES = 2000, 1000 * 1024  # a setting is at most 1 MB

Picture = NDArray[np.uint8]
"""Height x width x 3."""
SlotValues = Mapping[str, Any]
"""What the game keeps in a slot: texts, numbers, truth values, None, bytes, lists and dicts."""
LoadPlan = Mapping[str, "SessionRecord | None"]
"""What each session is put back to, by its key; None has none."""


class SlotError(CharactersError):
    """A slot cannot be saved, loaded or deleted; the message says why."""


class WhyFresh(StrEnum):
    """Why a character begins afresh when a slot is loaded."""

    NEW = "new"  # it had no conversation then
    CANNOT_BRANCH = "cannot_branch"  # its service keeps no branches
    NOT_REACHED = "not_reached"  # its service did not answer when it was saved
    EXPIRED = "expired"  # its service had forgotten the conversation
    ELSEWHERE = "elsewhere"  # its service is not known in this game any more
    FORGOTTEN = "forgotten"  # it was told to forget the player


@dataclass(frozen=True, slots=True)
class SavedMind:
    """A character as a slot holds it: the session that was saved at its service, and its point."""

    key: str
    label: str = ""
    session_id: str | None = None
    at: int = 0  # the number of the last entry of its log
    endpoint_id: str = ""
    is_here: bool = False  # in the level that was saved
    why_fresh: str = ""

    @property
    def name(self) -> str:
        """What the player calls the character."""
        return self.label or self.key


@dataclass(frozen=True, slots=True)
class SlotInfo:
    """What is in a slot; `saved_at` in wall-clock seconds."""

    name: str
    saved_at: float = 0.0
    played_seconds: float = 0.0
    level: str = ""
    values: SlotValues = field(default_factory=dict)
    minds: tuple[SavedMind, ...] = ()
    is_damaged: bool = False
    """Whether it cannot be read: it can be deleted, or saved over."""
    is_newer: bool = False
    """Whether that is because a newer version has saved it."""

    @property
    def here(self) -> tuple[str, ...]:
        """The names of the characters of its level."""
        return tuple(mind.name for mind in self.minds if mind.is_here)

    @property
    def fresh(self) -> tuple[str, ...]:
        """The names of those who had a conversation, and will begin afresh all the same."""
        lost = (it for it in self.minds if it.why_fresh and it.why_fresh != WhyFresh.NEW)
        return tuple(mind.name for mind in lost)


def check_slot_name(name: str) -> str:
    """Return a slot's name without spaces around it. Raises SlotError for one that is none."""
    name = name.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise SlotError(f"a slot's name has 1 to {LONGEST_NAME} letters, and no line breaks")
    return name


def pack_values(values: SlotValues) -> bytes:
    """Return a game's values as bytes, of this moment. Raises SlotError."""
    try:
        packed: bytes = msgpack.packb(dict(values))
    except (TypeError, ValueError, OverflowError) as problem:
        raise SlotError(
            f"values of this kind cannot be saved ({problem}): use texts, numbers, true and false, "
            "None, bytes, lists and dicts with texts as keys"
        ) from None
    if len(packed) > MOST_VALUE_BYTES:
        raise SlotError(
            f"the values take {len(packed)} bytes, {MOST_VALUE_BYTES} is the most: keep what is "
            "larger in a file, and its name here"
        )
    return packed


class SlotStore:
    """The slots of one game. Writing waits for the disk; any thread may read."""

    def __init__(self, prefs: PlayerPrefs) -> None:
        self._prefs = prefs

    def names(self) -> tuple[str, ...]:
        """Return the names of all slots, in the order of the alphabet."""
        keys = self._prefs.keys(_PREFIX)
        return tuple(sorted({key.removeprefix(_PREFIX).rpartition(".")[0] for key in keys}))

    def all(self) -> tuple[SlotInfo, ...]:
        """Return all slots, the newest first, those that are damaged last."""
        return tuple(sorted(map(self.info, self.names()), key=lambda slot: -slot.saved_at))

    def info(self, name: str) -> SlotInfo:
        """Return what is in a slot; one that cannot be read is damaged."""
        packed = self._prefs.get_bytes(_PREFIX + name + _INFO)
        try:
            row = msgpack.unpackb(packed)
            if type(row[0]) is int and row[0] > _VERSION:
                return SlotInfo(name, is_damaged=True, is_newer=True)
            return _slot_of(name, row)
        except Exception:  # whatever is wrong with these bytes, the other slots live
            _log.error("The slot %r cannot be read (%d bytes).", name, len(packed))
            return SlotInfo(name, is_damaged=True)

    def has(self, name: str) -> bool:
        """Return whether there is a slot of that name."""
        return name in self.names()

    def picture(self, name: str) -> Picture | None:
        """Return the picture of a slot, None if it has none."""
        packed = self._prefs.get_bytes(_PREFIX + name + _PICTURE)
        try:
            height, width, pixels = msgpack.unpackb(packed)
            if not (0 < height <= _MOST_SIDE and 0 < width <= _MOST_SIDE):
                return None
            flat = zlib.decompressobj().decompress(pixels, 3 * height * width + 1)
            return np.frombuffer(flat, np.uint8).reshape(height, width, 3)
        except Exception:  # a slot without its picture is a slot
            return None

    def write(self, info: SlotInfo, values: bytes, picture: Picture | None) -> None:
        """Write a slot, whose values are packed; durable on return. Raises PrefsError."""
        if picture is not None:
            self._prefs.set_bytes(_PREFIX + info.name + _PICTURE, _pack_picture(picture))
        else:
            self._prefs.delete_key(_PREFIX + info.name + _PICTURE)
        self._prefs.set_float(_PLAYED, info.played_seconds)
        # The last of them: with it the slot is there.
        key = _PREFIX + info.name + _INFO
        self._prefs.set_bytes(key, _pack(info, values), durable=True)

    def minds(self) -> tuple[SavedMind, ...]:
        """Return what services keep for any slot."""
        found = (mind for info in self.all() for mind in info.minds)
        return tuple(mind for mind in found if mind.session_id is not None)

    def forget(self, minds: Collection[SavedMind]) -> None:
        """Let go of these minds in every slot; durable on return. Raises PrefsError."""
        for info in self.all():
            if any(mind in minds for mind in info.minds):
                kept = tuple(_forgotten(it) if it in minds else it for it in info.minds)
                packed = _pack(replace(info, minds=kept), pack_values(info.values))
                self._prefs.set_bytes(_PREFIX + info.name + _INFO, packed)
        self._prefs.save()

    def finish_forget(self, session_ids: Collection[str]) -> None:
        """Let go of those that services have still to forget. Raises PrefsError."""
        if session_ids:
            self.forget([mind for mind in self.minds() if mind.session_id in session_ids])

    def delete(self, name: str) -> None:
        """Delete a slot; durable on return. Raises PrefsError."""
        for ending in (_PICTURE, _INFO):
            self._prefs.delete_key(_PREFIX + name + ending)
        self._prefs.save()

    # --- what belongs to all of them ---

    @property
    def played_seconds(self) -> float:
        """How long was played when the game was saved or loaded last."""
        return self._prefs.get_float(_PLAYED)

    @property
    def autosave(self) -> bool | None:
        """Whether the player wants a slot to be saved whenever a level is left; None: not asked."""
        return self._prefs.get_bool(_AUTOSAVE) if self._prefs.has_key(_AUTOSAVE) else None

    @autosave.setter
    def autosave(self, is_wanted: bool) -> None:
        self._prefs.set_bool(_AUTOSAVE, is_wanted)

    # --- loads ---

    def begin_load(self, plan: LoadPlan, played_seconds: float) -> None:
        """Note what is put back from now on; durable on return. Raises PrefsError."""
        rows = {key: None if it is None else asdict(it) for key, it in plan.items()}
        self._prefs.set_float(_PLAYED, played_seconds)
        self._prefs.set_string(_LOAD, json.dumps(rows), durable=True)

    def end_load(self) -> None:
        """Note that everything was put back; durable on return. Raises PrefsError."""
        self._prefs.delete_key(_LOAD, durable=True)

    def finish_load(self, persistence: SessionPersistence) -> None:
        """Put back what a load that was cut short did not come to. Raises PersistenceError.

        A note that is damaged is dropped: no later start could read it either.
        """
        noted = self._prefs.get_string(_LOAD)
        if not noted:
            return
        try:
            plan = _PLAN.validate_json(noted)
        except ValueError:
            _log.error("A load was cut short, and what it came to cannot be read.")
            plan = {}
        for key, record in plan.items():
            put_back(persistence, key, record)
        self.end_load()


def put_back(persistence: SessionPersistence, key: str, record: SessionRecord | None) -> None:
    """Let a session be resumed with this record, or begin afresh. Raises PersistenceError."""
    if record is None:
        persistence.clear(key)
    else:
        persistence.store(key, record)


def _forgotten(mind: SavedMind) -> SavedMind:
    return replace(mind, session_id=None, why_fresh=WhyFresh.FORGOTTEN)


def _halved(picture: Picture) -> Picture:
    """Return a picture of half the size, each of its pixels the mean of four."""
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    four = picture[:height, :width].reshape(height // 2, 2, width // 2, 2, 3)
    mean: Picture = four.mean(axis=(1, 3)).astype(np.uint8)
    return mean


def _pack_picture(picture: Picture) -> bytes:
    """Pack a picture at half its size, or smaller until it is small enough."""
    packed = b""
    while not packed or len(packed) > _MOST_PICTURE_BYTES:
        picture = np.ascontiguousarray(_halved(picture))
        packed = msgpack.packb((*picture.shape[:2], zlib.compress(picture.tobytes(), 6)))
    return packed


def _pack(info: SlotInfo, values: bytes) -> bytes:
    minds = [asdict(mind) for mind in info.minds]
    row = [_VERSION, info.saved_at, info.played_seconds, info.level, values, minds]
    packed: bytes = msgpack.packb(row)
    return packed


_Seconds: TypeAlias = Annotated[float, Field(ge=0.0, lt=1e11, allow_inf_nan=False)]
_ROW = TypeAdapter(tuple[Literal[1], _Seconds, _Seconds, str, bytes, tuple[SavedMind, ...]])
_VALUES, _PLAN = TypeAdapter(dict[str, Any]), TypeAdapter(dict[str, SessionRecord | None])


def _slot_of(name: str, row: list[Any]) -> SlotInfo:
    _, saved_at, played, level, values, minds = _ROW.validate_python(row[:6])
    kept = _VALUES.validate_python(msgpack.unpackb(values, strict_map_key=False))
    return SlotInfo(name, saved_at, played, level, MappingProxyType(kept), minds)
