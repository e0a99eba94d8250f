from __future__ import annotations

from dataclasses import replace

import pygame
import pytest

from characters.session.conversation import Turn
from characters.ui.actions import Actions
from characters.ui.model import HudModel, SceneQuery
from characters.ui.paint.painter import make_painter
from characters.ui.paint.screen import paint_screen
from characters.ui.state import CaptionSize, HudLayer, HudState
from engine.objects.scene import Scene
from engine.ui.geometry import Hotspots
from engine.ui.painter import Painter
from tests.characters.ui.helpers import NOW, actor, crowd, model
from tests.characters.ui.paint.pictures import NotingPainter, gui


def paint(shown: HudModel, state: HudState, brush: Painter | None = None) -> Hotspots:
    hotspots = Hotspots()
    actions = Actions(SceneQuery(Scene()), state, print, int)
    for _ in range(2):
        hotspots.begin()
        paint_screen(gui(shown, brush=brush, spots=hotspots), state, actions)
    return hotspots


@pytest.mark.parametrize("layer", HudLayer)
@pytest.mark.parametrize("size", CaptionSize)
def test_every_layer_is_painted(layer: HudLayer, size: CaptionSize) -> None:
    state = HudState(layer=layer, caption_size=size, is_inspector_open=True, is_faults_open=True)
    state.chat.insert("a line that is a good deal longer than the box it is typed into " * 3)
    paint(crowd(), state)


def test_an_empty_level_is_painted_too() -> None:
    paint(model(), HudState(is_inspector_open=True, is_faults_open=True))


def test_a_second_frame_draws_nothing_anew() -> None:
    painter = make_painter()
    paint(crowd(), HudState(), painter)
    before = painter.sprites.misses
    paint(crowd(), HudState(), painter)
    assert painter.sprites.misses == before


def test_what_lies_under_a_sheet_cannot_be_clicked() -> None:
    hotspots = paint(crowd(), HudState(layer=HudLayer.HELP, is_inspector_open=True))
    assert not any(hotspots.click((x, y)) for x in range(0, 960, 8) for y in range(0, 600, 8))


def rows_of_bob(size: tuple[int, int], state: HudState) -> int:
    """Return how many rows of the screen show the badge of somebody who stands at the bottom."""
    said = replace(crowd().actors[1].view, transcript=(Turn("character", "Good morning.", NOW),))
    speaker = crowd().actors[1]._replace(head=(-999, 0), view=said)
    bob = actor("Bob", head=(size[0] / 2, size[1] - 30))
    actions, pictures = Actions(SceneQuery(Scene()), state, print, int), []
    for who in [(speaker,), (speaker, bob)]:
        surface = pygame.Surface(size)
        paint_screen(gui(model(*who, size=size), surface), state, actions)
        pictures.append(pygame.surfarray.array3d(surface).astype(int))
    is_bobs = abs(pictures[1] - pictures[0]) > 60  # through a caption it is fainter
    return int(is_bobs.any(axis=(0, 2)).sum())


@pytest.mark.parametrize(
    "size", [(640, 400), (960, 600), pytest.param((1920, 1080), marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("layer", [HudLayer.GAME, HudLayer.CHAT])
@pytest.mark.parametrize("letters", CaptionSize)
def test_captions_and_chat_leave_a_badge_uncovered(
    size: tuple[int, int], layer: HudLayer, letters: CaptionSize
) -> None:
    whole = rows_of_bob(size, HudState(caption_size=CaptionSize.OFF))
    assert rows_of_bob(size, HudState(layer, caption_size=letters)) == whole > 40


def words_on(shown: HudModel, state: HudState) -> str:
    noting = NotingPainter()
    actions = Actions(SceneQuery(Scene()), state, print, int)
    paint_screen(gui(shown, brush=noting), state, actions)
    return " ".join(noting.words)


@pytest.mark.parametrize("layer", [HudLayer.MENU, HudLayer.HELP])
def test_under_a_menu_or_the_help_there_is_the_level_and_no_talk(layer: HudLayer) -> None:
    shown = replace(crowd(), notice="Captions: large")
    game = words_on(shown, HudState(is_inspector_open=True, is_faults_open=True))
    card = words_on(shown, HudState(layer, is_inspector_open=True, is_faults_open=True))
    for words in ("Mr. Hale", "umbrella", "Break something", "Captions: large", "Session id"):
        assert words in game and words not in card
    assert "Nothing leaves this machine" in card and "icrophone" in card


def test_the_sound_page_covers_the_talk_and_leaves_the_microphone_in_sight() -> None:
    words = words_on(crowd(), HudState(HudLayer.SOUND, is_inspector_open=True))
    assert "Sound" in words and "hears you" in words
    assert "Mr. Hale" not in words and "umbrella" not in words
