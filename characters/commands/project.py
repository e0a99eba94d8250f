"""What the commands know of the project: its components and its checks."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from pathlib import Path

from characters.commands.lint import Linter
from characters.components import SCENE_CHECKS, register_components
from characters.headless.script import Script
from characters.overlay.registration import register_visuals
from characters.service.dialogue.persona import read_persona
from engine.component import Component
from engine.registry import ComponentRegistry
from engine.scene_document import SceneCheck
from engine.toml_file import read_toml

__all__ = ["project_checks", "project_linter", "project_registry"]


def project_registry(modules: Iterable[str] = ()) -> ComponentRegistry:
    """Return our components and those that the modules define. Raises ImportError."""
    registry = ComponentRegistry()
    register_components(registry)
    register_visuals(registry)
    for name in modules:
        registry.register(*_components_of(name))
    return registry


def project_checks() -> tuple[SceneCheck, ...]:
    """Return the checks across objects that every level has to pass."""
    return SCENE_CHECKS


def project_linter(modules: Iterable[str] = ()) -> Linter:
    """Return the linter for all kinds of files of the project. Raises ImportError."""
    readers = {"personas": read_persona, "step": _read_script}
    return Linter(project_registry(modules), project_checks(), readers)


def _read_script(path: Path) -> Script:
    return read_toml(path, Script)


def _components_of(module_name: str) -> list[type[Component]]:
    module = importlib.import_module(module_name)
    own = (kind for kind in vars(module).values() if isinstance(kind, type))
    return [k for k in own if issubclass(k, Component) and k.__module__ == module_name]
