"""What the two packages export is a list that was decided on; this proves that it is true."""

from __future__ import annotations

import ast
import dataclasses
import importlib
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest

from characters.commands.scenes import project_registry
from engine.objects.objects import Component
from tests.imports import ROOT

PACKAGES = ("engine", "characters")


def stub_of(package: str) -> dict[str, str]:
    """Return the names that the package's stub imports, each with its module."""
    tree = ast.parse((ROOT / package / "__init__.pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_see_the_names_that_the_package_has(package: str) -> None:
    assert stub_of(package) == dict(importlib.import_module(package)._MODULES)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_exported_name_exists_where_its_module_says(package: str) -> None:
    root = importlib.import_module(package)
    for name, module in root._MODULES.items():
        assert getattr(root, name) is getattr(importlib.import_module(module), name)
        assert name in importlib.import_module(module).__all__


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
