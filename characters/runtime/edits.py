"""Settings of a session that change while it is open: what happens to each, and what is told.

| Field | What happens |
|---|---|
| `policy`, `persist` | in force at once; nobody has to be told |
| `actions`, `player_name` | told to the room by `context-update` and `update-template-keys` |
| `respond_mode` | told to the room by `respond-mode-update` |
| `character_id`, `session_key`, `end_user_id` | another session |
| `endpoint`, `endpoint_id`, `api_key` | another session too: none is resumed elsewhere |
| any other, such as `persona` | a new connection, in which the conversation is resumed |
"""

from __future__ import annotations

from dataclasses import fields

from characters.core.messages import (
    ClientMessage,
    ContextUpdate,
    RespondModeUpdate,
    UpdateTemplateKeys,
)
from characters.runtime.config import SessionConfig

__all__ = ["is_another_session", "needs_new_connection", "news"]

_IDENTITY = ("character_id", "key", "place", "endpoint", "api_key", "end_user_id")
_LIVE = ("policy", "persist", "actions", "player_name", "respond_mode")
_KNOWN = {*_IDENTITY, *_LIVE, "session_key", "endpoint_id"}
_CONNECTED_WITH = tuple(f.name for f in fields(SessionConfig) if f.name not in _KNOWN)


def is_another_session(old: SessionConfig, new: SessionConfig) -> bool:
    """Tell whether what changed makes it another session, of which nothing is known yet."""
    return any(getattr(old, name) != getattr(new, name) for name in _IDENTITY)


def needs_new_connection(old: SessionConfig, new: SessionConfig) -> bool:
    """Tell whether the service takes what changed only when a connection is made."""
    if old.actions and not new.actions:
        return True  # the contract has no message that takes a list of actions away
    return any(getattr(old, name) != getattr(new, name) for name in _CONNECTED_WITH)


def news(told: SessionConfig, now: SessionConfig) -> tuple[ClientMessage, ...]:
    """Return what to tell a room that was told of other settings before."""
    messages: list[ClientMessage] = []
    if now.actions and now.actions != told.actions:
        config = {"actions": list(now.actions)}
        messages.append(ContextUpdate(run_llm="false", action_config=config))
    if now.player_name and now.player_name != told.player_name:
        messages.append(UpdateTemplateKeys({"player_name": now.player_name}))
    if now.respond_mode is not told.respond_mode:
        messages += [RespondModeUpdate(*lane) for lane in now.respond_mode.lanes.items()]
    return tuple(messages)
