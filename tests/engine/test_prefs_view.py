from __future__ import annotations

import logging
from typing import cast

import pytest

from engine.prefs_values import Change, Value, apply_change
from engine.prefs_view import MAX_KEY_BYTES, MAX_VALUE_BYTES, PrefsView


class InMemory(PrefsView):
    """A view that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, Value] = {}
        self.durable: list[Change] = []
        self.saves = 0

    @property
    def values(self) -> dict[str, Value]:
        return self.kept

    def change(self, change: Change, *, durable: bool = False) -> None:
        apply_change(self.kept, change)
        if durable:
            self.durable.append(change)

    def save(self) -> None:
        self.saves += 1


@pytest.fixture
def view() -> InMemory:
    return InMemory()


def test_each_type_comes_back_as_itself(view: InMemory) -> None:
    view.set_int("i", -7)
    view.set_float("f", 2)
    view.set_string("s", "Grüße")
    view.set_bool("b", True)
    view.set_bytes("y", b"\0\xff")
    assert (view.get_int("i"), view.get_float("f"), view.get_string("s")) == (-7, 2.0, "Grüße")
    assert (view.get_bool("b"), view.get_bytes("y")) == (True, b"\0\xff")
    assert type(view.get_float("f")) is float


def test_a_missing_key_gives_the_default(view: InMemory) -> None:
    assert (view.get_int("x"), view.get_float("x"), view.get_string("x")) == (0, 0.0, "")
    assert (view.get_bool("x", True), view.get_bytes("x", b"d")) == (True, b"d")


def test_a_whole_number_is_a_number_too(view: InMemory) -> None:
    view.set_int("volume", 1)
    assert view.get_float("volume") == 1.0


def test_a_value_of_another_type_gives_the_default_and_is_logged_once(
    view: InMemory, caplog: pytest.LogCaptureFixture
) -> None:
    view.set_string("level", "three")
    with caplog.at_level(logging.WARNING):
        assert [view.get_int("level", 1), view.get_int("level", 1)] == [1, 1]
    assert caplog.text.count("'level' holds a str, not a int") == 1
    assert "three" not in caplog.text


def test_true_is_no_number(view: InMemory) -> None:
    view.set_bool("b", True)
    assert view.get_int("b", 5) == 5
    with pytest.raises(TypeError, match="takes an int, not bool"):
        view.set_int("b", True)
    with pytest.raises(TypeError, match="takes a number, not bool"):
        view.set_float("b", False)


@pytest.mark.parametrize("call", ["set_int", "set_float", "set_string", "set_bool", "set_bytes"])
def test_a_value_of_the_wrong_type_is_refused(view: InMemory, call: str) -> None:
    with pytest.raises(TypeError, match=rf"{call}\('k'\) takes .*, not list"):
        getattr(view, call)("k", [])
    assert not view.has_key("k")


def test_a_number_of_more_than_64_bits_is_refused(view: InMemory) -> None:
    view.set_int("k", 2**63 - 1)
    view.set_int("k", -(2**63))
    for number in (2**63, -(2**63) - 1):
        with pytest.raises(ValueError, match="64 bits"):
            view.set_int("k", number)


def test_an_absurd_size_is_refused_with_advice(view: InMemory) -> None:
    view.set_string("k", "x" * MAX_VALUE_BYTES)
    with pytest.raises(ValueError, match="a file of its own"):
        view.set_string("k", "ü" * (MAX_VALUE_BYTES // 2 + 1))
    with pytest.raises(ValueError, match="a file of its own"):
        view.set_bytes("k", bytes(MAX_VALUE_BYTES + 1))
    with pytest.raises(ValueError, match="too long"):
        view.set_int("k" * (MAX_KEY_BYTES + 1), 1)


def test_the_prefix_of_a_namespace_counts_in_the_length_of_a_key(view: InMemory) -> None:
    slot = view.namespace("s" * 400)
    slot.set_int("k" * (MAX_KEY_BYTES - 400), 1)
    with pytest.raises(ValueError, match="too long"):
        slot.set_int("k" * (MAX_KEY_BYTES - 399), 1)


def test_what_is_no_text_is_refused_before_it_can_spoil_a_batch(view: InMemory) -> None:
    with pytest.raises(ValueError, match="surrogate"):
        view.set_string("k", "\ud800")
    with pytest.raises(ValueError, match="surrogate"):
        view.set_int("\ud800", 1)
    with pytest.raises(ValueError, match="at least one character"):
        view.set_int("", 1)
    with pytest.raises(TypeError, match="A key is a text"):
        view.set_int(cast(str, 7), 1)


def test_keys_are_listed_by_prefix_in_order(view: InMemory) -> None:
    for key in ("b", "a.2", "a.1"):
        view.set_int(key, 1)
    assert view.keys("a.") == ("a.1", "a.2")
    assert tuple(view) == ("a.1", "a.2", "b")
    assert (len(view), "b" in view, "c" in view) == (3, True, False)


def test_deleting_what_is_not_there_is_no_change(view: InMemory) -> None:
    view.set_int("a", 1)
    view.delete_key("a")
    view.delete_key("a")
    assert not view.has_key("a")


def test_a_namespace_sees_only_its_own_keys(view: InMemory) -> None:
    slot = view.namespace("slot1.")
    view.set_int("level", 1)
    slot.set_int("level", 2)
    assert (view.get_int("level"), slot.get_int("level")) == (1, 2)
    assert slot.keys() == ("level",)
    assert view.keys() == ("level", "slot1.level")


def test_a_namespace_inside_a_namespace_adds_its_prefix(view: InMemory) -> None:
    view.namespace("a.").namespace("b.").set_int("c", 1)
    assert view.kept == {"a.b.c": 1}


def test_deleting_all_of_a_namespace_leaves_the_others(view: InMemory) -> None:
    slot = view.namespace("slot1.")
    slot.set_int("a", 1)
    slot.set_int("b", 1)
    view.set_int("c", 1)
    slot.delete_all()
    assert view.kept == {"c": 1}


def test_durable_is_handed_on(view: InMemory) -> None:
    view.namespace("a.").set_int("b", 1, durable=True)
    assert view.durable == [("a.b", 1)]


def test_what_changes_nothing_is_no_change_but_durable_still_saves(view: InMemory) -> None:
    view.delete_key("b", durable=True)
    view.delete_all(durable=True)
    assert (view.saves, view.durable) == (2, [])
