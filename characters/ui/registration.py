"""What scene files may name in a game with a HUD, and drawing a level's pictures ahead of time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from characters.components.character import Character
from characters.components.checks import SCENE_CHECKS
from characters.components.registration import register_components
from characters.ui.hud import Hud
from characters.ui.visuals import Backdrop, CharacterSprite, PlayerSprite, Prop
from engine.objects.objects import Component
from engine.objects.registry import ComponentRegistry
from engine.objects.scene import Scene
from engine.scenes.file import SceneFile

__all__ = ["prewarm", "read_scene", "register_visuals"]


class VisualRegistry(Protocol):
    """The part of `engine.ComponentRegistry` that is used here."""

    def register(self, *component_types: type[Component]) -> object:
        """Take the component types into scene files."""


def register_visuals(registry: VisualRegistry) -> None:
    """Register every component that is there to be seen."""
    registry.register(Backdrop, CharacterSprite, Hud, PlayerSprite, Prop)


def read_scene(
    path: str | Path, *components: type[Component], assets: str | Path | None = None
) -> SceneFile:
    """Read a level's file; `components` are those of the game, beside all that are ours.

        file = read_scene("level.toml", Lamp)
        scene = file.new_scene()
        file.build(scene)

    `assets` is the folder below which its prefabs, profiles and personas lie; without, it is the
    folder called `assets` above the file, or else the file's own.

    Raises:
        TomlFileError: the file has mistakes; it names each, with its line and column.
    """
    registry = ComponentRegistry()
    register_components(registry)
    register_visuals(registry)
    registry.register(*components)
    root = None if assets is None else Path(assets)
    return SceneFile.read(Path(path), registry, SCENE_CHECKS, asset_root=root)


def prewarm(scene: Scene) -> Iterator[None]:
    """Draw room, furniture and people, a picture for each step: between the steps of a load.

        yield from prewarm(scene)

    What is kept are pictures, by what they show: a second level with the same look is ready.
    """
    for backdrop in scene.find_components(Backdrop):
        for _ in backdrop.parts():
            yield
    for prop in scene.find_components(Prop):
        prop.draw(_Nowhere())
        yield
    for player in scene.find_components(PlayerSprite):
        yield from player.prewarm()
    if scene.find_components(Character):
        from characters.ui.paint.painter import shared_painter
        from characters.ui.paint.talk import prewarm_badges

        yield from prewarm_badges(shared_painter(scene))
    known = set()
    for sprite in scene.find_components(CharacterSprite):
        worn = (sprite.look, sprite.facing, sprite.pose, sprite.colour, sprite.skin, sprite.hair)
        if worn not in known:
            known.add(worn)
            yield from sprite.prewarm()


class _Nowhere:
    """A surface that takes what is drawn and shows nothing."""

    def blit(self, picture: Any, place: Any) -> None:
        """Forget the picture."""
