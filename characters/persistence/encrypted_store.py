"""A store that encrypts what another store keeps. Needs the `cryptography` package."""

from __future__ import annotations

import json

from characters.persistence.key_value import KeyValueStore, ListableStore, PersistenceError

__all__ = ["EncryptedStore"]


class EncryptedStore:
    """Values encrypted with Fernet in `inner`; the names of the keys stay readable.

    `secret` comes from `EncryptedStore.new_secret()` and is kept elsewhere: in the system's
    keyring, say, never beside the file. A value that was changed, encrypted with another secret
    or moved to another key raises PersistenceError; it is never taken for a missing one.
    """

    def __init__(self, inner: KeyValueStore, secret: bytes | str) -> None:
        from cryptography.fernet import Fernet, InvalidToken

        self._inner = inner
        self._fernet = Fernet(secret)
        self._invalid = InvalidToken
        if isinstance(inner, ListableStore):
            self.keys = inner.keys  # the names are not encrypted; only if there is a list

    @staticmethod
    def new_secret() -> bytes:
        """Make a secret."""
        from cryptography.fernet import Fernet

        return Fernet.generate_key()

    def get_string(self, key: str, default: str | None = None) -> str | None:
        """Return the text of a key, or the default."""
        token = self._inner.get_string(key)
        return default if token is None else self._decrypt(key, token)

    def set_string(self, key: str, value: str) -> None:
        """Set the text of a key."""
        # The key is inside too, so that a token cannot be moved to another key.
        self._inner.set_string(
            key, self._fernet.encrypt(json.dumps([key, value]).encode()).decode()
        )

    def has_key(self, key: str) -> bool:
        """Tell whether a key is set."""
        return self._inner.has_key(key)

    def delete_key(self, key: str) -> None:
        """Delete a key; one that is not set is no error."""
        self._inner.delete_key(key)

    def save(self) -> None:
        """Return when everything set so far is durable."""
        self._inner.save()

    def _decrypt(self, key: str, token: str) -> str:
        try:
            name, value = json.loads(self._fernet.decrypt(token))
        except (self._invalid, ValueError, TypeError):
            name, value = None, ""
        if name != key:
            raise PersistenceError(
                f"The stored value of {key!r} cannot be decrypted: another secret was used, or "
                "it was changed. Give the secret that it was stored with, or delete the key."
            )
        return str(value)
