from __future__ import annotations

from dataclasses import replace
from itertools import product

import pygame
import pytest

from characters.audio.portaudio import DeviceReport
from characters.audio.sources import AudioDevice
from characters.components.parts import SoundDevices
from characters.ui.actions import Actions
from characters.ui.model import ALL_BINDINGS, SceneQuery
from characters.ui.paint.panels import paint_faults, paint_inspector, paint_sound
from characters.ui.sound import SoundActions
from characters.ui.state import HudAction, HudState, Scroll, hud_layout, sound_page
from engine.core.input import Input
from engine.core.words import Words
from engine.objects.scene import Scene
from engine.ui.geometry import Hotspots, Rect
from tests.audio.devices import until
from tests.characters.ui.fakes import Stage
from tests.characters.ui.helpers import EN, crowd, model
from tests.characters.ui.paint.pictures import MeasuringPainter, NotingPainter, area, gui, sheet

NAME = "A microphone whose maker could not stop adding words to its name, Second Generation"
SIZE = (640, 400)


class Painted:
    """The page over a stage, and where it can be clicked."""

    def __init__(self, problem: str | None = None) -> None:
        self.stage = Stage()
        self.stage.scene.camera.size = SIZE
        report = DeviceReport((AudioDevice(NAME, 1, 1, 48_000),), problem)
        devices = SoundDevices(lambda: report)
        self.stage.scene.provide(devices)
        self.sound.open()
        until(lambda: not devices.is_looking, 5, "the devices are listed")
        self.painter, self.hotspots = NotingPainter(), Hotspots()

    @property
    def sound(self) -> SoundActions:
        return SoundActions(SceneQuery(self.stage.scene), self.stage.hud.state)

    def paint(self) -> pygame.Surface:
        surface = pygame.Surface(SIZE)
        surface.fill((255, 255, 255))
        self.hotspots.begin()
        shown = model(size=SIZE)
        paint_sound(gui(shown, surface, brush=self.painter, spots=self.hotspots), self.sound)
        return surface

    def click(self, row: int, x: float) -> None:
        """Click into a row, so far from its left end."""
        self.paint()
        page = sound_page(SIZE, len(self.sound.rows))
        assert self.hotspots.click((page.x + 16 + x, page.y + 44 + 27 * row + 12))


@pytest.fixture
def painted() -> Painted:
    return Painted()


def test_the_page_fits_a_low_picture_with_all_its_rows_and_leaves_the_microphone_free() -> None:
    page = sound_page(SIZE, 8)
    mic = hud_layout(SIZE, inspector=False, faults=False).microphone
    assert page.bottom <= SIZE[1] and page.right <= SIZE[0]
    assert not page.overlaps(mic)


def test_every_row_is_told_with_its_value_and_long_names_are_cut(painted: Painted) -> None:
    painted.click(0, 510)
    painted.paint()
    words = painted.painter.words
    assert {"Sound", "Microphone", "Loudspeaker", "Ada", "Bob", "100 %"} <= set(words)
    assert any(word.startswith("A microphone") and word.endswith("…") for word in words)
    assert "M mutes it. Choosing one does not open it." in words


def test_arrows_are_clicked(painted: Painted) -> None:
    painted.click(3, 510)
    assert painted.stage.manager.choices.speaker == NAME
    painted.click(3, 185)
    assert painted.stage.manager.choices.speaker is None


def test_a_click_beside_the_arrows_only_chooses_the_row(painted: Painted) -> None:
    painted.click(1, 60)
    painted.click(1, 350)
    assert painted.sound.chosen == 1
    assert not painted.stage.hud_runtime.voice_input.allowed


def test_a_click_on_the_bar_is_that_volume_and_one_on_the_sign_mutes(painted: Painted) -> None:
    painted.click(6, 300)
    volume = painted.stage.manager.choices.volume("ada")
    assert 0.3 <= volume <= 0.5
    painted.click(6, 160)
    assert painted.stage.manager.choices.is_silenced("ada")
    painted.click(5, 160)
    assert painted.stage.manager.choices.is_all_silenced
    painted.paint()
    assert "muted" in painted.painter.words


def test_a_muted_bar_is_dark(painted: Painted) -> None:
    bright = painted.paint().get_at((320, 280))
    painted.stage.manager.choices.set_silenced("ada", True)
    assert sum(painted.paint().get_at((320, 280))[:3]) < sum(bright[:3])


def test_back_is_clicked(painted: Painted) -> None:
    painted.paint()
    page = sound_page(SIZE, len(painted.sound.rows))
    painted.hotspots.click((page.right - 60, page.y + 20))
    assert painted.stage.hud.state.layer == "menu"


def test_a_problem_takes_the_place_of_the_hint() -> None:
    painted = Painted("The sound system does not answer.")
    painted.paint()
    assert "The sound system does not answer." in painted.painter.words
    assert not [word for word in painted.painter.words if word.startswith("M mutes it")]


def test_a_page_without_rows_is_painted_too() -> None:
    noting = NotingPainter()
    sound = SoundActions(SceneQuery(Scene()), HudState())
    paint_sound(gui(model(size=SIZE), pygame.Surface(SIZE), brush=noting), sound)
    assert "Nobody in this level has a voice." in noting.words


LAYOUT = hud_layout((960, 600), inspector=True, faults=True)


def places(rect: Rect) -> list[tuple[int, int]]:
    """Return points all over a rectangle, to be clicked."""
    ys, xs = range(int(rect.y), int(rect.bottom), 6), range(int(rect.x), int(rect.right), 12)
    return list(product(xs, ys))


def test_the_fault_panel_offers_everybody_each_one_and_what_can_be_done() -> None:
    done, chosen, spots, state = list[str](), set[str | None](), Hotspots(), HudState()
    shown, rect = crowd(), LAYOUT.faults
    assert rect is not None
    buttons = (
        HudAction(lambda: done.append("cut"), "Cut"),
        HudAction(lambda: done.append("why not"), "Kill service", why_not="It is down."),
    )
    paint_faults(gui(shown, spots=spots), rect, state, buttons)
    for point in places(rect):
        spots.click(point)
        chosen.add(state.fault_target)
    assert set(done) == {"cut", "why not"}
    assert chosen == {None, *(actor.key for actor in shown.actors)}


def test_the_texts_of_the_fault_panel_stay_in_it_in_a_language_of_long_words() -> None:
    measuring, rect = MeasuringPainter(), LAYOUT.faults
    assert rect is not None
    long = Words({key: f"{text} {text} {text}" for key, text in EN.templates.items()})
    shown = replace(crowd(), words=long.with_keys(Input(), ALL_BINDINGS))
    paint_faults(gui(shown, brush=measuring), rect, HudState(), ())
    assert max(text.right for text in measuring.texts) <= rect.right


class RecordingActions(Actions):
    """Actions that record which character is inspected."""

    def __init__(self) -> None:
        super().__init__(SceneQuery(Scene()), HudState(), print, int)
        self.chosen: list[str] = []

    def inspect(self, key: str) -> None:
        self.chosen.append(key)


def frame() -> Rect:
    assert LAYOUT.inspector is not None
    return LAYOUT.inspector


def test_the_inspector_stays_in_its_frame_and_its_tabs_choose() -> None:
    surface, spots, actions, shown = sheet(), Hotspots(), RecordingActions(), crowd()
    paint_inspector(gui(shown, surface, spots=spots), frame(), shown.actors[1], actions, Scroll())
    for point in places(frame()):
        spots.click(point)
    assert set(actions.chosen) == {actor.key for actor in shown.actors}
    assert area(surface).right <= 960


def test_the_inspector_of_an_empty_level_says_so() -> None:
    surface = sheet()
    paint_inspector(gui(model(), surface), frame(), None, RecordingActions(), Scroll())
    assert area(surface).w > 300
