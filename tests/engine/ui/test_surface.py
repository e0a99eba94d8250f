"""Logical pixels on a screen that has more of them, or fewer."""

from __future__ import annotations

import pygame
import pytest

from engine.ui.surface import ScaledSurface

RED, BLUE, BLACK, WHITE = (255, 0, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)


def surface(scale: float = 2.0, *, is_smooth: bool = True) -> ScaledSurface:
    target = pygame.Surface((round(100 * scale), round(50 * scale)))
    return ScaledSurface(target, (100, 50), scale, is_smooth=is_smooth)


def at(drawn: ScaledSurface, x: float, y: float) -> tuple[int, ...]:
    """Return the colour of the screen's pixel."""
    return tuple(drawn.target.get_at((round(x), round(y)))[:3])


def test_it_is_as_large_as_the_game_thinks() -> None:
    assert surface(3.6).get_size() == (100, 50)


def test_a_rectangle_covers_the_same_share_of_the_screen() -> None:
    drawn = surface(2.5)
    drawn.fill(RED, (10, 10, 20, 10))
    assert [at(drawn, *place) for place in ((24, 30), (25, 25), (74, 49), (75, 30))] == [
        BLACK, RED, RED, BLACK,
    ]  # fmt: skip


def test_a_line_is_seen_on_a_small_screen_too() -> None:
    drawn = surface(0.3)
    for y in range(48):
        drawn.target.fill(BLACK)
        drawn.fill(RED, (0, y, 100, 1))
        assert any(at(drawn, 5, row) == RED for row in range(15))


def test_a_picture_lies_at_its_logical_place_and_is_not_enlarged() -> None:
    drawn, picture = surface(2), pygame.Surface((10, 10))
    picture.fill(RED)
    drawn.blit(picture, (5.5, 5))
    assert at(drawn, 11, 10) == at(drawn, 20, 19) == RED
    assert at(drawn, 10, 10) == at(drawn, 21, 20) == BLACK


def test_what_pygame_draws_is_enlarged_in_its_turn() -> None:
    drawn, picture = surface(2), pygame.Surface((20, 20))
    picture.fill(BLUE)
    drawn.fill(WHITE)
    pygame.draw.rect(drawn.plain(), RED, (10, 10, 20, 20))
    drawn.blit(picture, (10, 10))
    pygame.draw.rect(drawn.plain(), RED, (12, 12, 2, 2))
    drawn.flush()
    assert at(drawn, 50, 50) == RED  # under the picture's edge
    assert at(drawn, 22, 22) == BLUE  # the picture over it
    assert at(drawn, 26, 26) == RED  # and what came after it
    assert at(drawn, 80, 80) == WHITE


def test_what_is_drawn_first_may_use_the_background_as_on_any_surface() -> None:
    drawn, half = surface(2), pygame.Surface((100, 50))
    half.fill((128, 128, 128))
    drawn.fill(WHITE)
    drawn.plain().blit(half, (0, 0), special_flags=pygame.BLEND_MULT)
    drawn.flush()
    assert at(drawn, 100, 50) == (128, 128, 128)


def test_a_see_through_edge_gets_no_dark_rim() -> None:
    drawn = surface(4)
    drawn.fill(WHITE)
    drawn.fill(WHITE, (0, 0, 1, 1))
    pygame.draw.circle(drawn.plain(), WHITE, (50, 25), 10)
    drawn.flush()
    assert tuple(pygame.transform.average_color(drawn.target))[:3] == WHITE


@pytest.mark.parametrize(("is_smooth", "colours"), [(True, False), (False, True)])
def test_pixels_are_blended_or_become_squares(is_smooth: bool, colours: bool) -> None:
    drawn = surface(3, is_smooth=is_smooth)
    drawn.fill(BLACK)
    drawn.fill(BLACK, (0, 0, 1, 1))  # something sharp, so that a layer is used
    drawn.plain().set_at((10, 10), WHITE)
    drawn.flush()
    square = [at(drawn, 30 + x, 30 + y) for x in range(3) for y in range(3)]
    assert (square == [WHITE] * 9) is colours


def test_nothing_of_one_frame_stays_for_the_next() -> None:
    drawn = surface(2)
    for colour in (RED, BLACK):
        drawn.fill(WHITE)
        drawn.fill(WHITE, (0, 0, 1, 1))
        plain = drawn.plain()
        if colour == RED:
            plain.fill(RED, (10, 10, 5, 5))
        drawn.flush()
    assert at(drawn, 24, 24) == WHITE


def test_filling_all_of_it_covers_what_was_drawn_before() -> None:
    drawn = surface(2)
    drawn.fill(WHITE)
    drawn.plain().fill(RED)
    drawn.fill(BLUE)
    drawn.flush()
    assert at(drawn, 50, 50) == BLUE
