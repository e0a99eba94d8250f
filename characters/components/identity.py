"""By what the service knows a player again, without knowing who it is."""

from __future__ import annotations

import secrets

from engine.prefs import PlayerPrefs

__all__ = ["PLAYER_ID", "player_id"]

PLAYER_ID = "player.id"


def player_id(prefs: PlayerPrefs) -> str:
    """Return by what the service knows this player: a number made up once, kept in `prefs`."""
    known = prefs.get_string(PLAYER_ID, "")
    if not known:
        known = secrets.token_hex(8)
        prefs.set_string(PLAYER_ID, known)
    return known
