from __future__ import annotations

import io
from pathlib import Path

import pytest

from characters.commands.slots import delete_slots, list_slots, show_slot
from characters.service.store import SessionStore, StoredSession
from characters.storage.slots import SavedMind, SlotInfo, SlotStore, pack_values
from engine.prefs.prefs import PlayerPrefs

HARBOUR = SlotInfo(
    "harbour", 100.0, 3600.0, "quay", {"gold": 7},
    (SavedMind("ann-1", "Ann", "session-1", 4, "local", is_here=True),
     SavedMind("bob-2", "Bob", why_fresh="cannot_branch")),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> SlotStore:
    store = SlotStore(PlayerPrefs.open(tmp_path / "prefs.msgpack"))
    store.write(HARBOUR, pack_values(HARBOUR.values), None)
    return store


def test_each_slot_gets_a_line(store: SlotStore) -> None:
    out = io.StringIO()
    list_slots(store, out)
    assert out.getvalue().startswith("harbour  1970-01-0")
    assert out.getvalue().endswith("  quay\n")


def test_no_slots_are_a_sentence(tmp_path: Path) -> None:
    out = io.StringIO()
    list_slots(SlotStore(PlayerPrefs.open(tmp_path / "none.msgpack")), out)
    assert out.getvalue() == "No slot is saved.\n"


def test_a_slot_tells_who_is_in_it_but_no_whole_id_and_no_value(store: SlotStore) -> None:
    out = io.StringIO()
    show_slot(store, "harbour", out)
    said = out.getvalue()
    assert "Ann: as it was, session sess… up to 4" in said
    assert "Bob: begins afresh: its service keeps nothing" in said
    assert "gold" in said and "7" not in said.split("values")[1].splitlines()[0]
    assert "session-1" not in said


def test_a_slot_goes_with_what_the_service_keeps_for_it(store: SlotStore, tmp_path: Path) -> None:
    kept = SessionStore(tmp_path / "service" / "sessions.sqlite3")
    for session_id in ("session-1", "played"):
        kept.save(StoredSession(session_id, "ann-1", "me", 1.0))
    kept.close()
    assert delete_slots(store, tmp_path, ["harbour"]) == 1
    kept = SessionStore(tmp_path / "service" / "sessions.sqlite3")
    assert [session.session_id for session in kept.load().sessions] == ["played"]
    assert store.names() == ()


def test_a_name_that_no_slot_has_is_a_sentence(store: SlotStore, tmp_path: Path) -> None:
    with pytest.raises(LookupError, match=r"There is no slot 'harbor'. Try: harbour"):
        show_slot(store, "harbor", io.StringIO())
