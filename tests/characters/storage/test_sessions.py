from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import cast

import pytest

from characters.session.conversation import SessionRecord
from characters.storage.extras import EncryptedStore, SQLiteStore
from characters.storage.sessions import (
    FIRST_ANSWER_SECONDS,
    KeyValueSessionPersistence,
    KeyValueStore,
    ListableStore,
    MemoryStore,
    OwedForget,
    PersistenceError,
    PlayerPrefsStore,
    SessionData,
    StoredKeys,
)
from engine.prefs.prefs import PlayerPrefs, PrefsError


@pytest.fixture
def persistence() -> KeyValueSessionPersistence:
    return KeyValueSessionPersistence(MemoryStore())


@pytest.fixture
def data(persistence: KeyValueSessionPersistence) -> SessionData:
    return SessionData(persistence, wall_clock=lambda: 1234.0)


def test_a_character_without_a_session_has_none(data: SessionData) -> None:
    assert data.get_session_id("a") is None


def test_a_stored_id_is_returned(data: SessionData) -> None:
    data.store_session_id("a", "id")
    assert data.get_session_id("a") == "id"


def test_a_stored_id_carries_the_time(
    data: SessionData, persistence: KeyValueSessionPersistence
) -> None:
    data.store_session_id("a", "id")
    assert persistence.load("a") == SessionRecord("id", saved_at=1234.0)


def test_what_is_stored_or_cleared_is_known_to_the_runtime_too(
    persistence: KeyValueSessionPersistence,
) -> None:
    keys = StoredKeys(lambda action: action())
    keys.read(persistence)
    data = SessionData(persistence, lambda: 1234.0, keys)
    data.store_session_id("nurse", "s-1")
    assert keys.has("nurse")
    data.clear_all_session_ids()
    assert not keys.has("nurse")


def test_clearing_one_leaves_the_others(data: SessionData) -> None:
    data.store_session_id("a", "1")
    data.store_session_id("b", "2")
    data.clear_session_id("a")
    assert dict(data.get_all_session_ids()) == {"b": "2"}


def test_clearing_all_leaves_none(data: SessionData) -> None:
    data.store_session_id("a", "1")
    data.store_session_id("b", "2")
    data.clear_all_session_ids()
    assert dict(data.get_all_session_ids()) == {}


def test_the_snapshot_cannot_be_written_and_does_not_follow(data: SessionData) -> None:
    data.store_session_id("a", "1")
    snapshot = data.get_all_session_ids()
    data.clear_session_id("a")
    assert snapshot["a"] == "1"
    with pytest.raises(TypeError):
        cast(MutableMapping[str, str], snapshot)["b"] = "2"


RECORD = SessionRecord("id-1", "local", "room-1", dropped_at=12.5, saved_at=99.0)


class TenLineStore:
    """The smallest store that a user can write."""

    def __init__(self) -> None:
        self.data: dict[str, str] = {}
        self.saves = 0

    def get_string(self, key: str, default: str | None = None) -> str | None:
        return self.data.get(key, default)

    def set_string(self, key: str, value: str) -> None:
        self.data[key] = value

    def has_key(self, key: str) -> bool:
        return key in self.data

    def delete_key(self, key: str) -> None:
        self.data.pop(key, None)

    def save(self) -> None:
        self.saves += 1


class FailingStore(TenLineStore):
    def save(self) -> None:
        raise RuntimeError("the cloud is away.")


def stores() -> list[KeyValueStore]:
    return [
        MemoryStore(),
        TenLineStore(),
        EncryptedStore(TenLineStore(), EncryptedStore.new_secret()),
    ]


@pytest.mark.parametrize("store", stores(), ids=["listable", "ten lines", "encrypted"])
def test_a_record_comes_back_as_it_was_stored(store: KeyValueStore) -> None:
    persistence = KeyValueSessionPersistence(store)
    persistence.store("a", RECORD)
    assert persistence.load("a") == RECORD
    assert dict(persistence.all()) == {"a": RECORD}


@pytest.mark.parametrize("store", stores(), ids=["listable", "ten lines", "encrypted"])
def test_a_store_keeps_whose_sessions_it_holds_wherever_it_is_opened(store: KeyValueStore) -> None:
    assert KeyValueSessionPersistence(store).player_id("first-machine") == "first-machine"
    assert KeyValueSessionPersistence(store).player_id("second-machine") == "first-machine"
    assert dict(KeyValueSessionPersistence(store).all()) == {}


@pytest.mark.parametrize("garbled", ["x" * 201, "\0", "a\nb", "\ud83d"], ids=len)
def test_what_is_no_id_of_a_player_makes_way_for_one(
    garbled: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    store.set_string("player.id", garbled)
    assert KeyValueSessionPersistence(store).player_id("ada") == "ada"
    assert KeyValueSessionPersistence(store).player_id("bob") == "ada"
    assert "player's id is none" in caplog.text


def test_a_player_whose_id_cannot_be_stored_plays_all_the_same() -> None:
    assert KeyValueSessionPersistence(FailingStore()).player_id("ada") == "ada"


@pytest.mark.parametrize("store", stores(), ids=["listable", "ten lines", "encrypted"])
def test_a_cleared_record_is_gone_from_the_list_too(store: KeyValueStore) -> None:
    persistence = KeyValueSessionPersistence(store)
    persistence.store("a", RECORD)
    persistence.store("b", SessionRecord("id-2"))
    persistence.clear("a")
    assert persistence.load("a") is None
    assert list(persistence.all()) == ["b"]


def test_the_key_in_the_store_is_the_original_s() -> None:
    store = MemoryStore()
    KeyValueSessionPersistence(store).store("patient-7f3a", RECORD)
    text = store.get_string("convai.session.patient-7f3a")
    assert json.loads(text or "")["session_id"] == "id-1"


@pytest.mark.parametrize("text", ["id-of-the-original", "12345", " id\n"])
def test_a_bare_text_is_a_session_id(text: str) -> None:
    store = MemoryStore()
    store.set_string("convai.session.a", text)
    record = KeyValueSessionPersistence(store).load("a")
    assert record == SessionRecord(text.strip())


@pytest.mark.parametrize("text", ["{", "5", "null", "[5]", '[["a"]]', "[" * 100_000], ids=len)
def test_a_list_of_sessions_that_cannot_be_read_begins_anew(text: str) -> None:
    store = TenLineStore()
    store.set_string("convai.sessions", text)
    persistence = KeyValueSessionPersistence(store)
    assert persistence.all() == {}
    persistence.store("a", RECORD)
    assert persistence.all() == {"a": RECORD}


def test_a_field_of_a_later_version_does_no_harm() -> None:
    store = MemoryStore()
    store.set_string("convai.session.a", '{"session_id": "id", "mood": 3}')
    assert KeyValueSessionPersistence(store).load("a") == SessionRecord("id")


@pytest.mark.parametrize(
    "text",
    [
        *("{", "{}", '{"session_id": 3}', '{"session_id": "x", "saved_at": "now"}'),
        *(
            " ",
            "\n",
            "null",
            "true",
            "[]",
            '["id"]',
            "[",
            "two words",
            "\N{SNOWMAN}",
            "\0",
            "x" * 5000,
        ),
        *('{"session_id": ""}', '{"session_id": " "}', '{"session_id": "\\ud800"}'),
        *('{"session_id": "x", "room_name": "\\u0000"}', '{"session_id": "x", "saved_at": 1e999}'),
        '{"session_id": "x", "dropped_at": NaN}',
        '{"session_id": "x", "dropped_at": ' + "9" * 400 + "}",
        *("[" * 100_000, '{"a":' * 100_000),
    ],
    ids=lambda text: f"{text:.40}",
)
def test_what_is_no_record_counts_as_none_and_is_logged(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = MemoryStore()
    store.set_string("convai.session.a", text)
    with caplog.at_level(logging.WARNING):
        assert KeyValueSessionPersistence(store).load("a") is None
    assert "no session record" in caplog.text


def test_storing_and_clearing_each_save() -> None:
    store = TenLineStore()
    persistence = KeyValueSessionPersistence(store)
    persistence.store("a", RECORD)
    persistence.clear("a")
    assert store.saves == 2


def test_a_store_that_fails_is_told_by_one_kind_of_error() -> None:
    with pytest.raises(PersistenceError, match=r"'a' could not be stored: the cloud is away\."):
        KeyValueSessionPersistence(FailingStore()).store("a", RECORD)


def test_a_store_that_fails_to_list_is_told_of_all_sessions_and_of_nobodys() -> None:
    class Silent(TenLineStore):
        def get_string(self, key: str, default: str | None = None) -> str | None:
            raise RuntimeError("the cloud is away.")

    persistence = KeyValueSessionPersistence(Silent())
    with pytest.raises(PersistenceError, match=r"^The sessions could not be listed: the cloud"):
        persistence.all()
    with pytest.raises(PersistenceError, match=r"^The id of the player could not be read: the"):
        persistence.player_id("ada")


def test_two_prefixes_keep_two_sets_apart() -> None:
    store = TenLineStore()
    KeyValueSessionPersistence(store, "one.").store("a", RECORD)
    assert dict(KeyValueSessionPersistence(store, "two.").all()) == {}


KINDS = ["memory", "player prefs", "sqlite", "encrypted"]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyValueStore]:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        database = SQLiteStore(tmp_path / "store.sqlite3")
        stores: dict[str, KeyValueStore] = {
            "memory": MemoryStore(),
            "player prefs": PlayerPrefsStore(prefs),
            "sqlite": database,
            "encrypted": EncryptedStore(MemoryStore(), EncryptedStore.new_secret()),
        }
        yield stores[request.param]
        database.close()


def test_a_text_that_was_set_is_returned(store: KeyValueStore) -> None:
    store.set_string("a", "Grüße \n 🎭")
    store.save()
    assert store.get_string("a") == "Grüße \n 🎭"
    assert store.has_key("a")


def test_the_last_text_wins(store: KeyValueStore) -> None:
    store.set_string("a", "1")
    store.set_string("a", "2")
    assert store.get_string("a") == "2"


def test_an_empty_text_is_a_text(store: KeyValueStore) -> None:
    store.set_string("a", "")
    assert store.get_string("a", "default") == ""
    assert store.has_key("a")


def test_a_missing_key_gives_the_default(store: KeyValueStore) -> None:
    assert not store.get_string("a")
    assert store.get_string("a", "x") == "x"
    assert not store.has_key("a")


def test_a_deleted_key_is_missing_and_deleting_twice_is_no_error(store: KeyValueStore) -> None:
    store.set_string("a", "1")
    store.delete_key("a")
    store.delete_key("a")
    assert not store.has_key("a")


def test_keys_are_listed_by_prefix(store: KeyValueStore) -> None:
    for key in ("s.b", "s.a", "t.a", "s%"):
        store.set_string(key, "1")
    assert isinstance(store, ListableStore)
    assert list(store.keys("s.")) == ["s.a", "s.b"]


def test_what_was_saved_is_in_the_games_own_file(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        store = PlayerPrefsStore(prefs)
        store.set_string("convai.session.a", "1")
        store.save()
        with PlayerPrefs.open(tmp_path / "p", read_only=True) as other:
            assert other.get_string("convai.session.a") == "1"


def test_a_save_that_cannot_be_durable_raises(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    with PlayerPrefs.open(tmp_path / "p") as prefs:
        store = PlayerPrefsStore(prefs)
        store.set_string("a", "1")
        with pytest.raises(PrefsError, match="folder"):
            store.save()
        assert store.get_string("a") == "1"


def at_once(action: Callable[[], object]) -> None:
    """Stand for a main thread that runs what is posted without delay."""
    action()


@pytest.fixture
def nurse(persistence: KeyValueSessionPersistence) -> KeyValueSessionPersistence:
    """Return a persistence that holds the nurse's session."""
    persistence.store("nurse", RECORD)
    return persistence


def test_which_sessions_are_stored_is_known_after_the_first_snapshot(
    nurse: KeyValueSessionPersistence,
) -> None:
    keys = StoredKeys(at_once)
    keys.read(nurse)
    assert keys.has("nurse") and not keys.has("porter")


def test_the_snapshot_follows_what_is_stored_and_cleared_later(
    nurse: KeyValueSessionPersistence,
) -> None:
    keys = StoredKeys(at_once)
    keys.read(nurse)
    keys.note("porter", is_stored=True)
    keys.note("nurse", is_stored=False)
    assert keys.has("porter") and not keys.has("nurse")


def test_a_store_that_hangs_is_waited_for_once_and_not_by_each_question() -> None:
    keys = StoredKeys(at_once)
    before = time.monotonic()
    assert not any(keys.has(name) for name in ("nurse",) * 20)
    assert time.monotonic() - before < 3 * FIRST_ANSWER_SECONDS


def test_an_action_that_waits_for_the_snapshot_runs_on_the_main_thread(
    nurse: KeyValueSessionPersistence,
) -> None:
    main: list[Callable[[], object]] = []
    found: list[bool] = []
    keys = StoredKeys(main.append)
    keys.when_known(lambda: found.append(keys.has("nurse")))
    keys.read(nurse)
    assert not found
    for action in main:
        action()
    assert found == [True]


def test_an_action_after_the_snapshot_runs_at_once(nurse: KeyValueSessionPersistence) -> None:
    keys = StoredKeys(at_once)
    keys.read(nurse)
    found: list[bool] = []
    keys.when_known(lambda: found.append(keys.has("nurse")))
    assert found == [True]


def test_a_store_that_cannot_be_listed_is_logged_and_ends_no_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(KeyValueSessionPersistence):
        def all(self) -> dict[str, SessionRecord]:
            raise PersistenceError("the disk is gone")

    keys = StoredKeys(at_once)
    keys.read(Broken(MemoryStore()))
    assert not keys.has("nurse")
    (told,) = caplog.records
    assert told.getMessage() == "The stored sessions could not be listed: the disk is gone"
    assert not told.exc_info


# --- what services have still to forget -----------------------------------------------------------

NURSE, PORTER = OwedForget("nurse", "s-1", "local"), OwedForget("porter", "s-2", "local")


def test_a_session_that_is_to_be_forgotten_is_neither_found_nor_stored_again(
    persistence: KeyValueSessionPersistence,
) -> None:
    persistence.store("nurse", SessionRecord("s-1"))
    persistence.owe_forgets([NURSE])
    persistence.store("nurse", SessionRecord("s-1"))  # by somebody who has not heard of it
    assert persistence.load("nurse") is None and not persistence.all()
    persistence.settle_forgets([NURSE])
    assert persistence.load("nurse") is None


def test_a_later_session_of_the_same_character_stays(
    persistence: KeyValueSessionPersistence,
) -> None:
    persistence.store("nurse", SessionRecord("s-9"))
    persistence.owe_forgets([NURSE])
    assert persistence.load("nurse") == SessionRecord("s-9")


def test_what_is_owed_is_kept_over_a_restart_until_it_is_settled(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        KeyValueSessionPersistence(prefs).owe_forgets([NURSE])
        KeyValueSessionPersistence(prefs).owe_forgets([PORTER, NURSE])
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        persistence = KeyValueSessionPersistence(prefs)
        assert persistence.owed_forgets() == (NURSE, PORTER)
        persistence.settle_forgets([NURSE])
        assert persistence.owed_forgets() == (PORTER,)


@pytest.mark.parametrize("text", ["nonsense", "7", "[7]", '[["nurse"]]'])
def test_a_note_that_cannot_be_read_keeps_nobody_from_playing(text: str) -> None:
    store = MemoryStore()
    store.set_string("player.forgets", text)
    persistence = KeyValueSessionPersistence(store)
    persistence.store("nurse", SessionRecord("s-1"))
    assert persistence.load("nurse") == SessionRecord("s-1")
    assert persistence.owed_forgets() == ()
