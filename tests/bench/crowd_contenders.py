"""Contenders of the crowd bench: a level of any number of people over a real service."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import pygame

from characters.components import SCENE_CHECKS, CharacterManager, Parts, make_parts
from characters.components.registration import register_components
from characters.overlay import Hud
from characters.runtime import Runtime
from engine.prefs import PlayerPrefs
from engine.registry import ComponentRegistry
from engine.scene import Scene
from engine.scene_file import SceneFile

__all__ = ["crowd_text", "frames", "start"]

ASSETS = Path(__file__).parents[2] / "assets"
FRAME = 1 / 60
SPACING = 180.0  # pixels between neighbours: eight are within the 300 that count as an approach
NEAR = 8
FRAMES = 60
CONNECT_SECONDS = 30.0

HEAD = """\
[scene]
size = [{size}, {size}]
[[object]]
name = "Game"
[object.CharacterManager]
[[object]]
name = "Player"
position = [{middle}, {middle}]
[object.Player]
"""
PERSON = """\
[[object]]
name = "Person {number}"
position = [{x:.0f}, {y:.0f}]
[object.Character]
character_id = "person-{number}"
persona = "personas/porter-3e8f.toml"
connect = "on_approach"
reconnect_policy = {{ idle = "hibernate" }}
"""


def crowd_text(people: int) -> str:
    """Return a level with people on a spiral around the player, the nearest first."""
    middle = SPACING * 20
    text = [HEAD.format(size=2 * middle, middle=middle)]
    for number in range(people):
        # Equal area for each: `NEAR` of them within 300 pixels.
        distance, angle = 300 * math.sqrt((number + 0.5) / NEAR), number * 2.4
        x, y = middle + distance * math.cos(angle), middle + distance * math.sin(angle)
        text.append(PERSON.format(number=number, x=x, y=y))
    return "".join(text)


def frames(folder: Path, people: int, drawn: bool = False) -> Iterator[list[float]]:
    """Run frames at 60 Hz once those who are near are connected."""
    level = Level(folder, people)
    try:
        level.wait_for_connections(min(NEAR, people))
        while True:
            yield [level.frame(drawn) for _ in range(FRAMES)]
    finally:
        level.close()


def start(folder: Path, people: int) -> Iterator[list[float]]:
    """Go from the file to the end of the first frame."""
    folder.mkdir(exist_ok=True, parents=True)
    number = 0
    while True:
        number += 1
        began = time.perf_counter()
        level = Level(folder / str(number), people)
        level.scene.update(FRAME)
        took = time.perf_counter() - began
        level.close()
        yield [took]


class Level:
    """One running level with its runtime, its service and a HUD."""

    def __init__(self, folder: Path, people: int) -> None:
        folder.mkdir(exist_ok=True, parents=True)
        path = folder / "crowd.toml"
        path.write_text(crowd_text(people), encoding="utf-8")
        registry = ComponentRegistry()
        register_components(registry)
        file = SceneFile.read(path, registry, SCENE_CHECKS, asset_root=ASSETS)
        self.scene: Scene = file.new_scene()
        self.prefs = PlayerPrefs.open(folder / "prefs.msgpack")
        self.parts: Parts = make_parts(
            folder, ASSETS, self.prefs, clock=self.scene.clock, dispatcher=self.scene.dispatcher
        )
        self.scene.provide(self.parts.runtime, Runtime)
        self.scene.provide(self.prefs)
        file.build(self.scene)
        self.scene.add(Hud())
        self.scene.camera.size = (960, 600)
        self.scene.camera.x = self.scene.camera.y = SPACING * 20
        self.surface = pygame.Surface((960, 600))

    def frame(self, drawn: bool = False) -> float:
        """Run one frame, wait for the time of the next, and return the seconds it took."""
        began = time.perf_counter()
        self.scene.update(FRAME)
        if drawn:
            self.scene.draw(self.surface)
        took = time.perf_counter() - began
        time.sleep(max(0.0, FRAME - took))
        return took

    def wait_for_connections(self, wanted: int) -> None:
        """Run frames until so many are connected. Raises TimeoutError."""
        end = time.monotonic() + CONNECT_SECONDS
        while self.connected < wanted:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.connected} of {wanted} are connected")
            self.frame()

    @property
    def connected(self) -> int:
        """How many can be talked to."""
        manager = self.scene.find_component(CharacterManager)
        assert manager is not None
        return sum(c.is_connected for c in manager.characters)

    def close(self) -> None:
        """Leave the level and end its service."""
        self.scene.close()
        self.parts.close()
        self.prefs.close()
