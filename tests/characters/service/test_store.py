from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from characters.agents.agent import Say
from characters.service.database import put_aside
from characters.service.effects import PendingReply, PersistEntry, PlayerLine
from characters.service.store import SessionStore, StoredSession
from engine.core.file_system import SQLITE_ENDINGS

ADA = StoredSession("s1", "nurse", "ada", 100.0)
BOB = StoredSession("s2", "nurse", "bob", 200.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "service" / "sessions.sqlite3"


def test_a_removed_session_leaves_its_id_and_nothing_else(path: Path) -> None:
    store = SessionStore(path)
    store.save(ADA, {"secret": "treasure"}, [PersistEntry("player", "treasure")])
    store.save(BOB)
    store.remove(["s1"], ended_at=5.0)
    assert store.load().sessions == (BOB,)
    assert store.load().ended == ("s1",)
    assert store.turns("s1") == ()
    store.close()
    assert b"treasure" not in path.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"not a database at all, by any means" * 50])
def test_a_foreign_or_empty_file_never_stops_the_service(path: Path, damage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    store = SessionStore(path)
    store.save(ADA)
    assert store.load().sessions == (ADA,)


def test_a_damaged_file_is_put_aside_and_not_thrown_away(path: Path) -> None:
    store = SessionStore(path)
    store.save(BOB, None, [PersistEntry("player", "x" * 200) for _ in range(300)])
    store.close()
    raw = bytearray(path.read_bytes())
    raw[4096:20_000] = os.urandom(20_000 - 4096)
    path.write_bytes(raw)
    again = SessionStore(path)
    again.save(ADA)
    assert path.with_name("sessions.sqlite3.damaged").read_bytes() == bytes(raw)


@pytest.mark.posix("Windows has no modes; a user's folders are that user's alone")
def test_only_the_owner_may_read_the_file(path: Path) -> None:
    SessionStore(path).close()
    assert path.stat().st_mode & 0o077 == 0


def test_the_database_of_another_program_is_put_aside_whole(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as foreign, foreign:
        foreign.execute("CREATE TABLE sessions (name TEXT, visits INTEGER)")
        foreign.execute("INSERT INTO sessions VALUES ('Ada', 3)")
    store = SessionStore.open(path)
    assert "sessions.sqlite3.damaged" in store.warning
    assert store.load().sessions == ()
    store.close()
    with closing(sqlite3.connect(path.with_name("sessions.sqlite3.damaged"))) as kept:
        assert kept.execute("SELECT * FROM sessions").fetchall() == [("Ada", 3)]
        assert kept.execute("SELECT name FROM sqlite_master").fetchall() == [("sessions",)]


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for statement in statements:
            db.execute(statement)


def test_a_database_of_another_version_is_put_aside(path: Path) -> None:
    SessionStore(path).close()
    change(path, "PRAGMA user_version = 99")
    store = SessionStore.open(path)
    assert "another version" in store.warning and "sessions.sqlite3.damaged" in store.warning
    store.save(ADA)
    store.close()
    assert SessionStore.open(path).warning == ""


def test_a_database_of_a_newer_version_is_put_aside_though_it_has_no_tables_yet(path: Path) -> None:
    path.parent.mkdir()
    change(path, "PRAGMA user_version = 99")
    assert "sessions.sqlite3.damaged" in SessionStore.open(path).warning


@pytest.mark.parametrize(
    "statement",
    [
        *(f"DROP TABLE {name}" for name in ("segments", "turns", "lines", "owed", "known")),
        "CREATE TRIGGER t BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END",
        "CREATE UNIQUE INDEX i ON sessions (character_id)",
        "CREATE VIEW v AS SELECT 1",
        "ALTER TABLE turns RENAME COLUMN text TO words",
    ],
)
def test_a_database_in_which_nothing_could_be_kept_is_put_aside(path: Path, statement: str) -> None:
    SessionStore(path).close()
    change(path, statement)
    store = SessionStore.open(path)
    assert "sessions.sqlite3.damaged" in store.warning
    store.save(ADA, {}, (PersistEntry("player", "Hello"),))
    assert len(store.turns(ADA.session_id)) == 1


@pytest.mark.parametrize("name", ["ended", "unused", "unpurged"])
def test_a_table_that_is_made_anew_may_be_missing(path: Path, name: str) -> None:
    store = SessionStore(path)
    store.save(ADA)
    store.close()
    change(path, f"DROP TABLE {name}")
    store = SessionStore.open(path)
    assert store.warning == "" and store.load().sessions == (ADA,)


def test_the_journal_of_a_database_that_is_put_aside_is_none_of_the_new_one(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    for ending in SQLITE_ENDINGS[1:]:
        path.with_name(path.name + ending).write_bytes(ending.encode())
    aside = put_aside(path)
    assert [file.name for file in path.parent.glob("sessions.sqlite3*")] == [
        file.name for file in path.parent.glob(f"{aside.name}*")
    ]
    assert len(list(path.parent.iterdir())) == len(SQLITE_ENDINGS)


@pytest.mark.parametrize("at", [18, 19, 44, 45, 46, 47, 56, 57, 58, 59])
def test_whatever_the_header_of_a_database_says_the_service_keeps_talks(
    path: Path, at: int
) -> None:
    store = SessionStore(path)
    store.save(ADA)
    store.close()
    data = bytearray(path.read_bytes())
    data[at] = 9
    path.write_bytes(data)
    store = SessionStore.open(path)
    store.save(BOB)
    assert "cannot be kept" not in store.warning
    assert BOB in SessionStore(path).load().sessions
    if store.warning:
        assert path.with_name("sessions.sqlite3.damaged").read_bytes() == data


def test_values_in_a_database_that_say_nothing_cost_that_value_alone(path: Path) -> None:
    store = SessionStore(path)
    store.save(ADA, {"a": 1}, [PersistEntry("player", "Who?", "m1")])
    line = PlayerLine("Who?", "m1", is_kept=True)
    store.save(ADA, None, [PendingReply((line,), (Say("Me."),))])
    store.close()
    for nonsense in ("not json", "[" * 5000, "5", '{"say": 1'):
        change(path, f"UPDATE sessions SET memory = '{nonsense}'")
        change(path, f"UPDATE owed SET answer = '{nonsense}'")
        found = SessionStore(path).history("s1", None, 0.0)
        assert (found.memory, [reply.parts for reply in found.pending]) == ({}, [None])
    change(path, "UPDATE sessions SET character_id = CAST(x'ff6e' AS TEXT)")
    assert len(SessionStore(path).load().sessions) == 1


def test_half_a_character_that_an_older_version_kept_is_left_out_when_it_is_read(
    path: Path,
) -> None:
    store = SessionStore(path)
    store.save(ADA, {"a": ["Hi."]}, [PersistEntry("player", "Who?", "m1")])
    line = PlayerLine("Who?", "m1", is_kept=True)
    store.save(ADA, None, [PendingReply((line,), (Say("Me."),))])
    store.close()
    change(path, r"UPDATE sessions SET memory = replace(memory, 'Hi.', 'Hi \ud83d.')")
    change(path, r"UPDATE owed SET answer = replace(answer, 'Me.', 'Me \ud83d.')")
    found = SessionStore(path).history("s1", None, 0.0)
    assert found.memory == {"a": ["Hi ."]}
    assert [reply.parts for reply in found.pending] == [(Say("Me ."),)]


@pytest.mark.posix("Windows has no pipes in folders, and a link takes a right that players lack")
@pytest.mark.parametrize("ending", SQLITE_ENDINGS)
@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_in_a_database_s_place_is_told_and_nothing_waits_for_it(
    path: Path, ending: str, kind: str
) -> None:
    odd, victim = path.with_name(path.name + ending), path.parent.parent / "victim"
    path.parent.mkdir()
    make = {"link": lambda: odd.symlink_to(victim), "pipe": lambda: os.mkfifo(odd)}
    make.get(kind, odd.mkdir)()
    store = SessionStore.open(path)
    assert f"{odd.name} is a {kind}" in store.warning
    store.save(ADA)
    assert store.load().sessions == (ADA,)
    assert not victim.exists()


def test_a_disk_that_refuses_leaves_a_database_where_it_is(path: Path) -> None:
    SessionStore(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        store = SessionStore.open(path)
        assert "locked" in store.warning
    assert [file.name for file in path.parent.glob("*damaged*")] == []


def test_a_database_that_may_only_be_read_stays_where_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SessionStore(path).close()
    data = bytearray(path.read_bytes())
    data[18] = 9  # SQLite only reads it then, as it does on a disk for reading
    path.write_bytes(data)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "readonly" in SessionStore.open(path).warning
    assert [file.name for file in path.parent.glob("*damaged*")] == []


def test_what_was_put_aside_before_is_never_replaced(path: Path) -> None:
    path.parent.mkdir()
    for content in (b"nonsense one", b"nonsense two"):
        path.write_bytes(content * 100)
        SessionStore(path).close()
    kept = [path.with_name(f"sessions.sqlite3.damaged{nth}") for nth in ("", "2")]
    assert [file.read_bytes()[:12] for file in kept] == [b"nonsense one", b"nonsense two"]


def test_our_own_database_is_opened_again_without_a_word(path: Path) -> None:
    for _ in range(2):
        store = SessionStore.open(path)
        assert store.warning == ""
        store.close()


def test_a_folder_that_cannot_be_made_is_a_store_in_memory_that_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    store = SessionStore.open(tmp_path / "file" / "sessions.sqlite3")
    assert "cannot be kept" in store.warning
    store.save(StoredSession("id-1", "nurse", None, 0.0))
    assert len(store.load().sessions) == 1
    store.close()
