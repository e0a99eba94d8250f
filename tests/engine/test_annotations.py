from __future__ import annotations

from typing import Annotated, Any

import pytest

from engine.annotations import bare, item_types, members


def test_a_union_has_members_and_anything_else_is_its_own() -> None:
    assert members(int | None) == (int, type(None))
    assert members(int) == (int,)


def test_markers_are_taken_off() -> None:
    assert bare(Annotated[str, "marker"]) is str
    assert bare(str) is str


@pytest.mark.parametrize(
    ("annotation", "kinds"),
    [(list[int], (int, int)), (tuple[int, ...], (int, int)), (tuple[int, str], (int, str))],
)
def test_each_item_of_a_list_or_tuple_has_its_type(annotation: Any, kinds: Any) -> None:
    assert item_types(annotation, [1, 2]) == kinds
