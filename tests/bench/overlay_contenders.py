"""Contenders of the overlay bench: each yields the seconds of some frames."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pygame

from characters.client.runtime import Runtime
from characters.ui.actions import Actions
from characters.ui.hud import Hud
from characters.ui.model import HudModel, SceneQuery
from characters.ui.paint.painter import make_painter
from characters.ui.paint.screen import paint_screen
from characters.ui.paint.widgets import Gui
from characters.ui.registration import component_registry
from characters.ui.state import HudState
from engine.objects.scene import Scene
from engine.scenes.file import SceneFile
from engine.ui.geometry import Hotspots
from engine.ui.painter import Painter
from tests.characters.ui.fakes import HudRuntime
from tests.characters.ui.helpers import crowd

__all__ = ["blit_pieces", "blit_room", "forgetful_hud", "our_hud", "our_level"]

SIZE = (960, 600)
FRAMES = 60
ASSETS = Path(__file__).parents[2] / "assets"


def blit_room(folder: Path) -> Iterator[list[float]]:
    """Copy one picture of the screen's size."""
    screen, room = pygame.Surface(SIZE), pygame.Surface(SIZE)
    while True:
        yield [timed(lambda: screen.blit(room, (0, 0))) for _ in range(FRAMES)]


def blit_pieces(folder: Path) -> Iterator[list[float]]:
    """Work out where a hundred small pictures belong, and copy them there."""
    screen, badge = pygame.Surface(SIZE), pygame.Surface((120, 40))

    def paint() -> None:
        for number in range(100):
            x, y = number * 37 % SIZE[0], number * 23 % SIZE[1]
            screen.blit(badge, (min(x, SIZE[0] - 120), max(0, y - 40)))

    while True:
        yield [timed(paint) for _ in range(FRAMES)]


def our_hud(folder: Path, panels: bool = False) -> Iterator[list[float]]:
    """Paint the HUD while a sentence streams in, letter by letter."""
    painter, screen = make_painter(), pygame.Surface(SIZE)
    paint = hud_painter(screen, panels)
    while True:
        yield [timed(lambda f=f: paint(painter, talking(f))) for f in range(FRAMES)]  # type: ignore[misc]  # the default binds the loop's value


def forgetful_hud(folder: Path) -> Iterator[list[float]]:
    """Paint the HUD with a painter that remembers nothing."""
    screen = pygame.Surface(SIZE)
    paint = hud_painter(screen, panels=False)
    while True:
        yield [timed(lambda f=f: paint(make_painter(), talking(f))) for f in range(3)]  # type: ignore[misc]  # as above


def our_level(folder: Path) -> Iterator[list[float]]:
    """Draw the clinic with its HUD."""
    registry = component_registry()
    scene, screen = Scene(), pygame.Surface(SIZE)
    scene.provide(HudRuntime(), Runtime)
    SceneFile.read(ASSETS / "scenes" / "clinic.toml", registry, asset_root=ASSETS).build(scene)
    scene.add(Hud())
    while True:
        samples = []
        for _ in range(FRAMES):
            scene.update(1 / 60)
            samples.append(timed(lambda: scene.draw(screen)))
        yield samples


def hud_painter(screen: pygame.Surface, panels: bool) -> Callable[[Painter, HudModel], None]:
    """Return what paints a model onto the screen."""
    state = HudState(is_inspector_open=panels, is_faults_open=panels)
    actions, hotspots = Actions(SceneQuery(Scene()), state, print, int), Hotspots()

    def paint(painter: Painter, model: HudModel) -> None:
        hotspots.begin()
        paint_screen(Gui(painter, screen, model, hotspots), state, actions)

    return paint


def talking(frame: int) -> HudModel:
    """Return the crowd with one sentence said as far as this frame."""
    model = crowd()
    nurse = model.actors[1]
    said, answer = nurse.view.transcript
    grown = replace(answer, text=answer.text[: 20 + 2 * frame])
    view = replace(nurse.view, transcript=(said, grown))
    actors = (model.actors[0], nurse._replace(view=view), *model.actors[2:])
    return replace(model, now=model.now + frame / 60, actors=actors)


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that the action takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
