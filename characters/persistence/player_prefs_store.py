"""The default store: the game's own preferences file."""

from __future__ import annotations

from engine.prefs import PlayerPrefs

__all__ = ["PlayerPrefsStore"]


class PlayerPrefsStore:
    """A store over PlayerPrefs. `save` returns when durable, or raises PrefsError."""

    def __init__(self, prefs: PlayerPrefs) -> None:
        self._prefs = prefs

    def get_string(self, key: str, default: str | None = None) -> str | None:
        """Return the text of a key, or the default."""
        return self._prefs.get_string(key) if self._prefs.has_key(key) else default

    def set_string(self, key: str, value: str) -> None:
        """Set the text of a key."""
        self._prefs.set_string(key, value)

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        return self._prefs.has_key(key)

    def delete_key(self, key: str) -> None:
        """Delete a key; one that is not set is no error."""
        self._prefs.delete_key(key)

    def save(self) -> None:
        """Return when everything set so far is on the disk."""
        self._prefs.save()

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that begin with `prefix`."""
        return self._prefs.keys(prefix)
