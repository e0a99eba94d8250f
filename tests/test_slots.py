"""Save slots in the whole demo: by script, by a kill, by keys in its real window."""

from __future__ import annotations

from pathlib import Path

import pytest

from characters.protocol.messages import TakenBack
from characters.session.conversation import SessionState
from tests.running import (
    do,
    hear,
    level_text,
    met,
    play,
    running_service,
    say,
    table_of,
    until,
)
from tests.screen import Screen
from tests.test_main import PATIENT
from tests.windowed import WindowedGame, windowed

ASK = "What is my name?"


def name(text: str, heard: str) -> str:
    return say(PATIENT, text) + hear(PATIENT, heard)


STORY = (
    until(PATIENT)
    + name("My name is Ada.", "Ada")
    + do("save_slot", slot="first")
    + name("My name is not Ada, it is Grace.", "Grace")
    + do("save_slot", slot="second")
    + do("load_slot", slot="first")
    + until(PATIENT)
    + name(ASK, "Ada")
    + do("load_slot", slot="second")
    + until(PATIENT)
    + name(ASK, "Grace")
)


def test_the_patient_knows_the_name_of_the_slot_that_is_loaded(tmp_path: Path) -> None:
    with running_service(tmp_path / "service") as service:
        met(play(tmp_path, STORY, endpoint=service.url))
        # The next day, in another level, both are there still.
        later = do("load_scene", scene="exam") + do("load_slot", slot="first") + until(PATIENT)
        run = met(play(tmp_path, later + name(ASK, "Ada"), endpoint=service.url))
    assert "Grace" not in run.said_by("character", PATIENT)


def test_what_is_taken_back_was_never_said_and_a_line_is_answered_with_other_words(
    tmp_path: Path,
) -> None:
    script = until(PATIENT) + name("My name is Ada.", "Ada") + name("My name is Grace.", "Grace")
    script += do("take_back", character=PATIENT) + name(ASK, "Ada")
    script += do("answer_again", character=PATIENT) + hear(PATIENT, "Ada")
    with running_service(tmp_path / "service") as service:
        run = met(play(tmp_path, script, endpoint=service.url))
    assert "Grace" not in run.said_by("player", PATIENT) + run.said_by("character", PATIENT)


@pytest.mark.slow
def test_a_slot_survives_the_service_and_the_game(tmp_path: Path) -> None:
    save = until(PATIENT) + name("My name is Ada.", "Ada") + do("save_slot", slot="first")
    save += name("My name is not Ada, it is Grace.", "Grace") + do("key", key="f7")
    met(play(tmp_path, save + until(PATIENT, "ERROR"), "--scene", _hasty(tmp_path)))
    load = until(PATIENT) + do("load_slot", slot="first") + until(PATIENT)
    met(play(tmp_path, load + name(ASK, "Ada"), "--scene", _hasty(tmp_path)))


@pytest.mark.slow
def test_a_service_that_is_gone_keeps_everything_as_it_is(tmp_path: Path) -> None:
    script = until(PATIENT) + do("save_slot", slot="first") + do("key", key="f7")
    script += until(PATIENT, "ERROR") + do("load_slot", slot="first")
    run = play(tmp_path, script, "--scene", _hasty(tmp_path))
    assert (run.status, run.report["failed_step"]) == (1, 5)


def _hasty(folder: Path) -> str:
    """Return a level whose patient gives up at once."""
    level = folder / "hasty.toml"
    policy = (
        "[object.Character.reconnect_policy]\n"
        "max_reconnect_attempts = 0\nstart_wait_timeout_ms = 60000"
    )
    patient = table_of(PATIENT, policy, name="Patient")
    game = "sound = false\n[object.FaultKeys]"
    level.write_text(level_text("Hasty", patient, game=game), encoding="utf-8")
    return str(level)


# --- by keys --------------------------------------------------------------------------------------


class Player:
    """Somebody at the keyboard of the demo."""

    def __init__(self, game: WindowedGame, screen: Screen) -> None:
        self.game, self.screen = game, screen

    def press(self, *keys: str) -> None:
        for key in keys:
            self.screen.press(key)
            self.game.run(12)

    def tell(self, text: str, heard: str) -> None:
        """Type a line to the patient, and wait for a word of the answer."""
        patient = self.game.character(PATIENT)
        self.game.run_until(lambda: self.game.player.target is patient, "somebody who listens")
        before = len(patient.view.transcript)
        self.screen.press("Return")
        self.game.run_until(lambda: self.game.app.input.text_box is not None, "the text box")
        self.game.run()
        self.screen.type(text)
        self.game.run_until(lambda: self.game.hud.state.chat.text == text, "what was typed")
        self.screen.press("Return")
        self.game.run_until(
            lambda: any(
                heard in turn.text
                for turn in patient.view.transcript[before:]
                if turn.speaker == "character"
            ),
            f"{heard} in the answer to {text!r}",
        )

    def open_slots(self) -> None:
        state = self.game.hud.state
        self.press("Escape")
        while state.menu_index != SLOTS_ROW:
            self.press("Down")
        self.press("Return")
        assert state.shown == "slots"

    def save(self, name: str) -> None:
        self.open_slots()
        self.press("Return", *["BackSpace"] * 20)
        self.screen.type(name)
        typed = self.game.hud.state.slot_name
        assert typed is not None
        self.game.run_until(lambda: typed.text == name, "the name")
        self.press("Return")
        self.until_done()
        self.press("Escape", "Escape")
        assert self.game.hud.state.shown == "game"

    def load(self, row: int) -> None:
        self.open_slots()
        self.press(*["Down"] * row, "Return")
        self.until_done()

    def until_done(self) -> None:
        self.game.run_until(lambda: not self.game.manager.slots.is_busy, "the slot")
        self.game.run()
        patient = self.game.character(PATIENT)
        self.game.run_until(lambda: patient.state is SessionState.CONNECTED, "the patient")

    def walk_to_patient(self) -> None:
        patient = self.game.character(PATIENT)
        self.game.run_until(lambda: patient.state is SessionState.CONNECTED, "a connection")
        self.game.player.walk_to((260, 380))
        self.game.run_until(lambda: not self.game.player.is_walking, "the walk")
        self.game.player.look_at(patient.transform.position)


SLOTS_ROW = 5  # of the menu


@pytest.mark.slow
def test_by_keys_a_player_saves_loads_takes_back_and_has_a_line_answered_again(
    tmp_path: Path,
) -> None:
    with (
        running_service(tmp_path / "service") as service,
        Screen() as screen,
        windowed(tmp_path, screen, "clinic", "--endpoint", service.url) as game,
    ):
        player = Player(game, screen)
        player.walk_to_patient()
        place = game.player.transform.position
        player.tell("My name is Ada.", "Ada")
        player.save("first")
        player.tell("My name is not Ada, it is Grace.", "Grace")
        player.save("second")
        game.player.walk_to((400, 420))
        game.run_until(lambda: not game.player.is_walking, "a walk away")
        player.load(2)  # the newest is the first row below that for a new one
        assert game.player.transform.position == place
        player.tell(ASK, "Ada")
        player.load(1)
        player.tell(ASK, "Grace")
        player.tell("My name is not Grace, it is Edith.", "Edith")
        said = len(game.character(PATIENT).view.transcript)
        player.press("z")
        game.run_until(lambda: len(game.character(PATIENT).view.transcript) < said, "an undo")
        player.tell(ASK, "Grace")
        patient, undone = game.character(PATIENT), list[object]()
        patient.events.subscribe(lambda it: undone.append(it) if isinstance(it, TakenBack) else 0)
        player.press("y")
        game.run_until(lambda: bool(undone), "an undo")
        game.run_until(
            lambda: (
                patient.view.transcript[-1].speaker == "character"
                and "Grace" in patient.view.transcript[-1].text
            ),
            "another answer",
        )
        for slot in game.manager.slots.list():
            picture = game.manager.slots.picture(slot.name)
            assert picture is not None
            assert picture.std() > 10
