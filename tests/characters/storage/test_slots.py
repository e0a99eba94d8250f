from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

from characters.session.conversation import SessionRecord
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore
from characters.storage.slots import (
    SavedMind,
    SlotError,
    SlotInfo,
    SlotStore,
    WhyFresh,
    check_slot_name,
    pack_values,
)
from engine.prefs.prefs import PlayerPrefs

ANN = SavedMind("ann-1", "Ann", "s1", 4, "local", is_here=True)
BOB = SavedMind("bob-2", "Bob", None, 0, "local", is_here=True, why_fresh="cannot_branch")
CAT = SavedMind("cat-3", why_fresh=WhyFresh.NEW)
HARBOUR = SlotInfo("harbour", 100.0, 60.0, "quay", {"gold": 7}, (ANN, BOB, CAT))


@pytest.fixture
def prefs(tmp_path: Path) -> Iterator[PlayerPrefs]:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as opened:
        yield opened


def write(prefs: PlayerPrefs, slot: SlotInfo = HARBOUR, picture: Any = None) -> SlotStore:
    store = SlotStore(prefs)
    store.write(slot, pack_values(slot.values), picture)
    return store


def test_a_slot_is_what_it_was_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "prefs.msgpack"
    with PlayerPrefs.open(path) as prefs:
        write(prefs)
    with PlayerPrefs.open(path) as prefs:
        assert SlotStore(prefs).info("harbour") == HARBOUR
        assert SlotStore(prefs).played_seconds == 60.0


def test_the_newest_slot_comes_first(prefs: PlayerPrefs) -> None:
    for name, at in (("old", 1.0), ("a.b.info", 3.0), ("new", 2.0)):
        write(prefs, replace(HARBOUR, name=name, saved_at=at))
    assert [slot.name for slot in SlotStore(prefs).all()] == ["a.b.info", "new", "old"]


def test_who_is_here_and_who_begins_afresh_is_known_before_a_load() -> None:
    assert HARBOUR.here == ("Ann", "Bob")
    assert HARBOUR.fresh == ("Bob",)


def test_a_picture_is_kept_at_half_its_size(prefs: PlayerPrefs) -> None:
    picture = np.zeros((5, 8, 3), np.uint8)
    picture[:2, :2] = 200
    kept = write(prefs, picture=picture).picture("harbour")
    assert kept is not None and kept.shape == (2, 4, 3)
    assert kept[0, 0].tolist() == [200, 200, 200] and kept[1, 3].tolist() == [0, 0, 0]


def row(*changed: object) -> bytes:
    """Pack a slot, the last fields of which are others."""
    good: tuple[object, ...] = (1, 1.0, 2.0, "quay", pack_values({}), [])
    return bytes(msgpack.packb((*good[: len(good) - len(changed)], *changed)))


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff",
        b"no",
        msgpack.packb([1]),
        row(math.nan, 2.0, "quay", pack_values({}), []),
        row(1e300, 2.0, "quay", pack_values({}), []),
        row(math.inf, "quay", pack_values({}), []),
        row(None, pack_values({}), []),
        row(b"\x91" * 10_000, []),
        row(msgpack.packb([1, 2]), []),
        row([{"label": "nobody"}]),
        row([{"key": 5, "session_id": 7}]),
    ],
)
def test_a_damaged_slot_is_told_and_the_others_live(prefs: PlayerPrefs, damage: bytes) -> None:
    store = write(prefs)
    write(prefs, replace(HARBOUR, name="other"))
    prefs.set_bytes("slot.harbour.info", damage)
    assert [(slot.name, slot.is_damaged) for slot in store.all()] == [
        ("other", False),
        ("harbour", True),
    ]
    write(prefs)
    assert not store.info("harbour").is_damaged


def test_a_slot_of_a_newer_version_is_told_as_that(prefs: PlayerPrefs) -> None:
    prefs.set_bytes("slot.harbour.info", msgpack.packb([99, "whatever", "comes"]))
    slot = SlotStore(prefs).info("harbour")
    assert slot.is_damaged and slot.is_newer


@pytest.mark.parametrize(
    ("size", "pixels"), [((2, 2), b"x" * (64 << 20)), ((-1, 2), b"x" * 6), ((0, 0), b"")]
)
def test_a_picture_of_another_size_than_it_says_is_none(
    prefs: PlayerPrefs, size: tuple[int, int], pixels: bytes
) -> None:
    prefs.set_bytes("slot.harbour.picture", msgpack.packb((*size, zlib.compress(pixels))))
    began = time.process_time()
    assert SlotStore(prefs).picture("harbour") is None
    assert time.process_time() - began < 0.5


def test_a_picture_that_is_too_large_for_a_setting_becomes_smaller(prefs: PlayerPrefs) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (1080, 1920, 3), np.uint8)
    kept = write(prefs, picture=noise).picture("harbour")
    assert kept is not None and kept.shape == (270, 480, 3)


def test_a_slot_that_has_lost_all_but_its_picture_is_damaged(prefs: PlayerPrefs) -> None:
    store = write(prefs, picture=np.zeros((4, 4, 3), np.uint8))
    prefs.delete_key("slot.harbour.info")
    assert store.info("harbour").is_damaged
    store.delete("harbour")
    assert store.names() == () and store.picture("harbour") is None


def test_what_a_later_version_adds_to_a_mind_is_no_damage(prefs: PlayerPrefs) -> None:
    mind = {"key": "ann-1", "session_id": "s1", "colour": "red"}
    prefs.set_bytes("slot.x.info", msgpack.packb([1, 1.0, 2.0, "quay", pack_values({}), [mind]]))
    assert SlotStore(prefs).info("x").minds == (SavedMind("ann-1", session_id="s1"),)


def test_whoever_is_forgotten_is_let_go_of_in_every_slot(prefs: PlayerPrefs) -> None:
    store = write(prefs, picture=np.zeros((4, 4, 3), np.uint8))
    write(prefs, replace(HARBOUR, name="other"))
    assert {mind.session_id for mind in store.minds()} == {"s1"}
    store.forget(store.minds())
    assert store.minds() == ()
    for name in ("harbour", "other"):
        slot = store.info(name)
        assert (slot.fresh, dict(slot.values)) == (("Ann", "Bob"), {"gold": 7})
    assert store.picture("harbour") is not None


def test_a_slot_that_is_saved_over_without_a_picture_shows_none(prefs: PlayerPrefs) -> None:
    write(prefs, picture=np.zeros((4, 4, 3), np.uint8))
    assert write(prefs).picture("harbour") is None


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 61])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(SlotError, match="1 to 60"):
        check_slot_name(name)


@pytest.mark.parametrize("values", [{"a": object()}, {"a": {1, 2}}, {"a": 2**70}])
def test_values_that_cannot_be_kept_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SlotError, match="cannot be saved"):
        pack_values(values)


def test_values_that_are_too_large_are_refused() -> None:
    with pytest.raises(SlotError, match="is the most"):
        pack_values({"a": "x" * 600_000})


def test_a_load_that_was_cut_short_is_finished_at_the_next_start(prefs: PlayerPrefs) -> None:
    persistence = KeyValueSessionPersistence(MemoryStore())
    for key in ("ann-1", "bob-2"):
        persistence.store(key, SessionRecord("later", "local"))
    store = SlotStore(prefs)
    store.begin_load({"ann-1": SessionRecord("saved", "local", saved_at=5.0), "bob-2": None}, 9.0)
    SlotStore(prefs).finish_load(persistence)
    assert persistence.all() == {"ann-1": SessionRecord("saved", "local", saved_at=5.0)}
    assert store.played_seconds == 9.0
    persistence.store("ann-1", SessionRecord("newer", "local"))
    store.finish_load(persistence)
    assert persistence.all()["ann-1"].session_id == "newer"


@pytest.mark.parametrize("note", ["{", "[]", '{"ann-1": 5}', '{"ann-1": {"session_id": 5}}'])
def test_a_load_whose_note_is_damaged_is_dropped(prefs: PlayerPrefs, note: str) -> None:
    persistence = KeyValueSessionPersistence(MemoryStore())
    persistence.store("ann-1", SessionRecord("mine", "local"))
    prefs.set_string("slots.load", note)
    SlotStore(prefs).finish_load(persistence)
    assert persistence.all()["ann-1"].session_id == "mine"
    assert not prefs.has_key("slots.load")


def test_the_choice_of_an_autosave_is_kept(prefs: PlayerPrefs) -> None:
    assert SlotStore(prefs).autosave is None
    for choice in (True, False):
        SlotStore(prefs).autosave = choice
        assert SlotStore(prefs).autosave is choice
