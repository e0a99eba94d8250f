"""The original's session store: which session id each character has."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from characters.core.state import SessionRecord
from characters.persistence.session_persistence import SessionPersistence

__all__ = ["SessionData"]


class SessionData:
    """Session ids by character id (or session key), kept by a SessionPersistence.

    Every change is durable on return; every call may wait for a disk and raises
    PersistenceError when it cannot be done.

    A session that is open has its id by heart and stores it again when it ends or drops: let it
    forget with `SessionHandle.clear_session_id`.
    """

    def __init__(
        self, persistence: SessionPersistence, wall_clock: Callable[[], float] = time.time
    ) -> None:
        self._persistence = persistence
        self._wall_clock = wall_clock

    def get_session_id(self, character_id: str) -> str | None:
        """Return the session id of a character, or None."""
        record = self._persistence.load(character_id)
        return None if record is None else record.session_id

    def store_session_id(self, character_id: str, session_id: str) -> None:
        """Store the session id of a character. It is resumed on whatever endpoint is used."""
        record = SessionRecord(session_id=session_id, saved_at=self._wall_clock())
        self._persistence.store(character_id, record)

    def clear_session_id(self, character_id: str) -> None:
        """Forget the session id of a character."""
        self._persistence.clear(character_id)

    def clear_all_session_ids(self) -> None:
        """Forget every session id."""
        for character_id in self._persistence.all():
            self._persistence.clear(character_id)

    def get_all_session_ids(self) -> Mapping[str, str]:
        """Return a read-only snapshot: session id by character id."""
        records = self._persistence.all()
        return MappingProxyType({key: record.session_id for key, record in records.items()})
