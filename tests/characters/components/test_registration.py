from __future__ import annotations

import characters as package
from characters.components.registration import register_components
from characters.components.relays import EventRelay
from characters.ui.registration import register_visuals
from engine.objects.objects import Component
from engine.objects.registry import ComponentRegistry


def test_every_component_of_the_package_can_be_named_in_a_scene_file() -> None:
    registry = ComponentRegistry()
    register_components(registry)
    register_visuals(registry)
    offered = [getattr(package, name) for name in package.__all__]
    kinds = {o.__name__ for o in offered if isinstance(o, type) and issubclass(o, Component)}
    assert kinds - {EventRelay.__name__} <= set(registry.names())
