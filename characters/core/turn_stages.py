"""How long an answer took, stage by stage, from the end of what the player said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from characters.core.messages import (
    BotLlmStarted,
    BotLlmStopped,
    BotLlmText,
    BotTurnCompleted,
    FinalUserTranscription,
    VadSttStopped,
)
from characters.core.turn import Local, TurnEvent

__all__ = ["Stage", "TurnStages"]


class Stage(NamedTuple):
    """What was reached, and how many seconds after the end of the question."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class TurnStages:
    """The stages of the last answer that were reached, in order; each counts once."""

    reached: tuple[Stage, ...] = ()
    began_at: float | None = None
    is_over: bool = False

    def after(self, event: TurnEvent, now: float) -> TurnStages:
        """Return the stages after a message or a local event; most change nothing."""
        if event is Local.TEXT_SENT or isinstance(event, VadSttStopped):
            return TurnStages(began_at=now)
        name = _NAMES.get(event) if isinstance(event, Local) else _NAMES.get(type(event))
        if name is None:
            return self
        if self.began_at is None or (self.is_over and name == _UNASKED):
            return TurnStages((Stage(name, 0.0),), now)  # nobody asked: counted from itself
        if self.is_over or any(stage.name == name for stage in self.reached):
            return self
        reached = (*self.reached, Stage(name, now - self.began_at))
        return TurnStages(reached, self.began_at, isinstance(event, BotTurnCompleted))


_UNASKED = "answer begun"
_NAMES: Mapping[object, str] = MappingProxyType(
    {
        FinalUserTranscription: "understood",
        BotLlmStarted: _UNASKED,
        BotLlmText: "first word",
        Local.AUDIO_QUEUED: "first sound",
        BotLlmStopped: "last word",
        BotTurnCompleted: "over",
    }
)
