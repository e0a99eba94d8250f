"""What the player is told of a failure: what happened and what he can do, no word for developers.

Developers find the failure's code and advice in the inspector.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from characters.core.failure import Failure, FailureKind
from characters.core.state import SessionState, SessionView

__all__ = ["is_open_elsewhere", "player_words"]

_LIVE_ELSEWHERE, _TAKEN_OVER = "session.live_elsewhere", "session.taken_over"
_HELD_ELSEWHERE: Mapping[SessionState, str] = MappingProxyType(
    {SessionState.ERROR: _LIVE_ELSEWHERE, SessionState.DISCONNECTED: _TAKEN_OVER}
)

_SILENT = "Nobody answers at the other end. Wait a moment, then press Retry."
_BUSY = "Too many people talk at the moment. Wait a little, then press Retry."
_NOT_SET_UP = "This game is not set up to reach them. Once that is put right, press Retry."
_USED_UP = "The talking time of this game is used up for now. Press Retry later."
_TAKE_OVER = (
    "Your talk is open in another game. Press Take over to go on with it here, "
    "or close it there and press Retry."
)
_NOT_KEPT = "Your talk cannot be kept on this computer now. Press Retry to try again."
_UNKNOWN = "Something unexpected happened. Press Retry to try again."

_BY_CODE: Mapping[str, str] = MappingProxyType(
    {
        "server.draining": "The other end is being restarted. Wait a moment, then press Retry.",
        "connection.concurrency_limit": _BUSY,
        "connection.unavailable": _BUSY,
        "connection.speaker_limit": _USED_UP,
        "connection.quota_exceeded": _USED_UP,
        _LIVE_ELSEWHERE: _TAKE_OVER,
        _TAKEN_OVER: _TAKE_OVER,
        "session.idle_timeout": "It was quiet for long, so the talk ended. Press Retry to go on.",
        "session.ended": "The other end closed the talk. Press Retry to go on.",
    }
)
_BY_STAGE: Mapping[str, str] = MappingProxyType(
    {
        "resume": "Your earlier talk is not there any more. Start anew begins a new one; "
        "Retry looks for the old one again.",
        "connect": _SILENT,
        "join": _SILENT,
        "ready": "They did not get ready in time. Press Retry to try again.",
        "live": "The line was cut and did not come back. Wait a moment, then press Retry.",
        "store": _NOT_KEPT,
    }
)


def is_open_elsewhere(view: SessionView) -> bool:
    """Tell whether another game holds the talk, so that it can be taken over from there.

    It refused us, which is an error, or took the talk from us, which ended it.
    """
    wanted = _HELD_ELSEWHERE.get(view.state)
    return wanted is not None and view.error is not None and view.error.code == wanted


def player_words(error: Failure | None) -> str:
    """Return what happened and what to press, in the player's words."""
    if error is None:
        return _UNKNOWN
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if error.stage == "connect" and error.kind is FailureKind.TERMINAL:
        return _NOT_SET_UP
    return _BY_STAGE.get(error.stage, _UNKNOWN)
