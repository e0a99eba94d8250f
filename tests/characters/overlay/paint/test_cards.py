from __future__ import annotations

import pygame
import pytest

from characters.core.failure import failure
from characters.core.state import SessionState
from characters.overlay.cast import Cast
from characters.overlay.deeds import Deeds
from characters.overlay.hud_state import HudState
from characters.overlay.layout import hud_layout
from characters.overlay.model import Actor, HudModel
from characters.overlay.paint.cards import HELP, error_places, paint_errors, paint_help, paint_menu
from engine.scene import Scene
from engine.ui.hotspots import Hotspots
from engine.ui.rect import Rect
from tests.characters.overlay.helpers import actor, model
from tests.characters.overlay.paint.pictures import NotingPainter, area, painter, sheet

STAGE = Rect(12, 64, 936, 524)


class NotingDeeds(Deeds):
    """Deeds that note whom they were done to."""

    def __init__(self) -> None:
        super().__init__(Cast(Scene()), HudState(), print, int)
        self.told: list[str] = []

    def retry(self, key: str) -> None:
        self.told.append(f"retry {key}")

    def start_anew(self, key: str) -> None:
        self.told.append(f"anew {key}")

    def take_over(self, key: str) -> None:
        self.told.append(f"over {key}")


def failed(name: str, code: str) -> Actor:
    return actor(name, SessionState.ERROR, error=failure(code))


def buttons(shown: HudModel, stage: Rect = STAGE) -> list[str]:
    """Return what clicks on every place of the cards do, each once, from the top."""
    surface, spots, deeds = sheet(), Hotspots(), NotingDeeds()
    paint_errors(painter(), surface, shown, stage, spots, deeds)
    for y in range(40, 600, 10):
        for x in range(0, 960, 30):
            spots.click((x, y))
    return list(dict.fromkeys(deeds.told))


def test_only_those_in_error_get_a_card() -> None:
    surface = sheet()
    paint_errors(painter(), surface, model(actor()), STAGE, Hotspots(), NotingDeeds())
    assert area(surface).w == 0


def test_a_card_retries_its_own_character() -> None:
    ada, bob = failed("Ada", "connection.refused"), failed("Bob", "connection.refused")
    assert buttons(model(ada, actor("Cyd"), bob)) == ["retry ada", "retry bob"]


def test_a_card_speaks_to_the_player_and_keeps_the_code_small() -> None:
    noting, shown = NotingPainter(), model(failed("Ada", "session.resume_refused"))
    paint_errors(noting, sheet(), shown, STAGE, Hotspots(), NotingDeeds())
    words = " ".join(noting.words)
    assert "Start anew begins a new one" in words and "ALWAYS_RESUME" not in words
    assert "session.resume_refused" in noting.words


def test_a_talk_that_cannot_be_resumed_may_begin_anew() -> None:
    assert buttons(model(failed("Ada", "session.resume_refused"))) == ["anew ada", "retry ada"]


def test_a_talk_that_is_open_elsewhere_may_be_taken_over() -> None:
    assert buttons(model(failed("Ada", "session.live_elsewhere"))) == ["over ada", "retry ada"]


def test_each_key_stands_on_the_first_of_its_buttons() -> None:
    elsewhere = "session.live_elsewhere"
    shown = model(failed("A", "connection.refused"), failed("B", elsewhere), failed("C", elsewhere))
    noting = NotingPainter()
    paint_errors(noting, sheet(), shown, STAGE, Hotspots(), NotingDeeds())
    labels = [word for word in noting.words if word.startswith(("Retry", "Take over"))]
    assert labels == ["Retry (R)", "Retry", "Take over (V)", "Retry", "Take over"]


def test_a_card_wraps_in_the_narrow_room_between_two_panels() -> None:
    surface, narrow = sheet(), Rect(300, 64, 264, 524)
    shown = model(failed("Professor Wilhelmina Featherstonehaugh", "session.resume_refused"))
    paint_errors(painter(), surface, shown, narrow, Hotspots(), NotingDeeds())
    assert area(surface).right < narrow.right + 20
    assert buttons(shown, narrow) == ["anew professor-wilhelmina-featherstonehaugh",
                                      "retry professor-wilhelmina-featherstonehaugh"]  # fmt: skip


def test_the_help_covers_the_middle_and_names_every_key_once() -> None:
    surface = sheet()
    paint_help(painter(), surface, model())
    assert area(surface).size == (960, 600)
    assert len({key for key, _ in HELP}) == len(HELP)


def test_help_and_menu_fit_a_low_picture() -> None:
    low, entries = model(size=(640, 400)), [("Go on", str)] * 9
    for nth in range(2):
        surface = pygame.Surface((640, 400))
        surface.fill((255, 255, 255))
        if nth:
            paint_menu(painter(), surface, low, entries, 0, Hotspots())
        else:
            paint_help(painter(), surface, low)
        edges = [surface.get_at((320, y)).r for y in (0, 399)]
        assert min(edges) > 80  # shade and shadow on white: the sheet itself is darker


@pytest.mark.parametrize("stage", [Rect(12, 64, 616, 324), Rect(300, 64, 328, 324)])
def test_an_error_card_leaves_the_microphone_uncovered(stage: Rect) -> None:
    shown = model(actor("Dr. Varga", SessionState.ERROR), size=(640, 400))
    mic = hud_layout((640, 400), inspector=False, faults=False).microphone
    assert not error_places(painter(), shown, stage)[0].overlaps(mic)


def test_the_menu_is_worked_by_clicks() -> None:
    called, spots = list[str](), Hotspots()
    entries = [(name, lambda name=name: called.append(name)) for name in ("a", "b")]
    paint_menu(painter(), sheet(), model(), entries, 0, spots)
    for y in range(0, 600, 10):
        spots.click((480, y))
    assert list(dict.fromkeys(called)) == ["a", "b"]
