"""The colours that everything drawn shares: warm, flat, readable."""

from __future__ import annotations

from typing import Final

from engine.ui.colour import Colour, hex_colour

__all__ = [
    "AMBER",
    "BRICK",
    "CORAL",
    "CREAM",
    "HONEY",
    "INK",
    "LEAF",
    "MUTED",
    "PAPER",
    "PLUM",
    "ROSE",
    "SAGE",
    "SHADOW",
    "SKY",
    "SMOKE",
    "SNOW",
    "STEEL",
    "TEAL",
    "WALNUT",
    "WOOD",
]

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
