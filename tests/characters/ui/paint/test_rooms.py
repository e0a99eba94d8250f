from __future__ import annotations

import pygame
import pytest

from characters.ui.appearance import FLOOR_TOP
from characters.ui.paint.rooms import draw_backdrop, room, room_parts
from engine.ui.canvas import Canvas
from engine.ui.geometry import Rect
from engine.ui.painter import Painter


def drawn(theme: str, size: tuple[int, int]) -> pygame.Surface:
    canvas = Canvas(size, 1)
    draw_backdrop(canvas, theme)
    return canvas.finish()


@pytest.mark.parametrize("theme", ["clinic", "lobby", "exam"])
@pytest.mark.parametrize("size", [(960, 600), (1600, 720)])
def test_a_room_leaves_no_gap_at_any_size(theme: str, size: tuple[int, int]) -> None:
    assert pygame.surfarray.array_alpha(drawn(theme, size)).min() == 255


def test_wall_and_floor_meet_where_the_levels_expect_it() -> None:
    picture = drawn("lobby", (960, 600))
    assert picture.get_at((20, FLOOR_TOP - 4)) != picture.get_at((20, FLOOR_TOP + 40))


def test_an_unknown_theme_is_a_clinic() -> None:
    assert room("spaceship") == room("clinic")


@pytest.mark.parametrize("theme", ["clinic", "lobby", "exam"])
def test_the_parts_of_a_room_look_like_the_whole(theme: str) -> None:
    size = (640, 400)  # four parts
    whole, joined = Canvas(size, 2), pygame.Surface(size)
    draw_backdrop(whole, theme)
    for picture, place in room_parts(Painter(), theme, size, Rect(0, 0, *size)):
        joined.blit(picture, place)
    pixels = [pygame.surfarray.array3d(p).astype(int) for p in (whole.finish(), joined)]
    assert abs(pixels[0] - pixels[1]).max() < 12


def test_of_a_large_room_only_what_is_seen_is_drawn() -> None:
    painter = Painter()
    parts = list(room_parts(painter, "clinic", (9000, 7000), Rect(8500, 6700, 960, 600)))
    assert [place for _, place in parts] == [(8160, 6600), (8640, 6600), (8160, 6900), (8640, 6900)]
    assert painter.sprites.pixels < 960 * 600
