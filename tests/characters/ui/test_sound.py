from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from characters.audio.portaudio import DeviceReport
from characters.audio.sources import AudioDevice
from characters.components.parts import SoundDevices
from characters.protocol.turn_settings import ListeningMode
from characters.ui.model import SceneQuery
from characters.ui.sound import SoundActions, SoundRow
from characters.ui.state import HudLayer, HudState
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from tests.audio.devices import until
from tests.characters.ui.fakes import Stage

FOUND = DeviceReport(
    (
        AudioDevice("Headset", 1, 2, 48_000),
        AudioDevice("Desk microphone", 1, 0, 48_000),
        AudioDevice("Monitor", 0, 2, 48_000),
    )
)
SOUND = ("escape", "down", "down", "down", "down", "return")
"""The keys that open the page."""


class Page(Stage):
    """A stage whose Sound page is open, with devices that a test says."""

    def __init__(
        self, find: Callable[[], DeviceReport] = lambda: FOUND, prefs: PlayerPrefs | None = None
    ) -> None:
        super().__init__(prefs=prefs)
        self.devices = SoundDevices(find)
        self.scene.provide(self.devices)
        self.press(*SOUND)

    @property
    def sound(self) -> SoundActions:
        return SoundActions(SceneQuery(self.scene), self.hud.state)

    def row(self, label: str) -> SoundRow:
        return next(row for row in self.sound.rows if row.label == label)

    def choose(self, label: str) -> None:
        """Go to a row by keys."""
        labels = [row.label for row in self.sound.rows]
        self.press(*["down"] * ((labels.index(label) - self.sound.chosen) % len(labels)))

    def values(self, label: str, *keys: str) -> list[str]:
        """Return what a row says after each key."""
        said = []
        for key in keys:
            self.press(key)
            said.append(self.row(label).value)
        return said


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    until(lambda: not made.devices.is_looking, 5, "the devices are listed")
    yield made
    assert made.errors == []


def test_the_menu_opens_the_page_and_escape_goes_back_to_its_entry(page: Page) -> None:
    assert page.hud.state.layer is HudLayer.SOUND
    assert page.hud_runtime.voice_input.covered and page.scene.input.captured is page.hud
    page.press("escape")
    assert (page.hud.state.layer, page.hud.state.menu_index) == (HudLayer.MENU, 4)
    page.press("escape")
    assert not page.hud_runtime.voice_input.covered


def test_the_microphone_goes_through_the_default_and_what_can_hear(page: Page) -> None:
    keys = ("right", "return", "pad right", "left", "a")
    said = ["Headset", "Desk microphone", "System default", "Desk microphone", "Headset"]
    assert page.values("Microphone", *keys) == said
    assert page.hud_runtime.voice_input.device == "Headset"


def test_the_loudspeaker_goes_through_what_can_be_heard(page: Page) -> None:
    page.choose("Loudspeaker")
    said = ["Headset", "Monitor", "System default"]
    assert page.values("Loudspeaker", "right", "d", "pad 0") == said
    assert page.hud_runtime.voice.device is None


def test_choosing_a_microphone_is_not_the_act_that_opens_it(page: Page) -> None:
    page.press("right", "return", "m", "m")
    assert page.hud_runtime.voice_input.device == "Desk microphone"
    assert not page.hud_runtime.voice_input.allowed


def test_a_chosen_device_that_is_gone_stays_chosen_and_is_said_to_be_gone(page: Page) -> None:
    page.manager.choices.set_microphone("Old headset")
    assert page.row("Microphone").value == "Old headset (not there)"
    page.press("up", "down")
    assert page.manager.choices.microphone == "Old headset"
    assert page.values("Microphone", "right", "left") == [
        "System default",
        "Desk microphone",
    ]


def test_a_device_in_use_may_be_hidden_from_the_list_and_is_there(page: Page) -> None:
    page.manager.choices.set_speaker("Hidden")  # the fake plays on it at once
    assert page.row("Loudspeaker").value == "Hidden"
    page.hud_runtime.voice.device = "Monitor"
    assert page.row("Loudspeaker").value == "Hidden (not there)"


def test_the_only_choice_is_not_made_again() -> None:
    page = Page(DeviceReport)
    page.hud_runtime.voice_input.device = page.hud_runtime.voice.device = "untouched"
    page.press("right", "down", "down", "down", "right")
    assert page.row("Loudspeaker").value == "System default"
    assert (page.hud_runtime.voice_input.device, page.hud_runtime.voice.device) == (
        "untouched",
    ) * 2


def test_frames_go_on_while_devices_are_looked_for() -> None:
    found = threading.Event()
    page = Page(lambda: FOUND if found.wait(20) else DeviceReport())
    page.manager.choices.set_microphone("Headset")
    page.frame(10)
    assert page.sound.note.startswith("Looking for")
    assert page.row("Microphone").value == "Headset"
    found.set()
    until(lambda: not page.devices.is_looking, 5, "the devices are listed")
    assert page.sound.note == ""
    assert page.values("Microphone", "right") == ["Desk microphone"]


def test_what_is_wrong_with_the_sound_is_told_and_nobody_is_said_to_be_gone() -> None:
    page = Page(lambda: DeviceReport(problem="The sound system does not answer."))
    until(lambda: not page.devices.is_looking, 5, "the devices are listed")
    page.manager.choices.set_microphone("Headset")
    assert page.sound.note == "The sound system does not answer."
    assert page.row("Microphone").value == "Headset"


def test_a_loudspeaker_that_fails_is_told(page: Page) -> None:
    page.hud_runtime.voice.problem = "The loudspeaker cannot be opened; trying again."
    assert page.row("Loudspeaker").hint == "The loudspeaker cannot be opened; trying again."


def test_a_machine_without_devices_says_so_at_their_rows() -> None:
    page = Page(DeviceReport)
    until(lambda: not page.devices.is_looking, 5, "the search is over")
    assert page.sound.note == ""
    for label in ("Microphone", "Loudspeaker"):
        assert page.row(label).hint.startswith("None was found")


def test_a_game_without_a_list_of_devices_says_so() -> None:
    stage = Stage()
    stage.press(*SOUND)
    assert "no sound devices" in SoundActions(SceneQuery(stage.scene), stage.hud.state).note


def test_a_voice_is_made_louder_and_quieter_in_tenths(page: Page) -> None:
    page.choose("Ada")
    assert page.values("Ada", "left", "left", "right", "right", "right") == [
        "90 %", "80 %", "90 %", "100 %", "100 %",
    ]  # fmt: skip
    page.press(*["left"] * 12)
    assert page.hud_runtime.voice.volumes == {"ada": 0.0, "bob": 1.0}


@pytest.mark.parametrize("key", ["return", "m", "pad 2"])
def test_a_voice_is_muted_and_keeps_its_volume(page: Page, key: str) -> None:
    page.choose("Bob")
    assert page.values("Bob", "left", key, key) == ["90 %", "muted", "90 %"]
    assert not page.hud_runtime.voice_input.muted
    page.press(key)
    assert page.hud_runtime.voice.volumes == {"ada": 1.0, "bob": 0.0}


def test_m_mutes_the_microphone_on_the_rows_that_are_nobodys(page: Page) -> None:
    page.press("m")
    assert page.hud_runtime.voice_input.muted
    assert page.row("Microphone").hint.startswith("Muted")
    page.choose("Headphones")
    page.press("m")
    assert not page.hud_runtime.voice_input.muted


def test_hands_free_is_the_act_that_allows_the_microphone(page: Page) -> None:
    page.choose("You talk")
    assert page.values("You talk", "right") == ["hands-free"]
    ears = page.hud_runtime.voice_input
    assert (ears.status.mode, ears.allowed) == (ListeningMode.HANDS_FREE, True)
    assert page.values("You talk", "return") == ["push-to-talk"]
    assert ears.status.mode is ListeningMode.PUSH_TO_TALK


def test_the_talk_key_and_headphones_are_chosen(page: Page) -> None:
    for label in ("T key", "Headphones"):
        page.choose(label)
        page.press("right")
    turns = page.hud_runtime.voice_input.turns
    assert turns.push_to_talk.toggle and turns.headphones
    assert page.row("T key").value == "press to begin and to end"
    assert page.row("Headphones").value == "yes"


def test_what_is_chosen_is_kept(tmp_path: Path) -> None:
    with PlayerPrefs.open(tmp_path / "prefs.msgpack") as prefs:
        page = Page(prefs=prefs)
        until(lambda: not page.devices.is_looking, 5, "the devices are listed")
        page.press("right", *["down"] * 5, "left", "down", "left")
        assert prefs.get_string("player.microphone") == "Headset"
        assert prefs.get_float("player.master_volume") == 0.9
        assert prefs.get_float("player.volume.ada") == 0.9


def test_rows_go_round_and_everybody_has_one(page: Page) -> None:
    page.press("up")
    assert page.sound.chosen == 7 and page.sound.rows[7].label == "Bob"
    page.press("down")
    assert page.sound.chosen == 0
    for number in range(9):
        page.person(f"guest {number}", (300 + number, 300))
    page.frame(30)
    assert len(page.sound.rows) == 6 + 11


def test_the_row_of_somebody_who_has_left_is_not_missed(page: Page) -> None:
    page.press("up")
    page.scene.destroy(page.bob.game_object)
    page.press("left")
    assert page.row("Ada").value == "90 %"


def test_a_level_without_a_manager_has_nothing_to_choose() -> None:
    state = HudState(layer=HudLayer.SOUND)
    sound = SoundActions(SceneQuery(Scene()), state)
    sound.toggle_mute()
    sound.open()
    assert (sound.rows, sound.chosen) == ((), 0)
    assert sound.note == "Nobody in this level has a voice."
