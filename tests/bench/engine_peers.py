"""The other engines, where they are installed: the same small update, destroying, creating."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

from tests.bench.engine_contenders import DT, VICTIMS, Plain, frames

__all__: list[str] = []


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


def pyunity_loop(folder: Path, size: int) -> Iterator[list[float]]:
    # Without a window it starts nothing; its frame of scripts runs all the same.
    os.environ.update(PYUNITY_TESTING="1", PYUNITY_DEBUG_MODE="0", HOME=str(folder))
    import pyunity  # type: ignore[import-not-found]  # a peer, measured where it is installed

    class Script(pyunity.Behaviour):  # type: ignore[misc]  # the base is only known at run time
        x = 0.0

        def Update(self, dt: float) -> None:  # noqa: N802 - the name that it looks for
            self.x += dt

    scene = pyunity.SceneManager.AddScene("scene")
    for number in range(size):
        thing = pyunity.GameObject(str(number))
        thing.AddComponent(Script)
        scene.Add(thing)
    nothing_pressed = {"get_mouse_pos": lambda: (0, 0), "get_key": lambda *_: False}
    pyunity.SceneManager.windowObject = SimpleNamespace(**nothing_pressed)
    scene.physics, scene.lastFrame = False, 0.0
    return frames(scene.update_scripts, size)


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
