"""What scene files may name, and drawing a level's pictures ahead of time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from characters.components.character import Character
from characters.components.checks import SCENE_CHECKS
from characters.components.manager import CharacterManager
from characters.components.player import (
    Door,
    FaultKeys,
    NextVisitor,
    Player,
    SpawnPoint,
    Trigger,
)
from characters.components.relays import (
    CharacterEventRelay,
    SessionEventRelay,
    TranscriptEventRelay,
)
from characters.ui.hud import Hud
from characters.ui.visuals import Backdrop, CharacterSprite, PlayerSprite, Prop
from engine.objects.objects import Component
from engine.objects.physics import BoxCollider
from engine.objects.registry import ComponentRegistry
from engine.objects.scene import Scene
from engine.scenes.file import SceneFile

__all__ = ["component_registry", "prewarm", "read_scene"]


def component_registry() -> ComponentRegistry:
    """Return a registry with every component of this package, and the engine's collider."""
    return ComponentRegistry(
        Backdrop, BoxCollider, Character, CharacterEventRelay, CharacterManager, CharacterSprite,
        Door, FaultKeys, Hud, NextVisitor, Player, PlayerSprite, Prop, SessionEventRelay,
        SpawnPoint, TranscriptEventRelay, Trigger,
    )  # fmt: skip


def read_scene(
    path: str | Path, *components: type[Component], assets: str | Path | None = None
) -> SceneFile:
    """Read a level's file; `components` are those of the game, beside all that are ours.

        file = read_scene("level.toml", Lamp)
        scene = file.new_scene()
        file.build(scene)

    `assets` is the folder below which its prefabs, profiles and personas lie; without, it is the
    folder called `assets` above the file, or else the file's own. Raises TomlFileError, which
    names each mistake of the file with its line and column.
    """
    registry = component_registry()
    registry.register(*components)
    root = None if assets is None else Path(assets)
    return SceneFile.read(Path(path), registry, SCENE_CHECKS, asset_root=root)


def prewarm(scene: Scene) -> Iterator[None]:
    """Draw room, furniture and people, a picture for each step: between the steps of a load.

        yield from prewarm(scene)

    Pictures are kept by what they show, so that a second level with the same looks is ready.
    """
    for backdrop in scene.find_components(Backdrop):
        for _ in backdrop.parts():
            yield
    for prop in scene.find_components(Prop):
        prop.picture()
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
