"""An answer as it is written down: decided once, told until the player has had it whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from characters.core.messages import Action
from characters.service.dialogue.mind import Do, Feel, Part, Say

__all__ = ["read_answer", "written_answer"]


def written_answer(parts: Iterable[Part]) -> str:
    """Return the parts as JSON."""
    return json.dumps([_written(part) for part in parts])


def read_answer(text: str) -> tuple[Part, ...]:
    """Return the parts that `written_answer` wrote."""
    return tuple(_read(raw) for raw in json.loads(text))


def _written(part: Part) -> dict[str, Any]:
    if isinstance(part, Say):
        return {"say": part.text}
    if isinstance(part, Feel):
        return {"feel": part.emotion, "scale": part.scale}
    return {"do": [[action.name, action.target] for action in part.actions]}


def _read(raw: dict[str, Any]) -> Part:
    if "say" in raw:
        return Say(raw["say"])
    if "feel" in raw:
        return Feel(raw["feel"], raw["scale"])
    return Do(tuple(Action(name, target) for name, target in raw["do"]))
