"""What a package re-exports is what its public modules export: nothing forgotten, nothing stale."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest

from characters.commands.project import project_registry
from engine.component import Component
from tests.imports import modules

PACKAGES = [m.name for m in modules().values() if m.is_package and m.imports]


def exported_by_modules(package: str) -> set[str]:
    """Return what the modules named in the package's own imports export, all of it."""
    named = {i.name for i in modules()[package].imports if i.name.startswith(package + ".")}
    return {name for module in named for name in importlib.import_module(module).__all__}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_re_exports_all_that_its_public_modules_export(package: str) -> None:
    exported = set(importlib.import_module(package).__all__)
    public = exported_by_modules(package)
    assert exported == public, f"missing {public - exported}, stale {exported - public}"


@pytest.mark.parametrize("package", PACKAGES)
def test_each_exported_name_exists(package: str) -> None:
    root = importlib.import_module(package)
    assert [name for name in root.__all__ if not hasattr(root, name)] == []


def own_types(annotation: Any) -> Iterator[type]:
    """Yield our own types that an annotation names, and those of their fields."""
    for inner in get_args(annotation):
        yield from own_types(inner)
    if isinstance(annotation, type) and annotation.__module__.startswith(("characters", "engine")):
        yield annotation
        if dataclasses.is_dataclass(annotation) and not issubclass(annotation, Component):
            hints = get_type_hints(annotation)
            for field in dataclasses.fields(annotation):
                yield from own_types(hints[field.name])


@pytest.mark.parametrize("component", project_registry().names())
def test_what_a_components_fields_are_said_with_comes_from_the_package(component: str) -> None:
    specs = project_registry().fields(component).values()
    needed = {kind for spec in specs for kind in own_types(spec.annotation)}
    package = {kind: importlib.import_module(kind.__module__.partition(".")[0]) for kind in needed}
    assert [k.__name__ for k in needed if getattr(package[k], k.__name__, None) is not k] == []
