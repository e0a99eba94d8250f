"""The one Painter of a game, with this project's fonts."""

from __future__ import annotations

from pathlib import Path

from engine.application import Application
from engine.scene import Scene
from engine.ui.painter import Painter

__all__ = ["FONTS", "painter_of"]

FONTS = Path(__file__).resolve().parents[3] / "assets" / "fonts"


def painter_of(scene: Scene) -> Painter:
    """Return the scene's painter; an application hands the same one to its next levels."""
    painter = scene.find_service(Painter)
    if painter is None:
        painter = Painter(FONTS)
        scene.provide(painter)
        application = scene.find_service(Application)
        if application is not None:
            application.provide(painter)
    return painter
