from __future__ import annotations

import pygame

from characters.ui.appearance import CREAM
from characters.ui.paint.widgets import microphone_picture, sign_picture
from characters.ui.words import Shape, Tone
from tests.characters.ui.paint.pictures import painter


def opacity(picture: pygame.Surface) -> bytes:
    return pygame.surfarray.array_alpha(picture).tobytes()


def test_outlines_and_insides_differ_without_any_colour() -> None:
    brush = painter()
    greys = set()
    for shape in Shape:
        picture = pygame.transform.grayscale(sign_picture(brush, shape, Tone.GOOD))
        greys.add(pygame.image.tobytes(picture, "RGBA"))
    assert len(greys) == len(Shape)


def test_a_ring_shows_how_much_is_left() -> None:
    brush = painter()
    full = sign_picture(brush, Shape.TRIANGLE, Tone.WARN, 1.0)
    little = sign_picture(brush, Shape.TRIANGLE, Tone.WARN, 0.25)
    assert opacity(full) != opacity(little)


def test_a_closed_microphone_is_crossed_out() -> None:
    brush = painter()
    crossed = microphone_picture(brush, CREAM, True)
    assert opacity(crossed) != opacity(microphone_picture(brush, CREAM, False))
