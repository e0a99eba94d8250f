"""The engines that run one small update for each object: ours, the floor, and our peers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from engine.component import Component
from engine.scene import Scene

__all__: list[str] = []

DT = 1 / 60
SECONDS_OF_A_SAMPLE = 0.001  # shorter than a turn of the scheduler: the median knows no others
SAMPLES_OF_A_ROUND = 15
VICTIMS = 200


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


def frames(frame: Callable[[], object], size: int) -> Iterator[list[float]]:
    """Yield rounds of about equal length; a sample is the seconds of one object in one frame."""
    for _ in range(3):
        began = perf_counter()
        frame()
        count = max(1, round(SECONDS_OF_A_SAMPLE / (perf_counter() - began)))

    def sample() -> float:
        began = perf_counter()
        for _ in range(count):
            frame()
        return (perf_counter() - began) / count / max(1, size)

    while True:
        yield [sample() for _ in range(SAMPLES_OF_A_ROUND)]


def bare_loop(folder: Path, size: int) -> Iterator[list[float]]:
    methods = [Plain().update for _ in range(size)]

    def frame() -> None:
        for method in methods:
            method(DT)

    return frames(frame, size)


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


def our_loop(folder: Path, size: int) -> Iterator[list[float]]:
    scene = filled(Mover, size)
    return frames(partial(scene.update, DT), size)


def our_idle(folder: Path, size: int) -> Iterator[list[float]]:
    scene = filled(Label, size)
    return frames(partial(scene.update, DT), 1)


def pygame_sprite() -> Any:
    import pygame

    class Sprite(pygame.sprite.Sprite):
        x = 0.0

        def update(self, dt: float) -> None:
            self.x += dt

    return Sprite()


def pygame_loop(folder: Path, size: int) -> Iterator[list[float]]:
    import pygame

    group: Any = pygame.sprite.Group([pygame_sprite() for _ in range(size)])
    return frames(partial(group.update, DT), size)


def esper_world(size: int) -> Any:
    import esper  # type: ignore[import-not-found]  # a peer, measured where it is installed

    for entity in list(getattr(esper, "_entities", ())):
        esper.delete_entity(entity, immediate=True)
    for _ in range(size):
        esper.create_entity(Plain())
    return esper


def esper_loop(folder: Path, size: int) -> Iterator[list[float]]:
    import esper

    world = esper_world(size)

    class System(esper.Processor):  # type: ignore[misc]  # the base is only known at run time
        def process(self) -> None:
            for _, plain in world.get_component(Plain):
                plain.update(DT)

    world.add_processor(System())
    return frames(world.process, size)


def arcade_sprites(size: int) -> Any:
    import arcade  # type: ignore[import-not-found]  # a peer, measured where it is installed

    class Sprite(arcade.Sprite):  # type: ignore[misc]  # the base is only known at run time
        x = 0.0

        def update(self, delta_time: float = DT) -> None:
            self.x += delta_time

    # Lazy: no window is opened, and so nothing goes to a graphics card.
    sprites = arcade.SpriteList(lazy=True, capacity=size)
    texture = arcade.Texture.create_empty("dot", (1, 1))
    sprites.extend([Sprite(texture) for _ in range(size)])
    return sprites


def arcade_loop(folder: Path, size: int) -> Iterator[list[float]]:
    sprites = arcade_sprites(size)
    return frames(partial(sprites.update, DT), size)


def ursina_loop(folder: Path, size: int) -> Iterator[list[float]]:
    from ursina import Entity, Ursina  # type: ignore[import-not-found]  # a peer, where installed

    app = Ursina(window_type="none")

    class Thing(Entity):  # type: ignore[misc]  # the base is only known at run time
        amount = 0.0

        def update(self) -> None:
            self.amount += DT

    kept = [Thing() for _ in range(size)]
    assert len(kept) == size
    return frames(app.step, size)


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


def esper_destroy(folder: Path, size: int) -> Iterator[list[float]]:
    world = esper_world(size)
    while True:
        victims = random.Random(7).sample([e for e, _ in world.get_component(Plain)], VICTIMS)
        began = perf_counter()
        for victim in victims:
            world.delete_entity(victim)
        world.clear_dead_entities()
        yield [(perf_counter() - began) / VICTIMS]
        for _ in range(VICTIMS):
            world.create_entity(Plain())


def pygame_destroy(folder: Path, size: int) -> Iterator[list[float]]:
    import pygame

    group: Any = pygame.sprite.Group([pygame_sprite() for _ in range(size)])
    while True:
        victims = random.Random(7).sample(group.sprites(), VICTIMS)
        began = perf_counter()
        for victim in victims:
            victim.kill()
        yield [(perf_counter() - began) / VICTIMS]
        group.add([pygame_sprite() for _ in range(VICTIMS)])


def arcade_destroy(folder: Path, size: int) -> Iterator[list[float]]:
    sprites = arcade_sprites(size)
    while True:
        victims = random.Random(7).sample(list(sprites), VICTIMS)
        began = perf_counter()
        for victim in victims:
            victim.remove_from_sprite_lists()
        yield [(perf_counter() - began) / VICTIMS]
        sprites.extend(victims)


def our_create(folder: Path, size: int) -> Iterator[list[float]]:
    while True:
        scene = Scene()
        began = perf_counter()
        for _ in range(size):
            scene.create().add(Mover())
        scene.update(DT)
        yield [(perf_counter() - began) / size]


def esper_create(folder: Path, size: int) -> Iterator[list[float]]:
    while True:
        world = esper_world(0)
        began = perf_counter()
        for _ in range(size):
            world.create_entity(Plain())
        yield [(perf_counter() - began) / size]


def pygame_create(folder: Path, size: int) -> Iterator[list[float]]:
    import pygame

    kind = type(pygame_sprite())
    while True:
        group: Any = pygame.sprite.Group()
        began = perf_counter()
        for _ in range(size):
            group.add(kind())
        yield [(perf_counter() - began) / size]
