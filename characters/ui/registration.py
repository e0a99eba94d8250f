"""Makes the drawn components known to scene files.

Draws a level's pictures before anybody sees it, so that no frame of the game has to wait.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from characters.components.character import Character
from characters.ui.hud import Hud
from characters.ui.visuals import Backdrop, CharacterSprite, PlayerSprite, Prop
from engine.objects.objects import Component
from engine.objects.scene import Scene

__all__ = ["prewarm", "register_visuals"]


class VisualRegistry(Protocol):
    """The part of `engine.ComponentRegistry` that is used here."""

    def register(self, *component_types: type[Component]) -> object:
        """Take the component types into scene files."""


def register_visuals(registry: VisualRegistry) -> None:
    """Register every component that is there to be seen."""
    registry.register(Backdrop, CharacterSprite, Hud, PlayerSprite, Prop)


def prewarm(scene: Scene) -> Iterator[None]:
    """Draw room, furniture and people, a picture for each step: between the steps of a load.

        yield from rehearse(scene)

    What is kept are pictures, by what they show: a second level with the same look is ready.
    """
    for backdrop in scene.find_components(Backdrop):
        for _ in backdrop.parts():
            yield
    for prop in scene.find_components(Prop):
        prop.draw(_Nowhere())
        yield
    for player in scene.find_components(PlayerSprite):
        yield from player.rehearse()
    if scene.find_components(Character):
        from characters.ui.paint.studio import shared_painter
        from characters.ui.paint.talk import prewarm_badges

        yield from prewarm_badges(shared_painter(scene))
    known = set()
    for sprite in scene.find_components(CharacterSprite):
        worn = (sprite.look, sprite.facing, sprite.pose, sprite.colour, sprite.skin, sprite.hair)
        if worn not in known:
            known.add(worn)
            yield from sprite.rehearse()


class _Nowhere:
    """A surface that takes what is drawn and shows nothing."""

    def blit(self, picture: Any, place: Any) -> None:
        """Forget the picture."""
