from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pygame
import pytest
from numpy.typing import NDArray

from engine.app.gif import encode_gif, write_gif


def noise(seed: int, size: tuple[int, int] = (64, 96)) -> NDArray[np.uint8]:
    chosen = np.random.default_rng(seed).integers(0, 8, size)
    colours = np.random.default_rng(7).integers(0, 32, (8, 3)) * 255 // 31
    return colours.astype(np.uint8)[chosen]


def first_picture(data: bytes) -> NDArray[np.uint8]:
    surface = pygame.image.load(io.BytesIO(data), "x.gif").convert(24)
    return pygame.surfarray.array3d(surface).swapaxes(0, 1)


@pytest.fixture(autouse=True)
def screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    pygame.display.set_mode((8, 8))


@pytest.mark.parametrize("size", [(1, 1), (64, 96), (300, 200)])
def test_a_picture_of_few_colours_comes_back_as_it_was(size: tuple[int, int]) -> None:
    picture = noise(1, size)
    assert np.array_equal(first_picture(encode_gif([picture], 0.1)), picture)


def test_a_still_frame_costs_next_to_nothing() -> None:
    picture = noise(1)
    one, ten = encode_gif([picture], 0.1), encode_gif([picture] * 10, 0.1)
    assert len(ten) - len(one) < 9 * 32


def test_without_a_frame_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        write_gif(tmp_path / "a.gif", [], 0.1)
    assert not (tmp_path / "a.gif").exists()
