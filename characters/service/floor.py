"""Who has the word with a player: characters that he meets together greet him one by one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["Floor", "Floors"]


class Floor:
    """The word of one player's characters; one has it, the others wait in the order they came."""

    def __init__(self) -> None:
        self._holder: object | None = None
        self._waiting: deque[tuple[object, Callable[[], object]]] = deque()

    @property
    def is_free(self) -> bool:
        """Whether nobody speaks or waits."""
        return self._holder is None

    def ask(self, who: object, begin: Callable[[], object]) -> None:
        """Let somebody begin now, or as soon as those before are done."""
        if self._holder is None:
            self._holder = who
            begin()
        else:
            self._waiting.append((who, begin))

    def done(self, who: object) -> None:
        """Give the word on; who still waits for it does so no more."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] is not who)
        if self._holder is who:
            self._holder = None
            if self._waiting:
                self.ask(*self._waiting.popleft())


class Floors:
    """The floors of a service, by player."""

    def __init__(self) -> None:
        self._floors: dict[str, Floor] = {}

    def of(self, end_user_id: str | None) -> Floor:
        """Return the floor of a player; who has no name is met by nobody else."""
        if end_user_id is None:
            return Floor()
        for known in [known for known, floor in self._floors.items() if floor.is_free]:
            del self._floors[known]
        return self._floors.setdefault(end_user_id, Floor())
