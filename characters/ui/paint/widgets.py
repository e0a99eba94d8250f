"""What all painted parts share: the Gui of one frame, the styles of panels, signs and icons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from characters.ui.appearance import AMBER, CORAL, CREAM, INK, MUTED, PLUM, SKY, SNOW
from characters.ui.model import HudModel
from characters.ui.state import HudAction
from characters.ui.words import Shape, Tone
from engine.core.words import Words
from engine.ui.canvas import Canvas
from engine.ui.colour import Colour, fade, hex_colour
from engine.ui.fonts import Fonts
from engine.ui.geometry import Hotspots, Rect
from engine.ui.painter import Painter, PanelStyle

__all__ = [
    "arrow_picture", "Gui", "LINE", "loudspeaker_picture", "microphone_picture", "SHEET", "SIGN",
    "sign_picture", "SMALL", "Tab", "TAB", "TAB_ON", "TONES",
]  # fmt: skip


SHEET = PanelStyle(fill=(36, 29, 54, 252), border=(255, 255, 255, 36), radius=14, shadow=6)
_MENU_SHEET = PanelStyle(
    fill=(43, 35, 64, 252), border=AMBER, border_width=1.5, radius=18, shadow=10
)
TAB = PanelStyle(fill=PLUM, border=(255, 255, 255, 30), radius=9, shadow=0)
TAB_ON = PanelStyle(fill=AMBER, border=(255, 255, 255, 60), radius=9, shadow=0)
SMALL, LINE = 13, 17

Tab = tuple[str, bool, Callable[[], object]]
"""The words of a tab, whether it is the open one, and what a click does."""


@dataclass(frozen=True, slots=True)
class Gui:
    """What one frame is painted with: the painter, the surface, the model and the hotspots."""

    painter: Painter
    surface: Any
    model: HudModel
    hotspots: Hotspots
    kept: dict[str, Any] = field(default_factory=dict)
    """What was worked out for the badge of a key, from frame to frame."""

    @property
    def fonts(self) -> Fonts:
        """The painter's fonts, to measure texts."""
        return self.painter.fonts

    @property
    def say(self) -> Words:
        """The table of the texts, in the language of the game."""
        return self.model.words

    def on(self, surface: Any) -> Gui:
        """Return the same for another surface."""
        return replace(self, surface=surface)

    def text(
        self,
        text: str,
        at: tuple[float, float],
        size: int,
        colour: Colour,
        *,
        bold: bool = False,
        align: Literal["left", "center", "right"] = "left",
        room: float | None = None,
    ) -> Rect:
        """Write one line, shortened to `room` pixels if given; return where it stands."""
        if room is not None:
            text = self.fonts.shortened(text, room, size, bold)
        return self.painter.text(self.surface, text, at, size, colour, bold=bold, align=align)

    def lines(
        self,
        lines: Sequence[str],
        at: tuple[float, float],
        size: int,
        colour: Colour,
        *,
        step: float = LINE,
        align: Literal["left", "center", "right"] = "left",
        room: float | None = None,
    ) -> float:
        """Write lines below one another, `step` pixels apart; return the y below them."""
        x, y = at
        for line in lines:
            self.text(line, (x, y), size, colour, align=align, room=room)
            y += step
        return y

    def panel(self, rect: Rect, style: PanelStyle) -> None:
        """Paint a panel."""
        self.painter.panel(self.surface, rect, style)

    def sheet(self, rect: Rect, shade: int) -> None:
        """Paint a card over the level, which is darkened by `shade` (0 to 255)."""
        self.painter.shade(self.surface, Rect(0, 0, *self.model.size), (20, 14, 30, shade))
        self.panel(rect, _MENU_SHEET)

    def fill(self, colour: Colour, rect: tuple[float, float, float, float]) -> None:
        """Fill a rectangle with an opaque colour."""
        self.surface.fill(colour[:3], rect)

    def blit(self, picture: Any, at: tuple[float, float]) -> None:
        """Paint a picture with its left top corner there."""
        self.surface.blit(picture, at)

    def button(
        self, rect: Rect, action: HudAction, colour: Colour, text_colour: Colour, size: int = 14
    ) -> None:
        """Paint the button of an action, which a click on it runs."""
        is_hot = not action.why_not and rect.contains(self.model.pointer)
        self.painter.button(
            self.surface, rect, action.label,
            hot=is_hot, colour=colour, text_colour=text_colour, size=size,
        )  # fmt: skip
        self.hotspots.add(rect, action.run)

    def tabs(self, rect: Rect, y: float, tabs: Sequence[Tab]) -> float:
        """Paint tabs from left to right, on as many lines as they need; return the y below."""
        x = rect.x + 10
        for words, is_on, action in tabs:
            name = self.fonts.shortened(words, 110, SMALL, True)
            w = self.fonts.width(name, SMALL, True) + 18.0
            if x + w > rect.right - 8:
                x, y = rect.x + 10, y + 28
            tab = Rect(x, y, w, 24)
            self.panel(tab, TAB_ON if is_on else TAB)
            self.text(name, (x + 9, y + 4), SMALL, INK if is_on else CREAM, bold=True)
            self.hotspots.add(tab, action)
            x += w + 6
        return y + 30

    def scroll_bar(self, rect: Rect, shown: range, total: int) -> None:
        """Paint at the right edge which part of a list is shown; nothing where all of it is."""
        if len(shown) >= total:
            return
        track = Rect(rect.right - 9, rect.y, 4, rect.h)
        start, part = shown.start / total * track.h, len(shown) / total * track.h
        self.fill((66, 56, 92, 255), (track.x, track.y, track.w, track.h))
        self.fill(MUTED, (track.x, round(track.y + start), track.w, max(12, round(part))))

    def heading(self, rect: Rect, y: float, text: str) -> float:
        """Paint a line and a title below it; return the y below them."""
        self.fill((90, 78, 118, 255), (rect.x + 14, y + 5, rect.w - 28, 1))
        self.text(text, (rect.x + 14, y + 9), 12, AMBER, bold=True)
        return y + 29


SIGN = 24
"""The side of a sign's picture."""

TONES: Mapping[Tone, Colour] = MappingProxyType(
    {
        Tone.QUIET: MUTED,
        Tone.BUSY: SKY,
        Tone.GOOD: hex_colour("#86d6a4"),
        Tone.WARN: AMBER,
        Tone.BAD: hex_colour("#ff8a78"),
    }
)


def sign_picture(painter: Painter, shape: Shape, tone: Tone, ring: float | None = None) -> Any:
    """Return the picture of a sign, with what is left of a countdown around it."""

    def draw(c: Canvas) -> None:
        c.origin = (SIGN / 2, SIGN / 2)
        _SIGNS[shape](c, TONES[tone])
        if ring is not None:
            c.arc((0, 0), 10.6, (0, 1), fade(TONES[tone], 0.25), 2)
            c.arc((0, 0), 10.6, (0, ring), TONES[tone], 2)

    return painter.sprite(("sign", shape, tone, ring), (SIGN, SIGN), draw, 4)


def _hollow(c: Canvas, colour: Colour) -> None:
    c.arc((0, 0), 5.6, (0, 1), colour, 2.2)


def _arc(c: Canvas, colour: Colour) -> None:
    c.arc((0, 0), 6, (0.12, 0.62), colour, 2.6)
    c.arc((0, 0), 6, (0.75, 0.99), fade(colour, 0.45), 2.6)


def _check(c: Canvas, colour: Colour) -> None:
    c.circle(0, 0, 8, colour)
    c.line([(-3.4, 0.2), (-0.9, 2.9), (3.6, -2.7)], INK, 2)


def _waves(c: Canvas, colour: Colour) -> None:
    c.circle(0, 0, 8, colour)
    c.circle(-3, 0, 1.5, INK)
    c.arc((-3, 0), 4, (0.12, 0.38), INK, 1.6)
    c.arc((-3, 0), 7, (0.14, 0.36), INK, 1.6)


def _dots(c: Canvas, colour: Colour) -> None:
    c.circle(0, 0, 8, colour)
    for x in (-3.8, 0, 3.8):
        c.circle(x, 0, 1.35, INK)


def _bars(c: Canvas, colour: Colour) -> None:
    c.circle(0, 0, 8, colour)
    for x, half in ((-3.6, 2.0), (0, 4.0), (3.6, 2.8)):
        c.line([(x, -half), (x, half)], INK, 1.8)


def _triangle(c: Canvas, colour: Colour) -> None:
    c.polygon([(0, -7), (7.4, 5.6), (-7.4, 5.6)], colour)
    c.line([(0, -7), (7.4, 5.6), (-7.4, 5.6), (0, -7)], colour, 1.6)
    c.line([(0, -2.6), (0, 1.4)], INK, 1.9)
    c.circle(0, 4, 1.1, INK)


def _square(c: Canvas, colour: Colour) -> None:
    c.rect(-7.5, -7.5, 15, 15, colour, 3)
    c.line([(-3.2, -3.2), (3.2, 3.2)], INK, 2.2)
    c.line([(-3.2, 3.2), (3.2, -3.2)], INK, 2.2)


def _half(c: Canvas, colour: Colour) -> None:
    c.arc((0, 0), 6, (0, 1), colour, 1.6)
    c.clipped(lambda k: k.rect(-8, 0, 16, 8, colour), lambda k: k.circle(0, 0, 6, colour))


def _moon(c: Canvas, colour: Colour) -> None:
    c.blob(
        [(-1, -7), (-6, -3), (-6, 3), (-1, 7), (5, 5.5), (0.5, 3.5), (-1.5, 0), (0.5, -4)], colour
    )


_SIGNS: Mapping[Shape, Callable[[Canvas, Colour], None]] = MappingProxyType(
    {Shape.HOLLOW: _hollow, Shape.ARC: _arc, Shape.CHECK: _check, Shape.WAVES: _waves,
     Shape.DOTS: _dots, Shape.BARS: _bars, Shape.TRIANGLE: _triangle, Shape.SQUARE: _square,
     Shape.HALF: _half, Shape.MOON: _moon}
)  # fmt: skip


def microphone_picture(painter: Painter, colour: Colour, is_crossed: bool) -> Any:
    """Return a microphone of 26 by 30 pixels, crossed out or not."""

    def draw(c: Canvas) -> None:
        c.origin = (13, 15)
        c.rect(-5, -12, 10, 16, colour, 5)
        c.arc((0, -1), 8, (0.25, 0.75), colour, 2)
        c.line([(0, 7), (0, 11)], colour, 2)
        c.line([(-4, 11.5), (4, 11.5)], colour, 2)
        if is_crossed:
            c.line([(-9, -11), (9, 11)], INK, 5)
            c.line([(-9, -11), (9, 11)], CORAL, 2.6)
        else:
            c.rect(-2.4, -9, 2, 5, fade(SNOW, 0.6), 1)

    return painter.sprite(("microphone", colour, is_crossed), (26, 30), draw, 4)


def loudspeaker_picture(painter: Painter, colour: Colour, is_crossed: bool) -> Any:
    """Return a loudspeaker as large as a sign, crossed out or not."""

    def draw(c: Canvas) -> None:
        c.origin = (SIGN / 2, SIGN / 2)
        c.rect(-9, -3.2, 5, 6.4, colour, 1)
        c.polygon([(-6, -2.4), (-0.5, -7), (-0.5, 7), (-6, 2.4)], colour)
        if is_crossed:
            c.line([(3, -3.5), (9, 3.5)], colour, 2.2)
            c.line([(3, 3.5), (9, -3.5)], colour, 2.2)
        else:
            c.arc((0, 0), 4.5, (0.12, 0.38), colour, 2)
            c.arc((0, 0), 8.5, (0.12, 0.38), colour, 2)

    return painter.sprite(("loudspeaker", colour, is_crossed), (SIGN, SIGN), draw, 4)


def arrow_picture(painter: Painter) -> Any:
    """Return the small tail that points from a badge to a head."""

    def draw(c: Canvas) -> None:
        c.polygon([(0, 0), (14, 0), (7, 7)], INK)

    return painter.sprite("badge tail", (14, 8), draw, 4)
