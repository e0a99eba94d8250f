from __future__ import annotations

from itertools import product

import pygame
import pytest

from engine.ui.geometry import Rect
from engine.ui.painter import Painter, PanelStyle
from engine.ui.surface import ScaledSurface

INK = (20, 20, 40, 255)
PAPER = (200, 180, 150)


@pytest.fixture
def surface() -> pygame.Surface:
    made = pygame.Surface((300, 200))
    made.fill(PAPER)
    return made


def changed(surface: pygame.Surface, rect: Rect) -> bool:
    pixels = pygame.surfarray.array3d(surface.subsurface(pygame.Rect(*map(int, rect))))
    return bool((pixels != PAPER).any())


def test_text_stands_at_the_left_centre_or_right(surface: pygame.Surface) -> None:
    painter = Painter()
    left = painter.text(surface, "word", (100, 10), 16, INK)
    middle = painter.text(surface, "word", (100, 50), 16, INK, align="center")
    right = painter.text(surface, "word", (100, 90), 16, INK, align="right")
    assert [left.x, middle.center[0], right.right] == pytest.approx([100, 100, 100], abs=1)
    assert changed(surface, left)


def test_a_paragraph_returns_where_it_ends(surface: pygame.Surface) -> None:
    painter = Painter()
    text = "many words that will not fit into one line of this width"
    lines = painter.fonts.lines(text, 100, 16, False)
    end = painter.paragraph(surface, text, (10, 10, 100), 16, INK)
    assert end == 10 + len(lines) * painter.fonts.height(16)


def test_a_paragraph_shows_its_last_lines_where_room_is_short(surface: pygame.Surface) -> None:
    painter = Painter()
    end = painter.paragraph(surface, "one\ntwo\nthree", (10, 10, 100), 16, INK, max_lines=2)
    assert end == 10 + 2 * painter.fonts.height(16)


def test_a_panel_fills_its_rectangle_at_any_size(surface: pygame.Surface) -> None:
    painter = Painter()
    style = PanelStyle(fill=(10, 20, 30, 255), radius=12, shadow=4)
    for rect in (Rect(20, 20, 200, 120), Rect(240, 20, 16, 10), Rect(20, 160, 100, 24)):
        painter.panel(surface, rect, style)
        middle = (round(rect.center[0]), round(rect.center[1]))
        assert list(surface.get_at(middle))[:3] == [10, 20, 30]


@pytest.mark.parametrize("scale", [0.4, 0.5, 0.62, 0.75, 0.9, 1.0, 1.35, 2.0])
def test_a_panel_is_whole_on_a_screen_of_any_size(scale: float) -> None:
    """Its middle is stretched from a picture of few pixels, of which none may be left."""
    fill, width, height = (10, 20, 30, 255), round(300 * scale), round(200 * scale)
    for radius, h in product(range(16), range(14, 40, 3)):
        screen = pygame.Surface((width, height))
        screen.fill(PAPER)
        style = PanelStyle(fill, border_width=0, radius=radius, shadow=2)
        canvas = ScaledSurface(screen, (300, 200), scale)
        Painter(scale=scale).panel(canvas, Rect(40, 60, 120, h), style)
        middle = screen.subsurface(
            (round(60 * scale), round((60 + h / 2) * scale), round(80 * scale), 1)
        )
        assert (pygame.surfarray.array3d(middle) == fill[:3]).all(), (radius, h)


def test_a_growing_panel_costs_no_new_drawing(surface: pygame.Surface) -> None:
    painter = Painter()
    painter.panel(surface, Rect(20, 20, 100, 60))
    before = painter.sprites.misses
    painter.panel(surface, Rect(20, 20, 160, 90))
    assert painter.sprites.misses == before + 1  # the stretched copy, not its corners


def test_a_button_is_brighter_under_the_pointer(surface: pygame.Surface) -> None:
    painter = Painter()
    painter.button(surface, Rect(20, 20, 120, 40), "Retry")
    painter.button(surface, Rect(20, 80, 120, 40), "Retry", hot=True)
    assert sum(surface.get_at((26, 100))[:3]) > sum(surface.get_at((26, 40))[:3])


def test_a_shade_darkens_what_lies_below(surface: pygame.Surface) -> None:
    Painter().shade(surface, Rect(0, 0, 300, 200), (0, 0, 0, 128))
    assert surface.get_at((150, 100))[0] < 110


def test_a_flipped_picture_is_mirrored() -> None:
    picture = pygame.Surface((4, 1))
    picture.set_at((0, 0), (255, 0, 0))
    assert list(Painter().flipped(picture).get_at((3, 0)))[:3] == [255, 0, 0]


def test_a_composed_picture_looks_as_its_parts_do_on_the_screen(surface: pygame.Surface) -> None:
    painter, apart = Painter(), surface.copy()
    style = PanelStyle(radius=10, shadow=4)

    def paint(on: pygame.Surface) -> None:
        painter.panel(on, Rect(10, 10, 100, 40), style)
        painter.text(on, "word", (20, 20), 16, (255, 255, 255, 255))

    for _ in range(2):
        paint(apart)
        surface.blit(painter.composed("badge", (120, 60), paint), (0, 0))
    pixels = [pygame.surfarray.array3d(s).astype(int) for s in (apart, surface)]
    assert abs(pixels[0] - pixels[1]).max() < 8
    assert (pixels[1] != PAPER).any()


def test_a_final_picture_looks_the_same(surface: pygame.Surface) -> None:
    painter, other = Painter(), surface.copy()
    for on, is_final in ((surface, True), (other, False)):
        picture = painter.sprite(
            "dot", (40, 40), lambda c: c.circle(20, 20, 12, (200, 30, 30, 180)), is_final=is_final
        )
        on.blit(picture, (30, 30))
    pixels = [pygame.surfarray.array3d(s).astype(int) for s in (other, surface)]
    assert abs(pixels[0] - pixels[1]).max() < 4
