"""The one Painter of a game, with this project's fonts."""

from __future__ import annotations

from pathlib import Path

from engine.app.application import Application
from engine.objects.scene import Scene
from engine.ui.painter import Painter

__all__ = ["FONTS", "shared_painter"]


FONTS = Path(__file__).resolve().parents[3] / "assets" / "fonts"


def shared_painter(scene: Scene) -> Painter:
    """Return the scene's painter; an application hands the same one to its next levels."""
    painter = scene.find_service(Painter)
    if painter is None:
        painter = Painter(FONTS)
        scene.provide(painter)
        application = scene.find_service(Application)
        if application is not None:
            application.provide(painter)
    return painter
