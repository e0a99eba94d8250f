"""The one Painter of a game, with this project's fonts."""

from __future__ import annotations

from characters.installation import package_assets
from engine.app.application import Application
from engine.objects.scene import Scene
from engine.ui.painter import Painter

__all__ = ["make_painter", "shared_painter"]


def make_painter() -> Painter:
    """Return a painter with this project's fonts."""
    return Painter(package_assets() / "fonts")


def shared_painter(scene: Scene, scale: float | None = None) -> Painter:
    """Return the scene's painter; an application hands the same one to its next levels.

    It paints at the scale of the surface that it is for, or else at that of the scene's window.
    """
    painter = scene.find_service(Painter)
    if painter is None:
        painter = make_painter()
        scene.provide(painter)
        application = scene.find_service(Application)
        if application is not None:
            application.provide(painter)
    return painter.at(scene.camera.scale if scale is None else scale)
