from __future__ import annotations

import pygame

from engine.ui.sprites import SpriteCache


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
