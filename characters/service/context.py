"""What the game has told a character about the level, within a budget.

Sizes are estimated tokens, four characters each, as the public API counts them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

__all__ = ["ContextError", "LevelContext"]

STATIC_BUDGET = 20_000
RUNTIME_BUDGET = 30_000
MAX_THINGS = 256
MAX_KEYS = 256


class ContextError(Exception):
    """The update does not fit, or is not meaningful; nothing was changed."""


class LevelContext:
    """Dynamic info, the things of the scene, template variables, what has attention."""

    def __init__(self, static_text: str = "", player_name: str | None = None) -> None:
        self._static = static_text
        self._runtime: deque[str] = deque()
        self._scene: list[Mapping[str, object]] = []
        self._keys: dict[str, object] = {}
        self._attention: object = None
        self._player_name = player_name
        self._actions: frozenset[str] | None = None
        if _tokens(static_text) > STATIC_BUDGET:
            raise ContextError(f"dynamic_info is over {STATIC_BUDGET} estimated tokens")

    def view(self) -> dict[str, Any]:
        """Return what a mind is given."""
        return {
            "dynamic_info": "\n".join((self._static, *self._runtime)).strip(),
            "scene": tuple(self._scene),
            "keys": dict(self._keys),
            "attention": self._attention,
            "player_name": self._player_name,
            "actions": self._actions,
        }

    def update(self, text: str | None, mode: str, remove_static: bool | None) -> None:
        """Append to, replace or reset the runtime text; the oldest goes when it is too much."""
        if mode != "reset" and not text:
            raise ContextError("'text' is required unless mode is reset")
        if text is not None and _tokens(text) > RUNTIME_BUDGET:
            raise ContextError(f"text is over {RUNTIME_BUDGET} estimated tokens")
        if mode != "append":
            self._runtime.clear()
        if mode == "reset" and remove_static:
            self._static = ""
        if text:
            self._runtime.append(text)
        while self._runtime_tokens() > RUNTIME_BUDGET:
            self._runtime.popleft()

    def attend(self, thing: object) -> None:
        """Set what "this" and "that" mean; an empty string clears it."""
        name = thing.get("name") if isinstance(thing, Mapping) else thing
        if not isinstance(name, str) or len(name) > 200:
            raise ContextError("current_attention_object is a name or an object with one")
        self._attention = name or None

    def set_scene(self, things: tuple[Mapping[str, object], ...]) -> None:
        """Replace the things of the level."""
        if len(things) > MAX_THINGS:
            raise ContextError(f"more than {MAX_THINGS} things")
        self._scene = list(things)

    def set_affordances(self, config: Mapping[str, object]) -> None:
        """Replace what the character can do, if `config` lists it; no list means anything."""
        actions = config.get("actions")
        if isinstance(actions, list) and actions:
            named = (item.get("value") if isinstance(item, dict) else item for item in actions)
            self._actions = frozenset(name for name in named if isinstance(name, str))
        if config.get("current_attention_object") is not None:
            self.attend(config["current_attention_object"])

    def set_keys(self, keys: Mapping[str, object]) -> None:
        """Set template variables; others stay."""
        if len(self._keys.keys() | keys.keys()) > MAX_KEYS:
            raise ContextError(f"more than {MAX_KEYS} template keys")
        self._keys.update(keys)

    def figures(self) -> dict[str, object]:
        """Return the extras of a `context-update` acknowledgement."""
        static, runtime = _tokens(self._static), self._runtime_tokens()
        total = STATIC_BUDGET + RUNTIME_BUDGET
        return {
            "token_count": static + runtime,
            "static_token_count": static,
            "runtime_token_count": runtime,
            "max_tokens": total,
            "static_max_tokens": STATIC_BUDGET,
            "runtime_max_tokens": RUNTIME_BUDGET,
            "remaining_tokens": total - static - runtime,
            "content": "\n".join(self._runtime),
        }

    def _runtime_tokens(self) -> int:
        return sum(map(_tokens, self._runtime))


def _tokens(text: str) -> int:
    return (len(text) + 3) // 4
