"""Which captions are shown, for how long, and which come first: decided without drawing."""

from __future__ import annotations

from dataclasses import dataclass

from characters.core.transcript import Turn
from characters.overlay.model import Actor, HudModel

__all__ = ["MOST_CAPTIONS", "Caption", "captions", "reading_seconds"]

MOST_CAPTIONS = 2
_LETTERS_PER_SECOND = 13.0  # slow readers included; subtitles for adults run at 17
_AT_LEAST = 3.0


@dataclass(frozen=True, slots=True)
class Caption:
    """One line of talk with its speaker's name."""

    key: str
    speaker: str
    text: str
    is_player: bool = False
    is_open: bool = False  # still growing
    is_cut: bool = False  # interrupted


def reading_seconds(text: str) -> float:
    """Return how long a text stays, from when it began."""
    return _AT_LEAST + len(text) / _LETTERS_PER_SECOND


def captions(model: HudModel, most: int = MOST_CAPTIONS) -> tuple[Caption, ...]:
    """Return the captions of this moment in the order of the talk, the newest last.

    The player's own line goes first when both sides are shown; somebody who speaks
    right now is never pushed out by somebody who is done.
    """
    found = [
        (turn, actor)
        for actor in model.actors
        for turn in actor.view.transcript[-3:]
        if turn.text.strip() and _is_shown(turn, actor, model.now)
    ]
    found.sort(key=lambda pair: (_is_said_now(*pair), pair[0].t))
    shown = sorted(found[-most:], key=lambda pair: pair[0].t)
    return tuple(_caption(turn, actor, model) for turn, actor in shown)


def _is_shown(turn: Turn, actor: Actor, now: float) -> bool:
    if turn.speaker == "character" and _is_said_now(turn, actor):
        return True
    return now - turn.t < reading_seconds(turn.text)


def _is_said_now(turn: Turn, actor: Actor) -> bool:
    return not turn.final or (turn is actor.view.transcript[-1] and actor.view.is_speaking)


def _caption(turn: Turn, actor: Actor, model: HudModel) -> Caption:
    is_player = turn.speaker == "player"
    name = f"{model.player_name} to {actor.name}" if is_player else actor.name
    return Caption(actor.key, name, turn.text.strip(), is_player, not turn.final, turn.interrupted)
