"""Services: what a scene hands to its components, so that nothing is global."""

from __future__ import annotations

from typing import Any, TypeVar

__all__ = ["Services"]

T = TypeVar("T")


class Services:
    """Keep one object for each class that somebody may ask for."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._by_kind: dict[type[Any], Any] = {}

    def provide(self, service: object, kind: type[Any] | None = None) -> None:
        """Offer a service under its own class, or under `kind`; the last one offered counts."""
        self._by_kind[kind or type(service)] = service

    def find(self, kind: type[T]) -> T | None:
        """Return what was offered for the class, else for a subclass of it, else None."""
        if kind in self._by_kind:
            exact: T = self._by_kind[kind]
            return exact
        return next((s for s in self._by_kind.values() if isinstance(s, kind)), None)

    def get(self, kind: type[T]) -> T:
        """Return what was offered for the class. Raises LookupError with what there is."""
        found = self.find(kind)
        if found is None:
            have = ", ".join(sorted(k.__name__ for k in self._by_kind)) or "nothing"
            raise LookupError(
                f"{self._owner} was given no {kind.__name__} (it has: {have}). "
                "Call scene.provide(...) before the components that need it start."
            )
        return found
