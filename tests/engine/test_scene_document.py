from __future__ import annotations

from pathlib import Path

import pytest

from engine.scene_document import SceneDocument, field_path
from tests.engine.levels import read_level


@pytest.fixture
def document(tmp_path: Path) -> SceneDocument:
    return read_level(tmp_path).document


def test_a_field_is_a_path_of_keys_and_numbers() -> None:
    assert field_path("Actor", "policy.attempts") == ("Actor", "policy", "attempts")
    assert field_path(None, "position.1") == ("position", 1)
    assert field_path("Actor", "") == ("Actor",)


@pytest.mark.parametrize(
    ("component", "field", "place"),
    [
        (None, "", (6, 3)),
        (None, "tag", (9, 7)),
        ("Actor", "", (11, 9)),
        ("Actor", "policy.attempts", (13, 23)),
        ("Actor", "policy.delay_seconds", (13, 10)),
        ("Actor", "friends.0", (14, 12)),
        ("Door", "target", (6, 3)),
    ],
)
def test_a_place_is_that_of_the_field_or_the_nearest_to_it(
    component: str | None, field: str, place: tuple[int, int], document: SceneDocument
) -> None:
    found = document.position(0, component, field)
    assert (found.line, found.column) == place


def test_components_are_found_with_what_was_written_and_what_it_means(
    document: SceneDocument,
) -> None:
    found = {entry.name: actor for entry, actor in document.components("Actor")}
    assert found["Bob"].raw == {"actor_id": "bob"} == found["Bob"].values


def test_a_checks_problem_is_located_and_printed_like_any_other(document: SceneDocument) -> None:
    problem = document.problem(0, "Actor", "actor_id", "is taken", got="ann", hint="another")
    expected = ':12:12: object "Ann": Actor.actor_id: is taken (got "ann"). Try: another'
    assert str(problem).endswith(expected)
