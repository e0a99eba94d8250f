"""What the two packages export is a list that was decided on; these are the rules of the list."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import pytest

from characters.commands.scenes import project_registry
from tests.imports import ROOT

PACKAGES = ("engine", "characters")
MOST_NAMES = 56

# What somebody who knows the Unity SDK looks for; the contract's table of names.
UNITY_NAMES = (
    *("Character", "CharacterManager", "Player", "SessionState", "ReconnectPolicy"),
    *("ResumePolicy", "SessionData", "SessionPersistence", "KeyValueSessionPersistence"),
    *("KeyValueStore", "PlayerPrefsStore", "RuntimeBuilder", "SessionEventRelay"),
    *("CharacterEventRelay", "TranscriptEventRelay", "SessionStateChanged"),
)


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


@pytest.mark.parametrize("package", PACKAGES)
def test_the_list_is_short_enough_to_be_read(package: str) -> None:
    assert len(importlib.import_module(package).__all__) <= MOST_NAMES


def test_each_name_of_the_unity_sdk_has_its_counterpart() -> None:
    import characters
    import engine

    assert not set(UNITY_NAMES) - set(characters.__all__)
    assert not {"Application", "PlayerPrefs", "SceneManager"} - set(engine.__all__)


def test_where_a_name_has_gone_by_the_changelog_it_can_be_found() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"^\| Was \| Is \|\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)
    for row in table.splitlines()[1:]:
        for name in re.findall(r"`(.*?)`", row.split(" | ")[1]):
            assert pkgutil.resolve_name(name) is not None


def own_types(annotation: Any) -> Iterator[type]:
    """Yield our own types that an annotation names."""
    for inner in get_args(annotation):
        yield from own_types(inner)
    if isinstance(annotation, type) and annotation.__module__.startswith(("characters", "engine")):
        yield annotation


@pytest.mark.parametrize("component", project_registry().names())
def test_what_a_components_fields_are_set_to_comes_from_the_package(component: str) -> None:
    specs = project_registry().fields(component).values()
    for kind in {kind for spec in specs for kind in own_types(spec.annotation)}:
        package = importlib.import_module(kind.__module__.partition(".")[0])
        assert getattr(package, kind.__name__) is kind
        assert_parts_are_beside(kind)


def assert_parts_are_beside(settings: type) -> None:
    """The types of a settings value's own fields are public names of its module."""
    if not dataclasses.is_dataclass(settings) or settings.__module__.startswith("engine"):
        return
    module = importlib.import_module(settings.__module__)
    if module.__name__.startswith("characters.components"):
        return  # a component is no value; its fields have a test of their own
    for hint in get_type_hints(settings).values():
        for kind in own_types(hint):
            assert getattr(module, kind.__name__) is kind
            assert kind.__name__ in module.__all__
