from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NoReturn

import pytest

from characters.cli import main
from characters.client.service_process import ServiceProcess
from characters.commands.sessions import forget_at_home
from characters.service.store import SessionStore, StoredSession
from characters.session.conversation import SessionRecord
from characters.storage.sessions import KeyValueSessionPersistence
from engine.prefs.prefs import PlayerPrefs
from tests.characters.service.test_memory import found_in


@pytest.fixture
def data(tmp_path: Path) -> Path:
    store = SessionStore(tmp_path / "service" / "sessions.sqlite3")
    known = {"facts": {"name": "Zanzibar", "home": "Bristol"}}
    store.save(StoredSession("s1", "nurse", "ada", 100.0, is_lasting=True), known, at=86400.0)
    store.save(StoredSession("s2", "porter", "ada", 100.0), {"facts": {"age": "9"}})
    store.close()
    return tmp_path


def test_what_is_known_is_listed_with_the_day(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["memory", "list", "--data", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("nurse  ada  name: Zanzibar  (since 1970-01-0") for line in lines)
    assert "porter  ada  age: 9  (in one talk)" in lines


def test_a_correction_and_a_forgetting_are_of_one_character(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["memory", "correct", "nurse", "home", "Bath", "--data", str(data)]) == 0
    assert main(["memory", "forget", "nurse", "name", "--data", str(data)]) == 0
    assert found_in(data, "zanzibar") == []
    main(["memory", "list", "nurse", "--data", str(data)])
    listed = capsys.readouterr().out
    assert "home: Bath" in listed
    assert "name:" not in listed


def test_forgetting_everything_of_a_character_leaves_the_others(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["memory", "forget", "nurse", "--data", str(data)]) == 0
    assert found_in(data, "zanzibar") == found_in(data, "bristol") == []
    main(["memory", "list", "--data", str(data)])
    assert capsys.readouterr().out.endswith("porter  ada  age: 9  (in one talk)\n")


@pytest.mark.parametrize(
    "words",
    [["memory", "list"], ["memory", "forget"], ["sessions", "show"], ["sessions", "forget"]],
    ids=" ".join,
)
def test_a_database_that_cannot_be_used_is_named_in_a_sentence(
    data: Path,
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_held(database: str) -> NoReturn:
        raise sqlite3.OperationalError("database is locked")

    with PlayerPrefs.open(data / "prefs.msgpack") as prefs:
        KeyValueSessionPersistence(prefs).store("nurse", SessionRecord("s1", "local"))
    monkeypatch.setattr("characters.service.store.connect", is_held)
    assert main([*words, "--data", str(data)]) == 1
    said = capsys.readouterr().err
    assert "sessions.sqlite3 cannot be used: database is locked. May it be written" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "nurs"], "Try: nurse"),
        (["forget", "nurse", "name", "--player", "bob"], "Nothing is stored"),
        (["correct", "nurse", "name"], "CHARACTER KEY VALUE"),
        (["correct", "nurse", "name", "a\nb"], "printable"),
    ],
)
def test_what_makes_no_sense_is_told(
    words: list[str], said: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["memory", *words, "--data", str(data)]) == 1
    assert said in capsys.readouterr().err


def test_without_a_store_nothing_is_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["memory", "list", "--data", str(tmp_path)]) == 0
    assert "Nothing is known" in capsys.readouterr().out
    assert not (tmp_path / "service").exists()


def test_a_session_that_is_forgotten_takes_what_lasts_along(data: Path) -> None:
    assert forget_at_home(data, ["s1"]) == 1
    assert found_in(data, "zanzibar") == []
    store = SessionStore(data / "service" / "sessions.sqlite3")
    assert [pair.character_id for pair in store.pairs()] == ["porter"]
    store.close()


def test_a_service_that_runs_is_asked_so_that_the_talk_of_the_moment_knows_of_it(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = ServiceProcess(data / "service", Path("assets"), arguments=("--no-speech",))
    try:
        service.start()
        assert main(["memory", "correct", "nurse", "home", "Bath", "--data", str(data)]) == 0
        assert main(["memory", "forget", "nurse", "name", "--data", str(data)]) == 0
        assert main(["memory", "forget", "nurse", "shoes", "--data", str(data)]) == 1
        assert found_in(data, "zanzibar") == []
        assert main(["memory", "forget", "nurse", "--data", str(data)]) == 0
        assert found_in(data, "bath") == []
    finally:
        service.stop()
    main(["memory", "list", "--data", str(data)])
    assert "nurse" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_service_that_demands_tokens_of_players_takes_the_administrators_key(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RING", "an-administrators-key-of-some-length")
    monkeypatch.setenv("SIGNS", "s" * 40)
    demands = ("--admin-key-env", "RING", "--player-secret-env", "SIGNS", "--no-speech")
    service = ServiceProcess(data / "service", Path("assets"), arguments=demands)
    change = ["memory", "correct", "nurse", "home", "Bath", "--data", str(data)]
    try:
        service.start()
        assert main(change) != 0
        assert "token is missing" in capsys.readouterr().err
        assert main([*change, "--admin-key-env", "RING"]) == 0
    finally:
        service.stop()
    main(["memory", "list", "nurse", "--data", str(data)])
    assert "home: Bath" in capsys.readouterr().out
