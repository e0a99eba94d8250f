"""What is kept between runs: stores, and the sessions in them."""

from __future__ import annotations

from characters.persistence.encrypted_store import EncryptedStore
from characters.persistence.key_value import (
    KeyValueStore,
    ListableStore,
    MemoryStore,
    PersistenceError,
)
from characters.persistence.player_prefs_store import PlayerPrefsStore
from characters.persistence.session_data import SessionData
from characters.persistence.session_persistence import (
    KeyValueSessionPersistence,
    SessionPersistence,
)
from characters.persistence.sqlite_store import SQLiteStore

__all__ = [
    "EncryptedStore",
    "KeyValueSessionPersistence",
    "KeyValueStore",
    "ListableStore",
    "MemoryStore",
    "PersistenceError",
    "PlayerPrefsStore",
    "SQLiteStore",
    "SessionData",
    "SessionPersistence",
]
