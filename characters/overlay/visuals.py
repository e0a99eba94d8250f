"""What a level looks like: the drawn components that scene files place.

Nothing here loads a drawing library until something is drawn, so a headless run
reads the same scene files without one.
"""

from __future__ import annotations

from typing import Literal

from engine.component import Component

__all__ = [
    "Backdrop",
    "CharacterSprite",
    "PlayerSprite",
    "Prop",
]

Theme = Literal["clinic", "lobby", "exam"]
Facing = Literal["left", "right", "front"]


class Backdrop(Component):
    """The room behind everything: wall, floor, window light. One per scene."""

    theme: Theme = "clinic"


class Prop(Component):
    """A piece of furniture; its object's position is the middle of its foot.

    `label` is written on what carries writing: a door's sign, a board, a kiosk.
    """

    kind: str
    label: str = ""
    colour: str = ""
    flip: bool = False


class CharacterSprite(Component):
    """Somebody with a face, drawn from the session of the Character on the same object.

    Empty colours (`#rrggbb`) leave the look's own. `pose` "sit" hides the legs, for a
    bed, a sofa or a desk in front.
    """

    look: str = "visitor"
    facing: Facing = "front"
    pose: Literal["stand", "sit"] = "stand"
    colour: str = ""
    skin: str = ""
    hair: str = ""


class PlayerSprite(Component):
    """The player's figure: it walks where its object moves."""

    look: str = "player"
    colour: str = ""
    skin: str = ""
    hair: str = ""
