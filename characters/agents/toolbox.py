"""What a language model may do in the level: tools for it, and what its calls become.

A call is whatever a model sends or writes as one; nothing but the level's own actions and the
feelings ever comes of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from characters.agents.agent import Do, Feel, Part, Refused
from characters.agents.spoken import FEELINGS, feeling
from characters.protocol.codec import json_value, whole_text
from characters.protocol.messages import Action

__all__ = ["refusal", "Toolbox"]

FEEL = "feel"
MOST_NAME = 64
_FEEL_NAMES = frozenset({FEEL, "emotion", "express", "express_emotion", "set_emotion", "set_mood"})
_EMOTIONS = sorted(set(FEELINGS.values()))


class Toolbox:
    """The actions that a level allows, by the names under which a model knows them.

    `functions` are the schemas of those that have one. Their arguments are checked by the game,
    which has the function; here they only have to be an object.
    """

    def __init__(
        self,
        actions: Iterable[str] | None,
        functions: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        # Of two that look alike to a model it is the function that counts.
        ordered = sorted(actions or (), key=lambda name: (name in functions, name))
        self._actions = {_slug(name): name for name in ordered}
        self._functions = functions

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
        acts = (self._act(slug, name, target) for slug, name in self._actions.items())
        return (*acts, _tool(FEEL, "Show a feeling, 1 subtle to 3 intense", emotion, "emotion"))

    def _act(self, slug: str, name: str, target: Mapping[str, Any]) -> Mapping[str, Any]:
        schema = self._functions.get(name)
        if schema is None:
            return _tool(slug, f"Do this: {name}", target)
        function = {"description": schema["description"], "parameters": schema["parameters"]}
        return {"type": "function", "function": {"name": slug, **function}}

    def part(self, name: str, arguments: str) -> Part:
        """Return what a call becomes: `Refused` with a reason when the level does not know it."""
        action = self._actions.get(_slug(name))
        if action is None and _slug(name) not in _FEEL_NAMES:
            known = ", ".join(self._actions) or "nothing"
            return refusal(name, f"it is no action here; what can be done: {known}")
        try:
            values = _values(arguments)
        except ValueError as problem:
            return refusal(name, str(problem))
        if action is None:
            return _felt(values) or refusal(name, "there is no feeling of that name")
        if action in self._functions:
            return Do((Action(action, arguments=values),))
        target = next((values[key] for key in ("target", "object", "to") if key in values), None)
        return Do((Action(action, None if target is None else str(target)),))

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


def refusal(name: str, reason: str) -> Refused:
    """Return what a call becomes that is not made."""
    return Refused(whole_text(name)[:MOST_NAME], reason)


def _felt(values: Mapping[str, Any]) -> Feel | None:
    words = str(values.get("emotion") or values.get("name") or values.get("mood") or "")
    felt = feeling(words)
    scale = values.get("scale")
    if felt is None:
        return None
    return Feel(
        felt.emotion, scale if isinstance(scale, int) and scale in (1, 2, 3) else felt.scale
    )


def _values(arguments: str) -> dict[str, Any]:
    """Return the arguments of a call. Raises ValueError, its text a sentence."""
    try:
        value = json_value(json.loads(arguments.strip() or "{}"))
    except (ValueError, RecursionError):
        raise ValueError("its arguments are no JSON") from None
    if not isinstance(value, dict):
        raise ValueError("its arguments are no JSON object")
    return value


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
