from __future__ import annotations

import pytest

from characters.commands.project import project_linter, project_registry


def test_levels_may_name_our_components_and_those_of_the_engine() -> None:
    assert {"Character", "CharacterManager", "BoxCollider", "Prop"} <= set(project_registry())


def test_a_module_of_the_game_adds_its_own() -> None:
    assert "Lamp" in project_registry(["tests.characters.lamps"])


def test_a_module_that_is_not_there_is_refused() -> None:
    with pytest.raises(ImportError):
        project_registry(["no.such.module"])


def test_the_linter_knows_levels_and_personas() -> None:
    assert list(project_linter().readers) == ["personas", "step"]
