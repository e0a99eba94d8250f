"""What preferences hold, and how it changes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = [
    "MAX_TOTAL_BYTES",
    "Change",
    "Inbox",
    "Value",
    "apply_change",
    "is_same",
    "weigh",
    "weight",
]

MAX_TOTAL_BYTES = 64 * 1024 * 1024

Value = int | float | str | bool | bytes
# A key and its value sets, a key alone deletes, nothing at all deletes everything.
Change = tuple[()] | tuple[str] | tuple[str, Value]


class Inbox:
    """Where changes are queued; all that a set on the frame thread touches.

    Adding needs no lock. Whoever adds looks at `is_asleep` afterwards, and wakes the writer then.
    While it `is_guarded`, adding is not enough: somebody wants to be asked or told.
    """

    __slots__ = ("add", "is_asleep", "is_guarded", "queue", "wake")

    def __init__(self) -> None:
        self.queue: deque[Change] = deque()
        self.add: Callable[[Change], object] = self.queue.append
        self.is_guarded = True
        self.is_asleep = True
        self.wake: Callable[[], object] = lambda: None


def apply_change(values: dict[str, Value], change: Change) -> Value | None:
    """Apply a change to `values`; return the value that was there, if it names a key."""
    if len(change) == 2:
        key, value = change
        old = values.get(key)
        values[key] = value
        return old
    if len(change) == 1:
        return values.pop(change[0], None)
    values.clear()
    return None


def is_same(value: Value, old: Value | None) -> bool:
    """Tell whether setting `value` where `old` is changes nothing: 1, 1.0 and True differ."""
    return type(value) is type(old) and value == old


def weigh(live: int, change: Change, old: Value | None) -> int:
    """Return what all values weigh after a change, when they weighed `live` and `old` was there."""
    if not change:
        return 0
    if old is not None:
        live -= weight(change[0], old)
    return live + weight(*change) if len(change) == 2 else live


def weight(key: str, value: Value) -> int:
    """Return about the bytes that an entry takes in a file, without encoding it."""
    if isinstance(value, str):
        return _text_weight(key) + _text_weight(value)
    if isinstance(value, bytes):
        return _text_weight(key) + 3 + len(value)
    is_small = value is True or value is False or (isinstance(value, int) and -32 <= value < 128)
    return _text_weight(key) + (1 if is_small else 9)


def _text_weight(text: str) -> int:
    size = len(text) if text.isascii() else len(text.encode())
    return size + (1 if size < 32 else 3)
