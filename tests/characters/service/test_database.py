from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from characters.agents.agent import Say
from characters.service.database import connect
from characters.service.effects import PendingReply, PersistEntry, PlayerLine
from characters.service.store import SessionStore, StoredSession

ADA = StoredSession("s1", "nurse", "ada", 100.0)

# What a service of version 1 left behind.
VERSION_1 = """
CREATE TABLE sessions (session_id TEXT PRIMARY KEY, character_id TEXT NOT NULL, end_user_id TEXT,
    used_at REAL NOT NULL, memory TEXT NOT NULL DEFAULT '{}') STRICT;
CREATE TABLE turns (session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    number INTEGER NOT NULL, speaker TEXT NOT NULL, text TEXT NOT NULL, said_at REAL NOT NULL,
    PRIMARY KEY (session_id, number)) STRICT, WITHOUT ROWID;
CREATE TABLE lines (session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    message_id TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (session_id, message_id)) STRICT, WITHOUT ROWID;
CREATE TABLE owed (session_id TEXT NOT NULL REFERENCES sessions (session_id) ON DELETE CASCADE,
    message_id TEXT NOT NULL, answer TEXT, is_kept INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (session_id, message_id)) STRICT, WITHOUT ROWID;
CREATE TABLE ended (session_id TEXT PRIMARY KEY, ended_at REAL NOT NULL) STRICT;
CREATE TABLE unused (session_id TEXT PRIMARY KEY
    REFERENCES sessions (session_id) ON DELETE CASCADE, seconds REAL NOT NULL) STRICT;
INSERT INTO sessions VALUES ('s1', 'nurse', 'ada', 100.0, '{"facts": {"name": "Ada"}}');
INSERT INTO sessions VALUES ('s2', 'porter', 'ada', 200.0, '{}');
INSERT INTO turns VALUES ('s1', 5, 'player', 'I am Ada.', 1.0), ('s1', 6, 'player', 'Well?', 2.0);
INSERT INTO lines VALUES ('s1', 'm1', 5), ('s1', 'm2', 6);
INSERT INTO owed VALUES ('s1', 'm2', '[{"say": "Hm."}]', 1);
INSERT INTO ended VALUES ('s0', 50.0);
PRAGMA user_version = 1;
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "sessions.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(VERSION_1)
    return path


def test_a_store_of_the_first_version_is_brought_forward_with_all_that_was_said(old: Path) -> None:
    store = SessionStore(old)
    assert store.warning == ""
    assert [s.session_id for s in store.load().sessions] == ["s1", "s2"]
    assert store.load().ended == ("s0",)
    history = store.history("s1", None, 3.0)
    assert history.memory == {"facts": {"name": "Ada"}}
    assert [turn.text for turn in history.turns] == ["I am Ada.", "Well?"]
    assert history.message_ids == {"m1", "m2"}
    line = PlayerLine("Well?", "m2", is_kept=True)
    assert history.pending == (PendingReply((line,), (Say("Hm."),), is_kept=True),)


def test_what_follows_is_said_behind_what_an_older_version_kept(old: Path) -> None:
    store = SessionStore(old)
    store.save(ADA, None, [PersistEntry("character", "Hm.", answers="m2")])
    store.save(ADA, None, [PersistEntry("player", "Good bye.", "m3")])
    assert [turn.text for turn in store.turns("s1")] == ["I am Ada.", "Well?", "Good bye."]
    store.remove(["s1"], ended_at=5.0)
    assert [s.session_id for s in store.load().sessions] == ["s2"]


def test_what_an_older_version_kept_cannot_be_taken_back_and_is_shared_all_the_same(
    old: Path,
) -> None:
    store = SessionStore(old)
    assert store.take_back(ADA, 3.0) is None
    assert store.branch("s1", StoredSession("b", "nurse", "ada", 100.0)) == 6
    assert store.history("b", None, 3.0).turns == store.turns("s1")


def test_a_kill_while_it_is_brought_forward_leaves_the_store_as_it_was(old: Path) -> None:
    with closing(sqlite3.connect(old)) as db:
        db.execute("CREATE TABLE segments (segment INTEGER PRIMARY KEY)")  # so that it stops midway
        db.commit()
    with pytest.raises(sqlite3.Error):
        connect(str(old))
    with closing(sqlite3.connect(old)) as db:
        db.execute("DROP TABLE segments")
        db.commit()
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert len(SessionStore(old).turns("s1")) == 2


def test_two_who_open_an_old_store_at_once_both_find_it_brought_forward(old: Path) -> None:
    first, second = connect(str(old)), connect(str(old))
    for db in (first, second):
        assert db.execute("SELECT count(*) FROM segments").fetchone() == (2,)
        db.close()
