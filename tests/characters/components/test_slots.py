"""Save slots with a real runtime and a service that keeps branches in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from characters.client.config import SessionConfig
from characters.client.handle import SessionHandle
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.components.character import Character
from characters.components.manager import CharacterManager
from characters.components.slots import LoadedSlot, SaveSlots
from characters.protocol.failures import failure
from characters.session.conversation import SessionRecord, SessionState
from characters.session.policy import ReconnectPolicy
from characters.storage.sessions import KeyValueSessionPersistence
from characters.storage.slots import SlotError, SlotInfo
from characters.transport.base import Branch, BranchRequest, Said, TransportError
from engine.app.application import Application
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from tests.characters.client.fake_service import FakeService

WITHIN = 60.0


class BranchingService(FakeService):
    """A service that keeps branches: which session each was made of, and what was said there."""

    def __init__(self) -> None:
        super().__init__(time.monotonic)
        self.branches: dict[str, str] = {}
        self.said: tuple[Said, ...] = ()
        self.refusal = ""
        self.lasts = False
        self.forgotten: set[str] = set()
        self._ids = count(1)

    async def branch(self, request: BranchRequest) -> Branch:
        if self.refusal:
            raise TransportError(failure(self.refusal))
        if request.session_id in self.forgotten:
            raise TransportError(failure("session.not_found"))
        kind = "saved" if request.is_saved else "played" if request.at is None else "begun"
        branch = f"{kind}-{next(self._ids)}"
        self.branches[branch] = request.session_id
        said = self.said[: request.turns] if request.at is None else ()
        return Branch(branch, 2, said, lasts=self.lasts)


class Home:
    """A runtime with its preferences, a service and a main thread that draws frames."""

    def __init__(self, folder: Path, service: FakeService | None = None) -> None:
        self.prefs = PlayerPrefs.open(folder / "prefs.msgpack")
        self.service = service or BranchingService()
        self.persistence = KeyValueSessionPersistence(self.prefs)
        self.runtime = self._build()
        self.slots = SaveSlots(self.runtime, self.prefs, wall_clock=lambda: 50.0)
        self.loaded: list[LoadedSlot] = []
        self.slots.loaded.subscribe(self.loaded.append)

    def _build(self) -> Runtime:
        builder = RuntimeBuilder().use_persistence(self.persistence)
        builder.use_transport(lambda url, api_key: self.service)
        runtime = builder.use_endpoint_url(lambda name: "ws://" + name).build()
        runtime.start()
        return runtime

    def connected(self, character_id: str, **config: Any) -> SessionHandle:
        handle = self.runtime.open_session(SessionConfig(character_id, **config))
        handle.connect()
        self.until(lambda: handle.view.state is SessionState.CONNECTED)
        return handle

    def until(self, condition: Callable[[], object]) -> None:
        """Draw frames until the condition holds."""
        end, frame = time.monotonic() + WITHIN, threading.Event()
        while not condition():
            assert time.monotonic() < end
            self.runtime.update()
            frame.wait(0.002)

    def save(self, name: str, values: dict[str, Any] | None = None) -> SlotInfo:
        work = self.slots.save(name, values)
        self.until(lambda: work.done() and not self.slots.is_busy)
        return work.result()

    def load(self, name: str) -> LoadedSlot:
        work = self.slots.load(name)
        self.until(lambda: work.done() and not self.slots.is_busy)
        return work.result()

    def stored(self) -> dict[str, str]:
        return {key: record.session_id for key, record in self.persistence.all().items()}

    def close(self) -> None:
        self.runtime.close()
        self.prefs.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    built = Home(tmp_path)
    yield built
    built.close()


def service_of(home: Home) -> BranchingService:
    assert isinstance(home.service, BranchingService)
    return home.service


def test_a_load_goes_on_in_a_branch_of_what_was_saved(home: Home) -> None:
    nurse = home.connected("nurse")
    before = nurse.view.session_id
    slot = home.save("harbour", {"gold": 7})
    (mind,) = slot.minds
    assert (mind.key, mind.at, mind.why_fresh) == ("nurse", 2, "")
    assert service_of(home).branches == {mind.session_id: before}
    loaded = home.load("harbour")
    assert loaded.values == {"gold": 7} and home.loaded == [loaded]
    home.until(lambda: nurse.view.state is SessionState.CONNECTED)
    branch = home.stored()["nurse"]
    assert service_of(home).branches[branch] == mind.session_id
    assert nurse.view.session_id == branch


def test_a_slot_can_be_loaded_any_number_of_times(home: Home) -> None:
    home.connected("nurse")
    (mind,) = home.save("harbour").minds
    played = set()
    for _ in range(3):
        home.load("harbour")
        played.add(home.stored()["nurse"])
    assert len(played) == 3
    assert {service_of(home).branches[it] for it in played} == {mind.session_id}


def test_what_was_said_until_the_save_comes_back_and_nothing_else(home: Home) -> None:
    nurse = home.connected("nurse")
    home.save("harbour")
    service_of(home).said = (Said("player", "I am Ada."), Said("character", "Oh.", was_cut=True))
    nurse.send_text("A secret.")
    home.until(lambda: any(turn.text == "A secret." for turn in nurse.view.transcript))
    home.load("harbour")
    home.until(lambda: nurse.view.state is SessionState.CONNECTED)
    turns = nurse.view.transcript[:2]
    assert [(t.speaker, t.text, t.interrupted) for t in turns] == [
        ("player", "I am Ada.", False),
        ("character", "Oh.", True),
    ]
    assert not any("secret" in turn.text for turn in nurse.view.transcript)


def test_sessions_of_levels_that_are_not_open_are_saved_and_put_back_too(home: Home) -> None:
    home.persistence.store("porter", SessionRecord("far-away", "local", "room", 1.0, 1.0))
    slot = home.save("harbour")
    assert {mind.key: service_of(home).branches[mind.session_id or ""] for mind in slot.minds} == {
        "porter": "far-away"
    }
    home.persistence.store("porter", SessionRecord("later", "local"))
    home.load("harbour")
    record = home.persistence.load("porter")
    assert record is not None and record.session_id.startswith("played")
    assert record.room_name is None


def test_who_had_no_talk_when_it_was_saved_has_none_after_the_load(home: Home) -> None:
    slot = home.save("empty")
    assert slot.minds == ()
    nurse = home.connected("nurse")
    first = nurse.view.session_id
    home.persistence.store("porter", SessionRecord("met later", "local"))
    home.load("empty")
    home.until(lambda: nurse.view.session_id not in (None, first))
    assert "porter" not in home.stored()


def test_who_was_met_later_and_would_know_the_player_is_put_back_to_the_first_word(
    home: Home,
) -> None:
    home.save("empty")
    home.connected("nurse")
    home.persistence.store("porter", SessionRecord("met later", "local"))
    service_of(home).lasts = True
    loaded = home.load("empty")
    assert loaded.fresh == ()
    assert all(it.startswith("begun") for it in home.stored().values())
    assert service_of(home).branches[home.stored()["porter"]] == "met later"


def test_a_kiosk_of_a_level_that_is_not_open_is_left_alone_too(home: Home) -> None:
    kiosk = SessionRecord("a visitor's", "local", is_always_fresh=True)
    home.persistence.store("kiosk", kiosk)
    assert home.save("harbour").minds == ()
    home.load("harbour")
    assert home.persistence.load("kiosk") == kiosk
    assert service_of(home).branches == {}


def test_a_kiosk_is_left_alone(home: Home) -> None:
    kiosk = home.connected("kiosk", policy=ReconnectPolicy.ALWAYS_CREATE_NEW)
    nurse, changes = home.connected("nurse"), len(kiosk.view.timeline)
    assert [mind.key for mind in home.save("harbour").minds] == ["nurse"]
    home.load("harbour")
    home.until(lambda: nurse.view.state is SessionState.CONNECTED)
    assert len(kiosk.view.timeline) == changes


@pytest.mark.parametrize(
    ("refusal", "why"),
    [
        ("session.cannot_branch", "cannot_branch"),
        ("session.expired", "expired"),
        ("connection.refused", "not_reached"),
    ],
)
def test_who_cannot_be_saved_is_told_before_a_load_and_begins_afresh(
    home: Home, refusal: str, why: str
) -> None:
    nurse = home.connected("nurse")
    first = nurse.view.session_id
    service_of(home).refusal = refusal
    slot = home.save("harbour")
    assert (slot.minds[0].why_fresh, slot.fresh) == (why, ("nurse",))
    assert home.load("harbour").fresh == ("nurse",)
    home.until(lambda: nurse.view.session_id not in (None, first))


def test_an_endpoint_that_keeps_no_branches_says_so_by_having_none(tmp_path: Path) -> None:
    home = Home(tmp_path, FakeService(time.monotonic))
    home.connected("nurse")
    assert home.save("harbour").minds[0].why_fresh == "cannot_branch"
    home.close()


def test_what_a_service_has_forgotten_since_is_told_after_the_load(home: Home) -> None:
    home.connected("nurse")
    (mind,) = home.save("harbour").minds
    service_of(home).forgotten.add(mind.session_id or "")
    assert home.load("harbour").fresh == ("nurse",)


def test_a_load_that_a_service_does_not_answer_changes_nothing(home: Home) -> None:
    nurse = home.connected("nurse")
    home.save("harbour")
    before, failed = home.stored(), list[Exception]()
    home.slots.failed.subscribe(failed.append)
    service_of(home).refusal = "connection.refused"
    work = home.slots.load("harbour")
    home.until(lambda: work.done() and not home.slots.is_busy)
    assert isinstance(work.exception(), TransportError) and failed == [work.exception()]
    assert home.stored() == before
    assert nurse.view.state is SessionState.CONNECTED


def test_a_character_in_error_tries_anew_where_it_was_saved(home: Home) -> None:
    nurse = home.connected("nurse")
    home.save("harbour")
    home.service.refuse("connection.not_allowed")
    nurse.cut()
    home.until(lambda: nurse.view.state is SessionState.ERROR)
    home.load("harbour")
    home.until(lambda: nurse.view.state is SessionState.CONNECTED)
    assert nurse.view.session_id == home.stored()["nurse"]


def test_a_game_adds_values_of_its_own_and_they_are_of_that_moment(home: Home) -> None:
    bag = ["rope"]
    home.slots.saving.subscribe(lambda values: values.update(bag=bag))
    work = home.slots.save("harbour", {"gold": 7})
    bag.append("lamp")
    home.until(work.done)
    assert home.slots.info("harbour").values == {"gold": 7, "bag": ["rope"]}


def test_a_slot_that_is_saved_over_lets_go_of_what_it_had(home: Home) -> None:
    home.connected("nurse")
    first, second = home.save("harbour"), home.save("harbour")
    assert first.minds[0].session_id != second.minds[0].session_id
    assert [slot.name for slot in home.slots.list()] == ["harbour"]


def test_the_time_played_goes_back_with_a_load(home: Home) -> None:
    slot = home.save("harbour")
    home.until(lambda: home.slots.played_seconds > slot.played_seconds + 0.05)
    home.load("harbour")
    assert slot.played_seconds <= home.slots.played_seconds < slot.played_seconds + 5.0


def test_there_is_no_load_of_what_is_not_there_or_damaged(home: Home) -> None:
    with pytest.raises(SlotError, match="no slot 'harbour'"):
        home.slots.load("harbour")
    home.prefs.set_bytes("slot.harbour.info", b"damage")
    with pytest.raises(SlotError, match="damaged"):
        home.slots.load("harbour")
    work = home.slots.delete("harbour")
    home.until(lambda: work.done() and not home.slots.is_busy)
    assert home.slots.list() == ()


def test_a_visitor_who_is_forgotten_is_forgotten_in_every_slot(home: Home) -> None:
    home.connected("nurse")
    home.connected("porter")
    home.save("harbour")
    work = home.slots.forget(["nurse"])
    home.until(lambda: work.done() and not home.slots.is_busy)
    assert work.exception() is None
    slot = home.slots.info("harbour")
    assert slot.fresh == ("nurse",)  # it is told before a load
    assert home.load("harbour").fresh == ("nurse",)


def test_a_load_that_was_cut_short_is_finished_before_a_session_opens(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.persistence.store("nurse", SessionRecord("later", "local"))
    home.slots._store.begin_load({"nurse": SessionRecord("as saved", "local")}, 0.0)
    home.close()
    again = Home(tmp_path)
    nurse = again.connected("nurse")
    assert nurse.view.session_id == "as saved"
    again.close()


# --- levels ---------------------------------------------------------------------------------------


class Game(Home):
    """A game with levels: who is in each, and whether it is saved when it is left."""

    def __init__(self, folder: Path) -> None:
        self.app = Application("Test", headless=True, open_scene=self._open, data_dir=folder)
        self.levels = {"quay": ["nurse", "porter"], "market": ["porter"]}
        self.autosaved: set[str] = set()
        super().__init__(folder)
        self.slots = SaveSlots(self.runtime, self.prefs, game=self.app, wall_clock=lambda: 50.0)
        self.slots.loaded.subscribe(self.loaded.append)
        for part in (self.runtime, self.prefs, self.slots):
            self.app.provide(part)

    def _open(self, name: str) -> Scene:
        people, scene = self.levels[name], self.app.new_scene(name)
        scene.add(CharacterManager(sound=False, autosave=name in self.autosaved))
        for key in people:
            scene.create(key.title()).add(Character(key))
        return scene

    def go(self, level: str) -> None:
        load = self.app.scenes.load(level)
        self.until(lambda: load.is_done)
        self.until(lambda: all(it.state is SessionState.CONNECTED for it in self.people()))

    def people(self) -> list[Character]:
        scene = self.app.scenes.active
        return [] if scene is None else scene.find_components(Character)

    def until(self, condition: Callable[[], object]) -> None:
        end, frame = time.monotonic() + WITHIN, threading.Event()
        while not condition():
            assert time.monotonic() < end
            self.app.tick()
            self.runtime.update()
            frame.wait(0.002)

    def close(self) -> None:
        super().close()
        self.app.close()


@pytest.fixture
def game(tmp_path: Path) -> Iterator[Game]:
    built = Game(tmp_path)
    yield built
    built.close()


def test_a_load_goes_to_the_level_of_the_slot(game: Game) -> None:
    game.go("quay")
    slot = game.save("harbour")
    assert (slot.level, slot.here) == ("quay", ("Nurse", "Porter"))
    game.go("market")
    assert game.load("harbour").gone == ()
    scene = game.app.scenes.active
    assert scene is not None and scene.level == "quay"


def test_in_a_later_version_of_a_level_whoever_is_gone_is_told_and_new_ones_begin(
    game: Game,
) -> None:
    game.go("quay")
    game.save("harbour")
    game.levels["quay"] = ["porter", "captain"]
    loaded = game.load("harbour")
    assert (loaded.gone, loaded.fresh) == (("Nurse",), ())
    game.until(lambda: all(it.state is SessionState.CONNECTED for it in game.people()))
    kinds = {it.key: (it.view.session_id or "").startswith("played") for it in game.people()}
    assert kinds == {"porter": True, "captain": False}


def test_a_level_that_is_no_more_is_told_when_everybody_is_back(game: Game) -> None:
    game.go("quay")
    game.save("harbour")
    game.go("market")
    del game.levels["quay"]
    work = game.slots.load("harbour")
    game.until(lambda: work.done() and not game.slots.is_busy)
    assert "level 'quay' cannot be opened" in str(work.exception())


def test_a_level_that_says_so_is_saved_when_it_is_left_unless_the_player_wants_it_not(
    game: Game,
) -> None:
    game.autosaved = {"quay"}
    game.go("quay")
    assert game.slots.autosave
    game.go("market")
    game.until(lambda: not game.slots.is_busy)
    assert [(it.name, it.level, it.here) for it in game.slots.list()] == [
        ("autosave", "quay", ("Nurse", "Porter"))
    ]
    game.go("quay")  # the market was not saved: its level does not say so
    assert game.slots.info("autosave").level == "quay"
    game.slots.delete("autosave")
    game.until(lambda: not game.slots.is_busy)
    game.slots.autosave = False
    game.go("market")
    assert game.slots.list() == ()
    game.slots.autosave = True
    game.go("quay")
    game.until(lambda: not game.slots.is_busy)
    assert game.slots.info("autosave").level == "market"


def test_a_load_saves_nothing_of_the_level_that_it_leaves(game: Game) -> None:
    game.slots.autosave = True
    game.go("quay")
    game.save("harbour")
    game.load("harbour")
    assert [slot.name for slot in game.slots.list()] == ["harbour"]


def test_a_runtime_that_closes_finishes_the_slot_that_is_being_saved(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.connected("nurse")
    work = home.slots.save("harbour")
    home.runtime.close()
    assert work.result(timeout=WITHIN).minds[0].why_fresh == ""
    home.prefs.close()
