r"""Whether the player's voice over a character's interrupts it, and where it goes on if not. Pure.

A client that hears the player over a character pauses it (`pause-bot`); what was said decides:

    event         FLOWING       OVERLAPPED     PAUSED          TALKED_OVER     JUDGED
    pause         PAUSED, |     TALKED_OVER, | -               -               -
    voice         OVERLAPPED    -              TALKED_OVER     -               TALKED_OVER
    quiet         -             -              -               JUDGED          -
    no line       -             FLOWING        FLOWING, >      FLOWING, >      FLOWING, >
    words         -             FLOWING        FLOWING, x      FLOWING, x      FLOWING, x
    too late      -             -              FLOWING, >      OVERLAPPED, >   OVERLAPPED, >
    over          -             -              FLOWING         OVERLAPPED      FLOWING

`|` pauses the character, `>` lets it go on, `x` ends its turn, `-` changes nothing. A line is what
is answered: a cough is none, nor is laughter, what nobody understood, or an "uh-huh".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

__all__ = ["Overlap", "OverlapEvent", "OverlapOrder", "OverlapPhase"]


class OverlapPhase(Enum):
    """Who is heard."""

    FLOWING = auto()  # the character, if it speaks
    OVERLAPPED = auto()  # both
    PAUSED = auto()  # the client hears the player, the service does not yet
    TALKED_OVER = auto()  # the player
    JUDGED = auto()  # nobody: the player is silent, his words are being understood


class OverlapEvent(Enum):
    """What happens to a conversation in which both may speak."""

    PAUSE = auto()  # the client has silenced the character
    VOICE = auto()  # the service hears the player speak, or go on
    QUIET = auto()  # the player pauses, or is done
    NO_LINE = auto()  # what he said is nothing to answer
    WORDS = auto()
    TOO_LATE = auto()  # the deadline of a phase
    OVER = auto()  # the character's turn has ended for another reason


class OverlapOrder(Enum):
    """What becomes of the character's turn."""

    PAUSE = auto()
    GO_ON = auto()
    CUT = auto()


_F, _O, _P, _T, _J = OverlapPhase
_TABLE: Mapping[tuple[OverlapPhase, OverlapEvent], tuple[OverlapPhase, OverlapOrder | None]] = (
    MappingProxyType(
        {
            (_F, OverlapEvent.PAUSE): (_P, OverlapOrder.PAUSE),
            (_F, OverlapEvent.VOICE): (_O, None),
            (_O, OverlapEvent.PAUSE): (_T, OverlapOrder.PAUSE),
            (_O, OverlapEvent.NO_LINE): (_F, None),
            (_O, OverlapEvent.WORDS): (_F, None),
            (_P, OverlapEvent.VOICE): (_T, None),
            (_P, OverlapEvent.NO_LINE): (_F, OverlapOrder.GO_ON),
            (_P, OverlapEvent.WORDS): (_F, OverlapOrder.CUT),
            (_P, OverlapEvent.TOO_LATE): (_F, OverlapOrder.GO_ON),
            (_P, OverlapEvent.OVER): (_F, None),
            (_T, OverlapEvent.QUIET): (_J, None),
            (_T, OverlapEvent.NO_LINE): (_F, OverlapOrder.GO_ON),
            (_T, OverlapEvent.WORDS): (_F, OverlapOrder.CUT),
            (_T, OverlapEvent.TOO_LATE): (_O, OverlapOrder.GO_ON),
            (_T, OverlapEvent.OVER): (_O, None),
            (_J, OverlapEvent.VOICE): (_T, None),
            (_J, OverlapEvent.NO_LINE): (_F, OverlapOrder.GO_ON),
            (_J, OverlapEvent.WORDS): (_F, OverlapOrder.CUT),
            (_J, OverlapEvent.TOO_LATE): (_O, OverlapOrder.GO_ON),
            (_J, OverlapEvent.OVER): (_F, None),
        }
    )
)

# The client hears a knock that is no voice; a voice both hear within a fifth of a second.
NOTICED_WITHIN = 0.7
# Longer than any utterance: a listener that fails must not silence the character for good.
LONGEST_SECONDS = 20.0
# What takes longer to understand may still interrupt the character that goes on.
JUDGED_WITHIN = 2.0
_DEADLINES = {_P: NOTICED_WITHIN, _T: LONGEST_SECONDS, _J: JUDGED_WITHIN}


@dataclass(frozen=True, slots=True)
class Overlap:
    """The phase of a conversation; `after` returns the next one."""

    phase: OverlapPhase = OverlapPhase.FLOWING
    deadline: float = math.inf
    """When `TOO_LATE` is due."""

    @property
    def is_paused(self) -> bool:
        """Whether the character waits for what the player says."""
        return self.phase in _DEADLINES

    def after(self, event: OverlapEvent, now: float) -> tuple[Overlap, OverlapOrder | None]:
        """Return the overlap after an event, and what it means for the character."""
        if event is OverlapEvent.TOO_LATE and now < self.deadline:
            return self, None
        found = _TABLE.get((self.phase, event))
        if found is None:
            return self, None
        phase, order = found
        return Overlap(phase, now + _DEADLINES.get(phase, math.inf)), order
