from __future__ import annotations

import pygame

from characters.ui.appearance import CREAM
from characters.ui.paint.widgets import FONTS, microphone_picture, shared_painter, sign_picture
from characters.ui.words import Shape, Tone
from engine.app.application import Application
from engine.objects.scene import Scene
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


def test_a_scene_has_one_painter() -> None:
    scene = Scene()
    assert shared_painter(scene) is shared_painter(scene)
    assert shared_painter(Scene()) is not shared_painter(scene)


def test_the_next_level_of_a_game_goes_on_with_the_same_pictures() -> None:
    with Application(headless=True) as application:
        first = shared_painter(application.new_scene())
        assert shared_painter(application.new_scene()) is first


def test_the_fonts_lie_beside_their_licence() -> None:
    assert (FONTS / "Lato-Regular.ttf").is_file()
    assert "SIL Open Font License" in (FONTS / "LICENSE.txt").read_text(encoding="utf-8")
