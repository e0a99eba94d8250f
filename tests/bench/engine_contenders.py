"""What runs one small update for each object: our scene, the floor, and loops of one's own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from engine.objects.objects import Component
from engine.objects.scene import Scene

__all__: list[str] = []

DT = 1 / 60
SECONDS_OF_A_SAMPLE = 0.001  # shorter than a turn of the scheduler: the median knows no others
SAMPLES_OF_A_ROUND = 15
VICTIMS = 200

Frame = Callable[[], object]


class Plain:
    """An object of our own with the small update that every contender runs."""

    def __init__(self) -> None:
        self.enabled = True
        self.x = 0.0

    def update(self, dt: float) -> None:
        self.x += dt


class Mover(Component):
    """The same as a component."""

    x: float = 0.0

    def update(self, dt: float) -> None:
        self.x += dt


class Label(Component):
    """A component without any hook."""

    text: str = ""


class Picture(Component):
    """A component that is drawn."""

    def draw(self, surface: Any) -> None:
        surface.append(self)


def samples(frame: Frame, size: int, seconds: float) -> Iterator[float]:
    """Yield the seconds of one object in one frame, each measured for about as long."""
    for _ in range(3):
        began = perf_counter()
        frame()
        count = max(1, round(seconds / (perf_counter() - began)))
    while True:
        began = perf_counter()
        for _ in range(count):
            frame()
        yield (perf_counter() - began) / count / max(1, size)


def frames(frame: Frame, size: int) -> Iterator[list[float]]:
    """Yield rounds of about equal length."""
    timed = samples(frame, size, SECONDS_OF_A_SAMPLE)
    while True:
        yield [next(timed) for _ in range(SAMPLES_OF_A_ROUND)]


def paired(one: Frame, other: Frame, size: int) -> Iterator[list[list[float]]]:
    """Yield rounds of two frames in turns: where each lies in memory differs less so."""
    both = [samples(frame, size, SECONDS_OF_A_SAMPLE / 4) for frame in (one, other)]
    while True:
        rows: list[list[float]] = [[], []]
        for _ in range(SAMPLES_OF_A_ROUND * 4):
            for row, timed in zip(rows, both, strict=True):
                row.append(next(timed))
        yield rows


def bare_and_our_loop(folder: Path, size: int) -> Iterator[list[list[float]]]:
    methods = [Plain().update for _ in range(size)]

    def bare(dt: float) -> None:
        for method in methods:
            method(dt)

    scene = filled(Mover, size)
    return paired(partial(bare, DT), partial(scene.update, DT), size)


def checked_loop(folder: Path, size: int) -> Iterator[list[float]]:
    objects = [Plain() for _ in range(size)]

    def frame() -> None:
        for thing in objects:
            if thing.enabled:
                thing.update(DT)

    return frames(frame, size)


def walked_loop(folder: Path, size: int) -> Iterator[list[float]]:
    objects = [[Plain()] for _ in range(size)]

    def frame() -> None:
        for components in objects:
            for component in components:
                if component.enabled:
                    try:
                        component.update(DT)
                    except Exception as error:
                        print(error)

    return frames(frame, size)


def filled(component: Callable[[], Component], size: int) -> Scene:
    scene = Scene()
    for _ in range(size):
        scene.create().add(component())
    scene.update(DT)
    return scene


def empty_and_our_idle(folder: Path, size: int) -> Iterator[list[list[float]]]:
    empty, full = filled(Label, 0), filled(Label, size)
    return paired(partial(empty.update, DT), partial(full.update, DT), 1)


def sorted_draw(folder: Path) -> Iterator[list[float]]:
    pictures = [Plain() for _ in range(1_000)]

    def frame() -> None:
        surface: list[object] = []
        for picture in sorted(pictures, key=lambda p: p.x):
            surface.append(picture)

    return frames(frame, 1)


def our_draw(folder: Path, moving: int) -> Iterator[list[float]]:
    scene = filled(Picture, 1_000)
    for number, thing in enumerate(scene.objects):
        thing.transform.position = (0.0, float(number))
    movers = [thing.transform for thing in scene.objects[:moving]]

    def frame() -> None:
        for mover in movers:
            mover.translate(0.0, 1.0)
        scene.draw([])

    return frames(frame, 1)


def hand_destroy(folder: Path, size: int) -> Iterator[list[float]]:
    """The floor: a mark at once, and at the end of the frame out of the two tables."""
    updates = {thing: thing.update for thing in (Plain() for _ in range(size))}
    things = dict.fromkeys(updates)
    while True:
        victims = random.Random(7).sample(list(things), VICTIMS)
        began = perf_counter()
        marked = []
        for victim in victims:
            victim.enabled = False
            del updates[victim]
            marked.append(victim)
        for gone in marked:
            del things[gone]
        yield [(perf_counter() - began) / VICTIMS]
        for thing in [Plain() for _ in range(VICTIMS)]:
            things[thing], updates[thing] = None, thing.update


def our_destroy(folder: Path, size: int) -> Iterator[list[float]]:
    scene = filled(Mover, size)
    while True:
        began = perf_counter()
        scene.update(DT)
        frame_alone = perf_counter() - began
        victims = random.Random(7).sample(scene.objects, VICTIMS)
        began = perf_counter()
        for victim in victims:
            victim.destroy()
        scene.update(DT)
        yield [(perf_counter() - began - frame_alone) / VICTIMS]
        for _ in range(VICTIMS):
            scene.create().add(Mover())
        scene.update(DT)


def our_create(folder: Path, size: int) -> Iterator[list[float]]:
    while True:
        scene = Scene()
        began = perf_counter()
        for _ in range(size):
            scene.create().add(Mover())
        scene.update(DT)
        yield [(perf_counter() - began) / size]
