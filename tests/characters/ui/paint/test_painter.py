from __future__ import annotations

from characters.installation import package_assets
from characters.ui.paint.painter import shared_painter
from engine.app.application import Application
from engine.objects.scene import Scene


def test_a_scene_has_one_painter() -> None:
    scene = Scene()
    assert shared_painter(scene) is shared_painter(scene)
    assert shared_painter(Scene()) is not shared_painter(scene)


def test_the_next_level_of_a_game_goes_on_with_the_same_pictures() -> None:
    with Application(headless=True) as application:
        first = shared_painter(application.new_scene())
        assert shared_painter(application.new_scene()) is first


def test_the_fonts_lie_beside_their_licence() -> None:
    assert (package_assets() / "fonts" / "Lato-Regular.ttf").is_file()
    assert "SIL Open Font License" in (package_assets() / "fonts" / "LICENSE.txt").read_text(
        encoding="utf-8"
    )
