"""What preferences tell: the signals, and the way to the main thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from engine.dispatcher import Dispatcher
from engine.signal import Signal, Subscription

__all__ = ["Channel", "KeptSignal"]

_KEPT = 4  # sentences that nobody has heard yet
_log = logging.getLogger(__name__)


class KeptSignal(Signal[str]):
    """A signal that keeps what nobody heard for the first who subscribes."""

    __slots__ = ("_unheard",)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._unheard: list[str] = []

    def emit(self, value: str) -> None:
        """Hand `value` to every handler, or keep it when there is none."""
        if len(self):
            super().emit(value)
        else:
            self._unheard = [*self._unheard[1 - _KEPT :], value]

    def subscribe(self, handler: Callable[[str], object]) -> Subscription:
        """Call `handler` for what nobody heard, and for every later value."""
        subscription = super().subscribe(handler)
        unheard, self._unheard = self._unheard, []
        for value in unheard:
            super().emit(value)
        return subscription


class Channel:
    """The signals, and the way to the main thread."""

    def __init__(self, path: Path, dispatcher: Dispatcher | None) -> None:
        self.changed: Signal[str] = Signal("PlayerPrefs.changed")
        self.problem: Signal[str] = KeptSignal("PlayerPrefs.problem")
        self.trouble = ""
        self._path = path
        self._dispatcher = dispatcher
        self._home = threading.get_ident()

    def tell_change(self, key: str) -> None:
        """Tell that a key was set or deleted."""
        self._tell(lambda: self.changed.emit(key))

    def tell_at_start(self, problem: str, trouble: OSError | None) -> None:
        """Tell what opening found, in one sentence or two."""
        if trouble is not None:
            self.trouble = self.sentence(trouble)
        text = " ".join(filter(None, (problem, self.trouble)))
        if text:
            _log.warning("%s", text)
            self._tell(lambda: self.problem.emit(text))

    def tell_trouble(self, trouble: OSError | None) -> None:
        """Tell why nothing is saved any more, or with None that it is saved again."""
        self.trouble = "" if trouble is None else self.sentence(trouble)
        text = self.trouble or f"Settings are saved again to {self._path.name}."
        _log.warning("%s", text)
        self._tell(lambda: self.problem.emit(text))

    def sentence(self, trouble: OSError) -> str:
        """Return what an error of the disk means to the player."""
        return (
            f"Settings could not be saved to {self._path}: {trouble.strerror or trouble}. They "
            "are kept while the game runs and tried again. Make room on the disk, or check its "
            "permissions."
        )

    def _tell(self, action: Callable[[], object]) -> None:
        if self._dispatcher is not None and threading.get_ident() != self._home:
            self._dispatcher.post(action)
        else:
            action()
