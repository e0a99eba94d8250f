from __future__ import annotations

import pygame
import pytest

from characters.ui.appearance import FLOOR_TOP
from characters.ui.paint.scenery import MARGIN, draw_backdrop, prop_picture, room, room_parts
from engine.ui.canvas import Canvas
from engine.ui.geometry import Rect
from engine.ui.painter import Painter
from tests.characters.ui.paint.pictures import painter


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


def test_the_foot_lies_in_the_middle_of_the_lower_edge() -> None:
    picture, foot = prop_picture(painter(), "desk", "", "", False)
    assert foot == (picture.get_width() / 2, picture.get_height() - MARGIN)


@pytest.mark.parametrize("kind", ["door", "blackboard", "reception", "sofa"])
def test_a_label_is_written_on_any_piece(kind: str) -> None:
    brush = painter()
    plain, _ = prop_picture(brush, kind, "", "", False)  # type: ignore[arg-type]  # parametrize hands out plain texts
    labelled, _ = prop_picture(brush, kind, "Lobby", "", False)  # type: ignore[arg-type]  # as above
    assert plain.get_buffer().raw != labelled.get_buffer().raw


def test_another_colour_is_another_picture() -> None:
    brush = painter()
    red, _ = prop_picture(brush, "sofa", "", "#aa2222", False)
    blue, _ = prop_picture(brush, "sofa", "", "#2222aa", False)
    assert red.get_buffer().raw != blue.get_buffer().raw


def test_a_picture_is_kept_flipped_or_not() -> None:
    brush = painter()
    flipped, _ = prop_picture(brush, "desk", "", "", True)
    assert prop_picture(brush, "desk", "", "", True)[0] is flipped
    assert prop_picture(brush, "desk", "", "", False)[0] is not flipped
