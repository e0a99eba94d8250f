"""Colours: what a hex text names, and the colour between two."""

from __future__ import annotations

from typing import TypeAlias

__all__ = ["Colour", "fade", "hex_colour", "mix"]


Colour: TypeAlias = tuple[int, int, int, int]
"""Red, green, blue and opacity, 0 to 255."""


def hex_colour(text: str) -> Colour:
    """Return the colour that `#rgb`, `#rrggbb` or `#rrggbbaa` names. Raises ValueError."""
    digits = text.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    if len(digits) == 6:
        digits += "ff"
    try:
        red, green, blue, alpha = bytes.fromhex(digits)
    except ValueError:
        raise ValueError(f"A colour is #rgb, #rrggbb or #rrggbbaa (got {text!r}).") from None
    return red, green, blue, alpha


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return the colour between the two; share 0 is `one`, 1 is `other`."""
    red, green, blue, alpha = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue, alpha


def fade(colour: Colour, opacity: float) -> Colour:
    """Return the colour with its opacity multiplied by 0 to 1."""
    return (*colour[:3], round(colour[3] * max(0.0, min(1.0, opacity))))
