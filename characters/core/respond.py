"""Who decides that a character answers: it does by itself, or only when the game asks.

The wire's `respond_modes` has a mode for each lane of input. The public service has lanes for what
the level tells, and always answers the player; ours has two lanes more, for what the player types
and says. A lane that is not named is `auto`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["MODES", "SILENT", "USER_LANES", "USER_TEXT", "USER_VOICE", "RespondMode"]

USER_TEXT = "user_text"
USER_VOICE = "user_voice"
USER_LANES = (USER_TEXT, USER_VOICE)
"""The lanes of what the player types and what he says."""

SILENT = "silent"
MODES = (SILENT, "auto", "must_respond")
"""What a lane's input may lead to: nothing, an answer as the service sees fit, always one."""


class RespondMode(StrEnum):
    """Whether a character answers the player by itself.

    With `manual` it hears and remembers what is typed and said, and answers when the game calls
    `respond()`: to all that was said since it last did.
    """

    AUTO = "auto"
    MANUAL = "manual"

    @property
    def lanes(self) -> Mapping[str, str]:
        """What the wire calls it."""
        return dict.fromkeys(USER_LANES, SILENT if self is RespondMode.MANUAL else "auto")
