"""Every screen of the game, drawn in the real window at three sizes."""

from __future__ import annotations

from pathlib import Path

import pygame
import pytest

from tests.screens import SIZES, take_pictures


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_every_screen_is_drawn_over_the_whole_window(
    tmp_path: Path, size: str, service_url: str
) -> None:
    width, height = map(int, size.split("x"))
    pictures = take_pictures(tmp_path, size, service_url)
    assert len(pictures) > 13
    for path in pictures:
        picture = pygame.image.load(path)
        assert picture.get_size() == (width, height)
        left, top = bars(width, height)
        assert is_black(picture, left - 1, top - 1) or (left, top) == (0, 0), path.name
        edges = ((left, top), (width - 1 - left, height - 1 - top))
        assert not any(is_black(picture, x, y) for x, y in edges), path.name


def bars(width: int, height: int) -> tuple[int, int]:
    """Return how wide the black bars are beside and above a picture of 960 x 600."""
    scale = min(width / 960, height / 600)
    return int(width - 960 * scale) // 2, int(height - 600 * scale) // 2


def is_black(picture: pygame.Surface, x: int, y: int) -> bool:
    return tuple(picture.get_at((max(0, x), max(0, y))))[:3] == (0, 0, 0)
