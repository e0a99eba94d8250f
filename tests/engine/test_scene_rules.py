from __future__ import annotations

import pytest

from engine.scene_rules import HandlerName


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Lamp.toggle", (None, "Lamp", "toggle")),
        ("Ann:Lamp.toggle", ("Ann", "Lamp", "toggle")),
        ("Mr. Ann: Esq.:Lamp.toggle", ("Mr. Ann: Esq.", "Lamp", "toggle")),
        ("Ann : Lamp.toggle", ("Ann", "Lamp", "toggle")),
    ],
)
def test_a_handler_is_named_by_object_component_and_method(
    text: str, parts: tuple[str | None, str, str]
) -> None:
    assert HandlerName.parse(text) == HandlerName(*parts)


@pytest.mark.parametrize("text", ["", "Lamp", "Lamp.", ".toggle", ":Lamp.toggle", "Ann:"])
def test_anything_else_names_none(text: str) -> None:
    assert HandlerName.parse(text) is None
