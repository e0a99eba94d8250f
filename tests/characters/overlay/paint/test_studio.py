from __future__ import annotations

from characters.overlay.paint.studio import FONTS, painter_of
from engine.application import Application
from engine.scene import Scene


def test_a_scene_has_one_painter() -> None:
    scene = Scene()
    assert painter_of(scene) is painter_of(scene)
    assert painter_of(Scene()) is not painter_of(scene)


def test_the_next_level_of_a_game_goes_on_with_the_same_pictures() -> None:
    with Application(headless=True) as application:
        first = painter_of(application.new_scene())
        assert painter_of(application.new_scene()) is first


def test_the_fonts_lie_beside_their_licence() -> None:
    assert (FONTS / "Lato-Regular.ttf").is_file()
    assert "SIL Open Font License" in (FONTS / "LICENSE.txt").read_text(encoding="utf-8")
