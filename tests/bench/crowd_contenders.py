"""Contenders of the crowd bench: a level of any number of people over a real service."""

from __future__ import annotations

import gc
import math
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pygame

from characters.client.runtime import Runtime
from characters.components.checks import SCENE_CHECKS
from characters.components.manager import CharacterManager
from characters.components.parts import Parts, make_parts
from characters.components.player import Player
from characters.ui.registration import component_registry, prewarm
from engine.app.application import settle_memory
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from engine.scenes.file import SceneFile

__all__ = ["NEAR", "Level", "crowd_text", "frames", "lint", "start"]

ASSETS = Path(__file__).parents[2] / "assets"
FRAME = 1 / 60
NEAR = 8
FRAMES = 60
SETTLE = 12
CONNECT_SECONDS = 90.0
LOOKS = ("visitor", "nurse", "doctor", "porter", "student", "receptionist")
# The whole of a level on a large screen, and as much of a hall as a window shows.
SIZES = {True: ((1920, 1080), (1920, 1080)), False: ((7200, 7200), (960, 600))}
STEP = 12  # frames that the player walks each way

HEAD = """\
[scene]
size = [{w}, {h}]
[[object]]
name = "Game"
[object.Backdrop]
theme = "clinic"
[object.Hud]
[object.CharacterManager]
approach = {approach:.0f}
reach = {reach:.0f}
[[object]]
name = "Player"
position = [{x:.0f}, {y:.0f}]
[object.Player]
[object.PlayerSprite]
"""
PERSON = """\
[[object]]
name = "Person {number}"
position = [{x:.0f}, {y:.0f}]
[object.CharacterSprite]
look = "{look}"
[object.Character]
character_id = "person-{number}"
persona = "personas/porter-3e8f.toml"
connect = "on_approach"
reconnect_policy = {{ idle = "hibernate" }}
"""
WRONG = """\
[[object]]
name = "Nobody"
[object.Character]
character_id = ""
"""


def crowd_text(people: int, whole: bool = False) -> str:
    """Return a level with people on a spiral around the player, the nearest first."""
    w, h = SIZES[whole][0]
    # Equal area for each, and so `NEAR` of them within this many pixels.
    approach = math.sqrt(NEAR * 0.8 * w * h / math.pi / 1000) if whole else 300.0
    text = [HEAD.format(w=w, h=h, x=w / 2, y=h / 2, approach=approach, reach=approach / 2)]
    for number in range(people):
        # The ninth is as far outside as the player walks.
        nth = number + 0.5 if number < NEAR else number + 2.5
        distance, angle = approach * math.sqrt(nth / NEAR), number * 2.4
        x, y = w / 2 + distance * math.cos(angle), h / 2 + distance * math.sin(angle)
        if whole:  # what a circle leaves of a screen is its corners: they take who is outside
            x, y = x % w, y % h
        look = LOOKS[number % len(LOOKS)]
        text.append(PERSON.format(number=number, x=x, y=y, look=look))
    return "".join(text)


def frames(folder: Path, people: int, whole: bool = False) -> Iterator[list[float]]:
    """Run frames at 60 Hz once those who are near are connected."""
    level = Level(folder, people, whole)
    try:
        level.wait_for_connections(min(NEAR, people))
        while True:
            # What happened while the others were measured is taken in first: a game never waits.
            for _ in range(SETTLE):
                level.frame()
            yield [level.frame() for _ in range(FRAMES)]
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
        level.run()
        took = time.perf_counter() - began
        level.close()
        yield [took]


def lint(folder: Path, people: int) -> Iterator[list[float]]:
    """Check the level, with a broken id at its end: that is found, so all was looked at."""
    folder.mkdir(exist_ok=True, parents=True)
    shutil.copytree(ASSETS / "personas", folder / "assets" / "personas")
    path = folder / "assets" / "crowd.toml"
    path.write_text(crowd_text(people) + WRONG, encoding="utf-8")
    while True:
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "characters", "lint", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.perf_counter() - began
        assert done.returncode == 1 and "1 mistake" in done.stdout, done.stdout + done.stderr
        yield [took]


class Level:
    """One running level with its runtime, its service, its pictures and a HUD."""

    def __init__(self, folder: Path, people: int, whole: bool = False) -> None:
        self.is_whole = whole
        folder.mkdir(exist_ok=True, parents=True)
        path = folder / "crowd.toml"
        path.write_text(crowd_text(people, whole), encoding="utf-8")
        registry = component_registry()
        file = SceneFile.read(path, registry, SCENE_CHECKS, asset_root=ASSETS)
        self.scene: Scene = file.new_scene()
        self.prefs = PlayerPrefs.open(folder / "prefs.msgpack")
        self.parts: Parts = make_parts(
            folder,
            ASSETS,
            self.prefs,
            clock=self.scene.clock,
            dispatcher=self.scene.dispatcher,
            sound=False,
        )
        self.scene.provide(self.parts.runtime, Runtime)
        self.scene.provide(self.prefs)
        file.build(self.scene)
        self.scene.camera.size = SIZES[whole][1]
        for _ in prewarm(self.scene):
            pass  # as the demo does while it loads
        settle_memory()
        self.surface = pygame.Surface(SIZES[whole][1])

    def run(self) -> None:
        """Update and draw one frame; in a hall the player walks to and fro, the camera along."""
        turn = self.scene.time.frame // STEP % 4
        for key, at in (("d", 0), ("a", 2)):
            walks = turn == at and not self.is_whole
            (self.scene.input.press if walks else self.scene.input.release)(key)
        self.scene.update(FRAME)
        if self.scene.time.frame == 1:
            gc.freeze()  # as the demo does
        player = self.scene.find_component(Player)
        assert player is not None
        self.scene.camera.follow(player.transform.position, self.scene.size)
        self.scene.draw(self.surface)

    def frame(self) -> float:
        """Run one frame, wait for the time of the next, and return the seconds it took."""
        began = time.perf_counter()
        self.run()
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
        gc.unfreeze()
        self.scene.close()
        self.parts.close()
        self.prefs.close()
