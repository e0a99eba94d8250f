from __future__ import annotations

import pygame
import pytest

from engine.ui.canvas import Canvas, Draw, SpriteCache, shrunk, soften

RED, BLUE = (255, 0, 0, 255), (0, 0, 255, 255)


def drawn(draw: Draw, size: tuple[int, int] = (40, 40), scale: int = 3) -> pygame.Surface:
    canvas = Canvas(size, scale)
    draw(canvas)
    return canvas.finish()


def rgb(picture: pygame.Surface, x: int, y: int) -> list[int]:
    return list(picture.get_at((x, y)))[:3]


def test_a_picture_has_its_logical_size() -> None:
    assert drawn(lambda c: c.rect(0, 0, 40, 40, RED), (33, 21)).get_size() == (33, 21)


def test_edges_are_smooth_and_keep_their_colour() -> None:
    picture = drawn(lambda c: c.circle(20, 20, 15.5, RED))
    edge = [picture.get_at((x, 20)) for x in range(40)]
    half = [pixel for pixel in edge if 0 < pixel[3] < 255]
    assert half
    assert all(pixel[0] > 240 for pixel in half)


def test_what_is_see_through_is_blended_with_what_lies_below() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rect(0, 0, 40, 40, RED)
        canvas.rect(0, 0, 40, 40, (0, 0, 255, 128))

    picture = drawn(draw)
    red, _, blue = rgb(picture, 20, 20)
    assert abs(red - blue) < 6
    assert picture.get_at((20, 20))[3] == 255


def test_the_origin_moves_every_shape() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.origin = (20, 20)
        canvas.rect(-5, -5, 10, 10, RED)
        canvas.line([(10, 10), (15, 15)], RED, 2)

    picture = drawn(draw)
    assert [picture.get_at(p)[3] for p in ((20, 20), (32, 32), (5, 5))] == [255, 255, 0]


def test_clipped_content_stays_within_the_shape() -> None:
    picture = drawn(
        lambda c: c.inside(
            lambda k: k.circle(20, 20, 10, RED), lambda k: k.rect(20, 0, 20, 40, BLUE)
        )
    )
    assert rgb(picture, 26, 20) == [0, 0, 255]
    assert rgb(picture, 14, 20) == [255, 0, 0]
    assert picture.get_at((36, 20))[3] == 0


def test_a_shadow_fades_towards_its_edge_and_keeps_its_colour() -> None:
    picture = drawn(lambda c: c.shadow(20, 20, 10, 10, (40, 20, 60, 200), blur=6))
    alphas = [picture.get_at((x, 20))[3] for x in range(20, 40)]
    assert alphas == sorted(alphas, reverse=True)
    assert alphas[0] > 180
    assert alphas[-1] == 0
    assert rgb(picture, 28, 20) == pytest.approx([40, 20, 60], abs=3)


def test_a_picture_without_gaps_is_kept_without_opacity() -> None:
    picture = drawn(lambda c: c.rect(0, 0, 40, 40, RED))
    assert not picture.get_flags() & pygame.SRCALPHA
    assert rgb(picture, 20, 20)[0] >= 253


def test_a_layer_apart_shows_the_same_wherever_the_picture_cuts_it() -> None:
    def draw(c: Canvas) -> None:
        c.apart(0, 0, 120, 40, lambda k: k.shadow(40, 20, 20, 8, (40, 20, 60, 200), 4))

    def right_half(c: Canvas) -> None:
        c.origin = (-40, 0)
        draw(c)

    whole = pygame.surfarray.array_alpha(drawn(draw, (80, 40))).astype(int)
    half = pygame.surfarray.array_alpha(drawn(right_half)).astype(int)
    assert abs(whole[40:] - half).max() < 6
    assert half.max() > 100


@pytest.mark.parametrize(
    "draw",
    [
        lambda c: c.frame(2, 2, 30, 20, RED, 2, 5),
        lambda c: c.polygon([(2, 2), (30, 2), (16, 30)], RED),
        lambda c: c.blob([(5, 5), (30, 8), (20, 30)], RED),
        lambda c: c.curve([(2, 2), (10, 20), (30, 8)], RED, 3),
        lambda c: c.arc((20, 20), 10, (0, 0.4), RED, 3),
        lambda c: c.gradient(0, 0, 40, 40, (RED, BLUE)),
        lambda c: c.stamp_large(pygame.Surface((9, 9)), 4, 4),
    ],
)
def test_each_shape_leaves_something(draw: Draw) -> None:
    assert pygame.surfarray.array_alpha(drawn(draw)).any()


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


def picture() -> pygame.Surface:
    return pygame.Surface((10, 10))


def test_a_picture_is_made_once() -> None:
    cache = SpriteCache()
    assert cache.get("tree", picture) is cache.get("tree", picture)
    assert cache.misses == 1


def test_the_least_recently_used_pictures_go_first() -> None:
    cache = SpriteCache(max_pixels=200)
    oldest = cache.get("a", picture)
    cache.get("b", picture)
    assert cache.get("a", picture) is oldest
    cache.get("c", picture)
    assert (len(cache), cache.pixels) == (2, 200)
    assert cache.get("a", picture) is oldest


def test_one_picture_stays_whatever_its_size() -> None:
    cache = SpriteCache(max_pixels=5)
    cache.get("huge", picture)
    assert len(cache) == 1
