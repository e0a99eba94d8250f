"""Turn messages into wire dictionaries and back; everything that comes in is checked.

```
MessageError                what the peer sent cannot be used; `kind` is the wire's name for it
  parse-error               not JSON, not UTF-8, not an object, nested too deep
  validation-error          no type, or a field that is missing or has the wrong type
  unknown-message-type      a client message that this service does not know
  too-large                 more bytes than a frame may have, or more values
```

A server message may come in three shapes (see `decode_server`); all three are accepted for
every type, because the cloud's own pages disagree on some. Unknown fields are ignored.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, TypeVar

from characters.protocol import messages
from characters.protocol.failures import CharactersError
from characters.protocol.messages import Action, ClientMessage, ServerMessage

__all__ = [
    "black_out", "copied", "decode_client", "decode_server", "encode_client", "encode_server",
    "json_value", "MessageError",
    "parse_object", "reader", "READERS", "shorten_id", "SUPPORTED_TYPES", "whole_text",
]  # fmt: skip


# --- readers: the clean value of a field, or ValueError with the end of a sentence ----------------

# A lone surrogate passes the JSON parser and then breaks every encoder behind it.
_SURROGATE = re.compile("[\ud800-\udfff]")
MAX_NUMBER = 2.0**1023  # a longer whole number breaks readers that know doubles only


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if not value.isascii() and _SURROGATE.search(value):
        raise ValueError("must be valid Unicode")
    return value


def whole_text(text: str) -> str:
    """Return a text whose halves of characters are joined; half of one alone is left out."""
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


BLACKED = "\u2026"


def black_out(value: Any, words: Iterable[str]) -> Any:
    """Return a JSON value without these words, in whatever letters they are written."""
    if isinstance(value, str):
        for word in words:
            value = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", BLACKED, value, flags=re.IGNORECASE)
        return value
    if isinstance(value, list):
        return [black_out(item, words) for item in value]
    if isinstance(value, dict):
        return {key: black_out(item, words) for key, item in value.items()}
    return value


def shorten_id(text: str | None) -> str:
    """Return an id as logs and screens may show it: its first four characters and an ellipsis.

    The name of the node that made it, before a dot, is left out.
    """
    return f"{text.rpartition('.')[2][:4]}…" if text else "none"


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
    return dict(json_value(value, -1))


MAX_DEPTH = 32
_NUMBERS, _LISTS = (int, float), (list, tuple)  # a union is made anew each time it is looked at


def json_value(value: Any, depth: int = 0) -> Any:
    """Return a value of any shape that every JSON library and store takes."""
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, _NUMBERS):
        if not abs(value) <= MAX_NUMBER:  # nor NaN, which is not less than anything
            raise ValueError("must hold finite numbers only")
        return value
    if isinstance(value, _LISTS):
        return [json_value(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_text(key): json_value(item, depth + 1) for key, item in value.items()}
    raise ValueError(f"must be JSON (a {type(value).__name__} is not)")


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list")
    return list(value)


def _action(value: Any) -> Action:
    table = _table(value)
    target, arguments = table.get("target"), table.get("arguments")
    return Action(
        _text(table.get("name")),
        None if target is None else _text(target),
        None if arguments is None else _table(arguments),
    )


READERS: Mapping[str, Callable[[Any], object]] = {
    "str": _text,
    "float": _number,
    "int": _whole,
    "bool": _flag,
    "object": json_value,
    "Mapping[str, object]": _table,
    "Mapping[str, float]": lambda value: {k: _number(v) for k, v in _table(value).items()},
    "tuple[Mapping[str, object], ...]": lambda value: tuple(map(_table, _items(value))),
    "tuple[Action, ...]": lambda value: tuple(map(_action, _items(value))),
}
"""A reader for each annotation that a message uses, without its `| None`."""


def reader(item: Field[Any]) -> Callable[[Any], object]:
    """Return the reader of a field."""
    return READERS[str(item.type).removesuffix(" | None")]


LABEL = "rtvi-ai"


class MessageError(CharactersError):
    """What the peer sent cannot be used; never retryable, the same bytes fail again."""

    def __init__(self, kind: str, message: str, extras: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.extras = extras


# --- one plan per message class ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _FieldPlan:
    name: str
    path: tuple[str, ...]
    read: Callable[[Any], object]
    required: bool
    one_of: tuple[str, ...]


def _plan_field(item: Field[Any]) -> _FieldPlan:
    return _FieldPlan(
        name=item.name,
        path=item.metadata.get("path", (item.name,)),
        read=reader(item),
        required=item.default is MISSING and item.default_factory is MISSING,
        one_of=item.metadata.get("one_of", ()),
    )


_B = TypeVar("_B", ClientMessage, ServerMessage)


def _classes(base: type[_B]) -> dict[str, type[_B]]:
    found = (getattr(messages, name) for name in messages.__all__)
    kinds = (item for item in found if isinstance(item, type) and issubclass(item, base))
    return {item.TYPE: item for item in kinds if getattr(item, "TYPE", "")}


_CLIENT: Mapping[str, type[ClientMessage]] = _classes(ClientMessage)
_SERVER: Mapping[str, type[ServerMessage]] = _classes(ServerMessage)
_PLANS: Mapping[type, tuple[_FieldPlan, ...]] = {
    item: tuple(_plan_field(part) for part in fields(item))  # type: ignore[arg-type]  # dataclasses all
    for item in (*_CLIENT.values(), *_SERVER.values())
}
# The bot's output stream keeps its own type at the top; everything else is wrapped.
_STREAM = (
    messages.BotReady,
    messages.BotLlmStarted,
    messages.BotLlmText,
    messages.BotLlmStopped,
    messages.BotTtsStarted,
    messages.BotStartedSpeaking,
    messages.BotStoppedSpeaking,
)

SUPPORTED_TYPES: tuple[str, ...] = tuple(_CLIENT)
"""The client message types that a service answers an unknown one with."""

_M = TypeVar("_M")


def _read_field(plan: _FieldPlan, kind: str, value: Any) -> object:
    where = ".".join(plan.path)
    if value is None:
        raise MessageError("validation-error", f"Message '{kind}' lacks the field '{where}'")
    try:
        result = plan.read(value)
    except (ValueError, OverflowError) as problem:
        raise MessageError("validation-error", f"Field '{where}' of '{kind}' {problem}") from None
    if plan.one_of and result not in plan.one_of:
        choices = ", ".join(plan.one_of)
        raise MessageError("validation-error", f"Field '{where}' of '{kind}' is none of {choices}")
    return result


def _build(cls: type[_M], kind: str, data: Mapping[str, Any]) -> _M:
    values = {}
    for plan in _PLANS[cls]:
        value: Any = data
        for part in plan.path:
            value = value.get(part) if isinstance(value, dict) else None
        if plan.required or value is not None:
            values[plan.name] = _read_field(plan, kind, value)
    return cls(**values)


def _dump(message: ClientMessage | ServerMessage) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for plan in _PLANS[type(message)]:
        value = getattr(message, plan.name)
        if value is None:
            continue
        table = data
        for part in plan.path[:-1]:
            table = table.setdefault(part, {})
        table[plan.path[-1]] = value if isinstance(value, str | dict) else messages.plain(value)
    return data


# --- the public functions ----------------------------------------------------------------


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


MAX_VALUES = 5_000
"""Values that a message may hold: each costs the work of a reader, whatever few bytes it has."""
_NESTING = (dict, list, tuple)


def _bounded(data: dict[str, Any]) -> dict[str, Any]:
    """Return an object as it is. Raises MessageError(too-large) for one of too many values."""
    left, waiting = MAX_VALUES, list[Any]([data])
    while waiting:
        value = waiting.pop()
        left -= len(value)
        if left < 0:
            detail = f"A message of more than {MAX_VALUES:,} values is too large"
            raise MessageError("too-large", f"{detail}: send it in parts")
        inner = value.values() if isinstance(value, dict) else value
        waiting += [item for item in inner if isinstance(item, _NESTING)]
    return data


def parse_object(frame: str | bytes) -> dict[str, Any]:
    """Parse one JSON text frame into an object.

    Raises MessageError(parse-error), or (too-large) for one of too many values.
    """
    try:
        raw = json.loads(frame, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MessageError(
            "parse-error", "Failed to parse message: invalid JSON or UTF-8 encoding"
        ) from None
    if not isinstance(raw, dict):
        raise MessageError("parse-error", "Failed to parse message: not a JSON object")
    return _bounded(raw)


def encode_client(message: ClientMessage) -> dict[str, Any]:
    """Return the wire dictionary of a client message.

    Raises MessageError for what no service would take: a value that is no JSON, half a character,
    too many values.
    """
    data = _bounded(_dump(message))
    _build(type(message), message.TYPE, data)
    return {"type": message.TYPE} | ({"data": data} if data else {})


def copied(message: ClientMessage) -> ClientMessage:
    """Return a copy of a message, which shares nothing with it that may change later.

    Raises MessageError as `encode_client` does, TypeError for what is no message of a client.
    """
    cls: type = type(message)
    if cls not in _CLIENT.values():
        raise TypeError(f"a message such as ContextUpdate(...) is sent, not {message!r:.60}")
    return _build(_CLIENT[message.TYPE], message.TYPE, _bounded(_dump(message)))


def decode_client(raw: Mapping[str, Any]) -> ClientMessage:
    """Return the client message in `raw`. Raises MessageError, its kind as the wire names it."""
    kind = raw.get("type")
    if not isinstance(kind, str):
        raise MessageError("validation-error", "Message missing required 'type' field")
    if kind not in _CLIENT:
        known = {"supported_types": list(SUPPORTED_TYPES)}
        raise MessageError("unknown-message-type", f"Unknown message type: {kind[:64]!a}", known)
    data = raw.get("data")
    if not isinstance(data, dict | None):
        raise MessageError("validation-error", f"Field 'data' of '{kind}' must be an object")
    return _build(_CLIENT[kind], kind, data or {})


def encode_server(message: ServerMessage) -> dict[str, Any]:
    """Return the wire dictionary of a server message, in the shape that its type has there."""
    data = _dump(message)
    if isinstance(message, messages.ServerResponse):
        return {"type": message.TYPE, **data}
    if isinstance(message, _STREAM):
        return {"label": LABEL, "type": message.TYPE, "data": data}
    return {"label": LABEL, "type": "server-message", "data": {"type": message.TYPE, **data}}


def decode_server(raw: Mapping[str, Any]) -> ServerMessage:
    """Return the server message in `raw`, whichever of the three shapes it has.

    A type that this version does not know becomes an UnknownMessage.
    Raises MessageError for one without a type or with a malformed field.
    """
    kind, data = raw.get("type"), raw.get("data")
    if kind == "server-message" and isinstance(data, dict):
        kind = data.get("type")
    elif not isinstance(data, dict):
        data = raw
    if not isinstance(kind, str):
        raise MessageError("validation-error", "Message missing required 'type' field")
    if kind not in _SERVER:
        return messages.UnknownMessage(kind)
    return _build(_SERVER[kind], kind, data)
