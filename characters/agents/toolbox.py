"""What a language model may do in the level: tools for it, and what its calls become.

A call is whatever a model sends or writes as one; nothing but the level's own actions and the
feelings ever comes of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from characters.agents.agent import Do, Feel, Part
from characters.agents.spoken import FEELINGS, feeling
from characters.protocol.messages import Action

__all__ = ["Toolbox"]

FEEL = "feel"
_FEEL_NAMES = frozenset({FEEL, "emotion", "express", "express_emotion", "set_emotion", "set_mood"})
_EMOTIONS = sorted(set(FEELINGS.values()))


class Toolbox:
    """The actions that a level allows, by the names under which a model knows them."""

    def __init__(self, actions: Iterable[str] | None) -> None:
        self._actions = {_slug(name): name for name in sorted(actions or ())}

    def __bool__(self) -> bool:
        return bool(self._actions)

    def definitions(self) -> tuple[Mapping[str, Any], ...]:
        """Return the tools as the protocol has them; none without actions."""
        if not self._actions:
            return ()
        target = {"target": {"type": "string", "description": "what or whom it is done to"}}
        emotion = {
            "emotion": {"type": "string", "enum": _EMOTIONS},
            "scale": {"type": "integer", "minimum": 1, "maximum": 3},
        }
        acts = (_tool(slug, f"Do this: {name}", target) for slug, name in self._actions.items())
        return (*acts, _tool(FEEL, "Show a feeling, 1 subtle to 3 intense", emotion, "emotion"))

    def parts(self, name: str, arguments: str) -> tuple[Part, ...]:
        """Return what a call becomes. Raises LookupError for one that the level does not know."""
        values = _values(arguments)
        if _slug(name) in _FEEL_NAMES:
            return tuple(_felt(values))
        action = self._actions.get(_slug(name))
        if action is None:
            raise LookupError(name)
        target = next((values[key] for key in ("target", "object", "to") if key in values), None)
        return (Do((Action(action, None if target is None else str(target)),)),)

    def written(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield name and arguments of the calls that a model wrote into its answer."""
        for found in _objects(text):
            function = found.get("function")
            call = function if isinstance(function, dict) else found
            name = next(
                (call[k] for k in ("name", "action", "tool") if _is_name(call.get(k))), None
            )
            named = re.search(r"<function=([\w.-]+)", text)
            if name is None and named is not None:
                yield named[1], json.dumps(found)
            elif name is not None:
                arguments = next(
                    (call[k] for k in ("arguments", "parameters", "args") if k in call), call
                )
                yield name, arguments if isinstance(arguments, str) else json.dumps(arguments)


def _tool(
    name: str, description: str, properties: Mapping[str, Any], *required: str
) -> Mapping[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(required)}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


def _slug(name: str) -> str:
    """Return a name as every server takes it."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()[:64] or "action"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _felt(values: Mapping[str, Any]) -> Iterator[Feel]:
    words = str(values.get("emotion") or values.get("name") or values.get("mood") or "")
    felt = feeling(words)
    scale = values.get("scale")
    if felt is not None:
        yield Feel(
            felt.emotion, scale if isinstance(scale, int) and scale in (1, 2, 3) else felt.scale
        )


def _values(arguments: str) -> Mapping[str, Any]:
    try:
        value = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in a text, those of lists too."""
    decoder, at = json.JSONDecoder(), 0
    while (start := next((n for n in range(at, len(text)) if text[n] in "{["), -1)) >= 0:
        try:
            value, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at = start + 1
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield item
