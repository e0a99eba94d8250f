from __future__ import annotations

from characters.overlay import register_visuals
from engine.registry import ComponentRegistry


def test_scene_files_may_name_what_is_seen() -> None:
    registry = ComponentRegistry()
    register_visuals(registry)
    assert registry.names() == ("Backdrop", "CharacterSprite", "Hud", "PlayerSprite", "Prop")


def test_a_prop_of_an_unknown_kind_is_a_mistake() -> None:
    registry = ComponentRegistry()
    register_visuals(registry)
    values, mistakes = registry.read("Prop", {"kind": "throne"})
    assert values is None
    assert len(mistakes) == 1
