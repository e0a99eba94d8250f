from __future__ import annotations

import pygame
import pytest

from characters.overlay.catalogue import FLOOR_TOP
from characters.overlay.paint.backdrops import draw_backdrop, room
from engine.ui.canvas import Canvas


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
