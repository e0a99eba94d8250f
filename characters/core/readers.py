"""Check one value of a wire message, by the annotation of the field that it is for.

A reader returns the clean value or raises ValueError with the end of a sentence ("must be ...").
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from characters.core.server_messages import Action

__all__ = ["READERS"]

# A lone surrogate passes the JSON parser and then breaks every encoder behind it.
_SURROGATE = re.compile("[\ud800-\udfff]")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if _SURROGATE.search(value):
        raise ValueError("must be valid Unicode")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    if not math.isfinite(value):
        raise ValueError("must be finite")
    return float(value)


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError("must be a whole number")
    return int(number)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _table(value: Any) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    return {_text(key): item for key, item in value.items()}


def _weights(value: Any) -> dict[str, float]:
    return {key: _number(item) for key, item in _table(value).items()}


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list")
    return list(value)


def _tables(value: Any) -> tuple[Mapping[str, object], ...]:
    return tuple(_table(item) for item in _items(value))


def _action(value: Any) -> Action:
    table = _table(value)
    target = table.get("target")
    return Action(_text(table.get("name")), None if target is None else _text(target))


def _actions(value: Any) -> tuple[Action, ...]:
    return tuple(_action(item) for item in _items(value))


def _anything(value: Any) -> object:
    return value


READERS: Mapping[str, Callable[[Any], object]] = {
    "str": _text,
    "float": _number,
    "int": _whole,
    "bool": _flag,
    "object": _anything,
    "Mapping[str, object]": _table,
    "Mapping[str, float]": _weights,
    "tuple[Mapping[str, object], ...]": _tables,
    "tuple[Action, ...]": _actions,
}
"""A reader for each annotation that a message uses, without its `| None`."""
