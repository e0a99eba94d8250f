from __future__ import annotations

import pygame
import pytest

import characters as package
from characters.components.character import Character
from characters.english import ENGLISH
from characters.session.conversation import DialogueState
from characters.ui.appearance import Face
from characters.ui.paint.painter import shared_painter
from characters.ui.paint.people import CharacterDrawing
from characters.ui.paint.widgets import sign_picture
from characters.ui.registration import component_registry, prewarm
from characters.ui.visuals import Backdrop, CharacterSprite, PlayerSprite, Prop
from characters.ui.words import talk_badge
from engine.objects.objects import Component
from engine.objects.scene import Scene
from engine.ui.painter import Painter


def test_every_component_of_the_package_can_be_named_in_a_scene_file() -> None:
    names = set(component_registry().names())
    offered = [getattr(package, name) for name in package.__all__]
    assert {
        o.__name__ for o in offered if isinstance(o, type) and issubclass(o, Component)
    } <= names
    assert {"Backdrop", "BoxCollider", "FaultKeys", "Hud"} <= names


def test_a_prop_of_an_unknown_kind_is_a_mistake() -> None:
    registry = component_registry()
    values, mistakes = registry.read("Prop", {"kind": "throne"})
    assert values is None
    assert len(mistakes) == 1


def level(people: int = 1) -> Scene:
    scene = Scene()
    scene.add(Backdrop("exam"))
    scene.create("Door", (300, 200)).add(Prop("door", label="Lobby"))
    scene.create("Ada", (500, 400)).add(PlayerSprite())
    for number in range(people):
        scene.create(f"Bob {number}", (200 + number, 400)).add(CharacterSprite("porter"))
    return scene


@pytest.fixture(scope="module")
def warm() -> Scene:
    """A level whose pictures have been drawn ahead of time."""
    scene = level()
    for _ in prewarm(scene):
        pass
    return scene


def misses(scene: Scene) -> int:
    painter = scene.find_service(Painter)
    assert painter is not None
    return painter.sprites.misses


def test_the_first_frame_of_a_prewarmed_level_draws_nothing_new() -> None:
    scene = level()
    steps = sum(1 for _ in prewarm(scene))
    drawn = misses(scene)
    scene.update(1 / 60)
    scene.draw(pygame.Surface((960, 600)))
    assert misses(scene) == drawn
    assert steps >= drawn > 20


def test_a_crowd_in_the_same_clothes_is_prewarmed_once() -> None:
    assert sum(1 for _ in prewarm(level(50))) == sum(1 for _ in prewarm(level(1)))


def test_who_sits_is_prewarmed_as_they_sit() -> None:
    scene = level(0)
    scene.create("Ill", (200, 400)).add(CharacterSprite("patient", pose="sit"))
    for _ in prewarm(scene):
        pass
    drawn = misses(scene)
    scene.update(1 / 60)
    scene.draw(pygame.Surface((960, 600)))
    assert misses(scene) == drawn


def test_a_level_with_somebody_to_talk_to_has_the_signs_of_talk_ready() -> None:
    scene = level()
    scene.create("Cy", (300, 400)).add(Character("cy"))
    for _ in prewarm(scene):
        pass
    drawn = misses(scene)
    for dialogue in DialogueState:
        said = talk_badge(ENGLISH, dialogue)
        sign_picture(shared_painter(scene), said.shape, said.tone)
    assert misses(scene) == drawn


def test_a_feeling_that_comes_in_the_game_is_one_new_picture_of_known_parts(warm: Scene) -> None:
    drawn = misses(warm)
    porter = CharacterDrawing(shared_painter(warm), ("porter", "", "", ""))
    porter.draw(pygame.Surface((120, 180)), (60, 160), Face("joy", 1, 3, 1))
    assert misses(warm) == drawn + 1
