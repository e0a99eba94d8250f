from __future__ import annotations

import pytest

from characters.service.context import RUNTIME_BUDGET, ContextError, LevelContext


def text(context: LevelContext) -> object:
    return context.view()["dynamic_info"]


def test_text_is_appended_replaced_and_reset() -> None:
    context = LevelContext("a clinic")
    context.update("it rains", "append", None)
    context.update("it pours", "append", None)
    assert text(context) == "a clinic\nit rains\nit pours"
    context.update("the sun", "replace", None)
    assert text(context) == "a clinic\nthe sun"
    context.update(None, "reset", True)
    assert text(context) == ""


def test_the_oldest_text_goes_when_the_budget_is_spent() -> None:
    context = LevelContext()
    context.update("old", "append", None)
    context.update("x" * (RUNTIME_BUDGET * 4 - 4), "append", None)
    context.update("new", "append", None)
    assert "old" not in str(text(context))
    assert context.figures()["runtime_token_count"] == RUNTIME_BUDGET


def test_a_text_beyond_the_budget_changes_nothing() -> None:
    context = LevelContext()
    context.update("kept", "append", None)
    with pytest.raises(ContextError, match="estimated tokens"):
        context.update("x" * (RUNTIME_BUDGET * 4 + 1), "replace", None)
    assert text(context) == "kept"


def test_appending_nothing_is_an_error() -> None:
    with pytest.raises(ContextError, match="'text' is required"):
        LevelContext().update(None, "append", None)


def test_attention_is_a_name_or_a_thing_and_can_be_cleared() -> None:
    context = LevelContext()
    context.attend({"name": "torch"})
    assert context.view()["attention"] == "torch"
    context.attend("")
    assert context.view()["attention"] is None
    with pytest.raises(ContextError):
        context.attend(5)


def test_scene_and_keys_are_bounded() -> None:
    context = LevelContext()
    with pytest.raises(ContextError):
        context.set_scene(({"name": "x"},) * 300)
    with pytest.raises(ContextError):
        context.set_keys({str(number): "x" for number in range(300)})


def test_only_a_list_restricts_what_can_be_done() -> None:
    context = LevelContext()
    context.set_affordances({"actions": []})
    assert context.view()["actions"] is None
    context.set_affordances({"actions": ["Wave", {"value": "Point"}, 5]})
    assert context.view()["actions"] == {"Wave", "Point"}
