"""Draws a level's pictures before anybody sees it, so that no frame of the game has to wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from characters.components import Character
from characters.overlay.visuals import Backdrop, CharacterSprite, PlayerSprite, Prop
from engine.scene import Scene

__all__ = ["rehearse"]


def rehearse(scene: Scene) -> Iterator[None]:
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
        from characters.overlay.paint.badges import rehearse_badges
        from characters.overlay.paint.studio import painter_of

        yield from rehearse_badges(painter_of(scene))
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
