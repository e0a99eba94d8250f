from __future__ import annotations

import pygame
import pytest

from engine.ui.pixels import shrunk, soften


def block(colour: tuple[int, int, int, int], area: tuple[int, int, int, int]) -> pygame.Surface:
    made = pygame.Surface((30, 30), pygame.SRCALPHA, 32)
    made.fill(colour, area)
    return made


def test_a_pixel_becomes_the_mean_of_those_it_stands_for() -> None:
    small = shrunk(block((200, 100, 50, 255), (0, 0, 30, 10)), 3)
    assert small.get_size() == (10, 10)
    assert tuple(small.get_at((5, 2))) == (200, 100, 50, 255)
    assert small.get_at((5, 5))[3] == 0


def test_an_edge_keeps_its_colour_and_loses_only_opacity() -> None:
    edge = shrunk(block((200, 100, 50, 255), (0, 0, 30, 11)), 3).get_at((5, 3))
    assert tuple(edge)[:3] == pytest.approx((200, 100, 50), abs=2)
    assert edge[3] == 170


def test_a_picture_without_gaps_loses_its_opacity() -> None:
    small = shrunk(block((200, 100, 50, 255), (0, 0, 30, 30)), 2)
    assert not small.get_flags() & pygame.SRCALPHA
    assert tuple(small.get_at((3, 3)))[:3] == (200, 100, 50)


@pytest.mark.parametrize("radius", [2, 6, 12])
def test_a_blur_keeps_the_size_and_the_sum_of_light(radius: int) -> None:
    after = pygame.surfarray.array_alpha(soften(block((9, 9, 9, 255), (9, 9, 12, 12)), radius))
    assert after.shape == (30, 30)
    assert after.astype(int).sum() == pytest.approx(144 * 255, rel=0.12)
    assert 0 < after[9, 15] < 255


def test_a_part_of_a_picture_is_blurred_as_a_picture_of_its_own_would_be() -> None:
    whole = block((200, 100, 50, 255), (10, 10, 10, 10))
    part = whole.subsurface((5, 5, 20, 20))
    both = [pygame.surfarray.array_alpha(soften(p, 6)) for p in (part, part.copy())]
    assert (both[0] == both[1]).all()
