"""Presets of people and faces, the sizes of furniture, and the colours that all drawing shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from engine.ui.colour import Colour, hex_colour, mix

__all__ = [
    "AMBER", "ASLEEP", "BRICK", "CORAL", "CREAM", "dressed", "Expression", "EXPRESSIONS", "Face",
    "FLOOR_TOP",
    "HONEY", "INK", "LEAF", "Look", "LookName", "LOOKS", "MUTED", "PAPER", "PLUM", "PropKind",
    "PROPS", "PropSize", "ROSE", "SAGE", "shade", "SHADOW", "SKY", "SMOKE", "SNOW", "STEEL",
    "STRIDE", "TEAL", "WALNUT", "WOOD",
]  # fmt: skip


INK: Final[Colour] = hex_colour("#2b2340")
PLUM: Final[Colour] = hex_colour("#5b4a78")
CREAM: Final[Colour] = hex_colour("#fff6e6")
PAPER: Final[Colour] = hex_colour("#fbead0")
SNOW: Final[Colour] = hex_colour("#fffdf8")
MUTED: Final[Colour] = hex_colour("#c9bfd6")
AMBER: Final[Colour] = hex_colour("#f4b54f")
HONEY: Final[Colour] = hex_colour("#e8c27e")
CORAL: Final[Colour] = hex_colour("#ee6f5e")
BRICK: Final[Colour] = hex_colour("#b9523f")
ROSE: Final[Colour] = hex_colour("#f0a29a")
SAGE: Final[Colour] = hex_colour("#8fc09a")
LEAF: Final[Colour] = hex_colour("#5b9a6b")
TEAL: Final[Colour] = hex_colour("#47a39b")
SKY: Final[Colour] = hex_colour("#8fc0de")
STEEL: Final[Colour] = hex_colour("#7f8aa3")
SMOKE: Final[Colour] = hex_colour("#cfd3dc")
WOOD: Final[Colour] = hex_colour("#c98f5b")
WALNUT: Final[Colour] = hex_colour("#8a5a3c")
SHADOW: Final[Colour] = hex_colour("#2a1b3a55")


def shade(colour: Colour, share: float = 0.16) -> Colour:
    """Return the colour in shadow: cooler, not merely darker."""
    return mix(colour, (30, 16, 48, colour[3]), share)


Hair = Literal["short", "bun", "bob", "long", "curly", "balding", "none"]
Top = Literal["shirt", "coat", "scrubs", "gown", "suit", "vest", "hoodie", "dress"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a character is built and dressed."""

    skin: Colour = hex_colour("#f0c39c")  # noqa: RUF009 - a pure function of a constant
    hair: Colour = hex_colour("#5a3a2c")  # noqa: RUF009 - a pure function of a constant
    style: Hair = "short"
    top: Colour = hex_colour("#6c8ebf")  # noqa: RUF009 - a pure function of a constant
    cut: Top = "shirt"
    legs: Colour = hex_colour("#4b4a63")  # noqa: RUF009 - a pure function of a constant
    shoes: Colour = hex_colour("#3a2f45")  # noqa: RUF009 - a pure function of a constant
    extras: frozenset[str] = frozenset()
    is_machine: bool = False


STRIDE = (0, 1, 0, -1)
"""The legs in the four pictures of a walk: together, one ahead, together, the other."""


class Face(NamedTuple):
    """One face at one moment, in few enough steps to keep a picture of each."""

    emotion: str = "neutral"
    lids: int = 0  # 0 open, 1 half, 2 closed
    mouth: int = 0  # 0 closed to 4 wide open
    gaze: int = 0  # -1 left, 0 at you, 1 right


ASLEEP: Final = Face("asleep")


@dataclass(frozen=True, slots=True)
class Expression:
    """What an emotion does to brows, eyes and mouth."""

    brow_lift: float = 0.0  # up is positive
    brow_tilt: float = 0.0  # positive: inner ends down, as in anger
    eye: float = 1.0  # how wide
    smile: float = 0.35  # -1 to 1
    blush: float = 0.35


EXPRESSIONS: Mapping[str, Expression] = MappingProxyType(
    {
        "neutral": Expression(),
        "joy": Expression(brow_lift=1.5, eye=0.95, smile=1.0, blush=0.8),
        "calm": Expression(eye=0.85, smile=0.5),
        "trust": Expression(brow_lift=0.5, smile=0.7, blush=0.5),
        "surprise": Expression(brow_lift=4.0, eye=1.25, smile=0.1),
        "anticipation": Expression(brow_lift=2.0, eye=1.1, smile=0.5),
        "fear": Expression(brow_lift=2.5, brow_tilt=-2.5, eye=1.2, smile=-0.5, blush=0.0),
        "sadness": Expression(brow_lift=0.5, brow_tilt=-2.8, eye=0.85, smile=-0.8, blush=0.1),
        "anger": Expression(brow_lift=-1.5, brow_tilt=3.2, eye=0.9, smile=-0.6, blush=0.6),
        "disgust": Expression(brow_lift=-0.5, brow_tilt=1.8, eye=0.7, smile=-0.7, blush=0.0),
        "pain": Expression(brow_lift=0.0, brow_tilt=-2.0, eye=0.6, smile=-0.6, blush=0.2),
        "asleep": Expression(brow_lift=-0.5, eye=0.0, smile=0.1),
    }
)

LookName: TypeAlias = Literal[
    "player", "visitor", "patient", "nurse", "doctor",
    "receptionist", "porter", "examiner", "student", "kiosk",
]  # fmt: skip

LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "player": Look(
            hair=hex_colour("#7a4a2e"), style="curly", top=hex_colour("#f2a541"), cut="hoodie",
            legs=hex_colour("#4a6583"), shoes=hex_colour("#f7efe4"), extras=frozenset({"satchel"}),
        ),
        "visitor": Look(top=hex_colour("#7aa6c9"), legs=hex_colour("#6a5a72")),
        "patient": Look(
            skin=hex_colour("#e9b58d"), hair=hex_colour("#8d8794"), style="balding",
            top=hex_colour("#a9d2c9"), cut="gown", legs=hex_colour("#a9d2c9"),
            shoes=hex_colour("#e4d6c3"), extras=frozenset({"moustache", "plaster"}),
        ),
        "nurse": Look(
            skin=hex_colour("#b97a53"), hair=hex_colour("#2f2430"), style="bun",
            top=hex_colour("#3f9c97"), cut="scrubs", legs=hex_colour("#34827e"),
            shoes=hex_colour("#f4efe8"), extras=frozenset({"watch"}),
        ),
        "doctor": Look(
            skin=hex_colour("#f2c8a6"), hair=hex_colour("#c8603a"), style="bob",
            top=hex_colour("#fdfaf4"), cut="coat", legs=hex_colour("#56637f"),
            extras=frozenset({"stethoscope", "glasses"}),
        ),
        "receptionist": Look(
            skin=hex_colour("#dca37c"), hair=hex_colour("#3b2a4d"), style="long",
            top=hex_colour("#b9523f"), cut="dress", legs=hex_colour("#8f3d30"),
            extras=frozenset({"scarf"}),
        ),
        "porter": Look(
            skin=hex_colour("#8a5a3f"), hair=hex_colour("#231a22"), style="short",
            top=hex_colour("#51407a"), cut="vest", legs=hex_colour("#2f2a45"),
            extras=frozenset({"cap", "beard"}),
        ),
        "examiner": Look(
            skin=hex_colour("#f1cdae"), hair=hex_colour("#dcd7dd"), style="bob",
            top=hex_colour("#5d3f57"), cut="suit", legs=hex_colour("#46304a"),
            extras=frozenset({"glasses", "brooch"}),
        ),
        "student": Look(
            skin=hex_colour("#d9a27a"), hair=hex_colour("#241c28"), style="long",
            top=hex_colour("#6fae7d"), cut="hoodie", legs=hex_colour("#3f4a66"),
            shoes=hex_colour("#e9e2d6"),
        ),
        "kiosk": Look(top=hex_colour("#3f8f9c"), is_machine=True),
    }
)  # fmt: skip


def dressed(name: str, colour: str = "", skin: str = "", hair: str = "") -> Look:
    """Return the look of that name, a visitor's if there is none, in other colours if given."""
    look = LOOKS.get(name, LOOKS["visitor"])
    changes = {"top": colour, "skin": skin, "hair": hair}
    return replace(look, **{key: hex_colour(text) for key, text in changes.items() if text})  # type: ignore[arg-type]  # all three fields are colours


FLOOR_TOP = 232
"""Where the wall ends and the floor begins, in pixels from the top of a 600 pixel high room."""

PropKind: TypeAlias = Literal[
    "bed", "bench", "blackboard", "blanket", "books", "cabinet", "chair", "clock", "curtain",
    "desk", "door", "drip", "lamp", "monitor", "notice", "plant", "poster", "reception", "rug",
    "shelf", "sofa", "student_desk", "table", "trolley", "washbasin",
]  # fmt: skip


class PropSize(NamedTuple):
    """Width and height as drawn."""

    w: int
    h: int


PROPS: Mapping[PropKind, PropSize] = MappingProxyType(
    {
        "bed": PropSize(132, 108),
        "bench": PropSize(120, 44),
        "blackboard": PropSize(260, 128),
        "blanket": PropSize(116, 54),
        "books": PropSize(40, 26),
        "cabinet": PropSize(84, 112),
        "chair": PropSize(46, 62),
        "clock": PropSize(40, 40),
        "curtain": PropSize(60, 190),
        "desk": PropSize(176, 76),
        "door": PropSize(84, 148),
        "drip": PropSize(34, 132),
        "lamp": PropSize(44, 128),
        "monitor": PropSize(58, 112),
        "notice": PropSize(74, 54),
        "plant": PropSize(62, 92),
        "poster": PropSize(56, 74),
        "reception": PropSize(250, 86),
        "rug": PropSize(320, 120),
        "shelf": PropSize(120, 150),
        "sofa": PropSize(158, 76),
        "student_desk": PropSize(92, 58),
        "table": PropSize(84, 50),
        "trolley": PropSize(70, 78),
        "washbasin": PropSize(70, 100),
    }
)  # fmt: skip
