"""SpriteCache: pictures that are drawn when first asked for and kept within a bound."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

import pygame

__all__ = ["SpriteCache"]


class SpriteCache:
    """Pictures by key; the least recently used ones go when their pixels exceed the bound."""

    def __init__(self, max_pixels: int = 12_000_000) -> None:
        self.max_pixels = max_pixels
        self.pixels = 0
        self.misses = 0
        self._kept: OrderedDict[Hashable, pygame.Surface] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], pygame.Surface]) -> pygame.Surface:
        """Return the picture of the key, made now if it is not there."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        self.misses += 1
        picture = make()
        self._kept[key] = picture
        self.pixels += _area(picture)
        while self.pixels > self.max_pixels and len(self._kept) > 1:
            self.pixels -= _area(self._kept.popitem(last=False)[1])
        return picture


def _area(picture: pygame.Surface) -> int:
    return picture.get_width() * picture.get_height()
