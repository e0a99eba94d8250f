from __future__ import annotations

from dataclasses import replace

import pygame

from characters.overlay.layout import bar
from characters.overlay.model import Microphone
from characters.overlay.paint.talk import (
    paint_banner,
    paint_captions,
    paint_chat,
    paint_hint,
    paint_microphone,
    paint_notice,
)
from engine.ui.rect import Rect
from engine.ui.text_field import TextField
from tests.characters.overlay.helpers import actor, crowd, model
from tests.characters.overlay.paint.pictures import area, painter, sheet

STAGE = Rect(12, 64, 936, 524)


def test_captions_grow_upwards_from_their_foot() -> None:
    surface = sheet()
    top = paint_captions(painter(), surface, crowd(), STAGE, 560, 19)
    box = area(surface)
    assert top < box.top + 20
    assert 555 < box.bottom <= 575


def test_larger_captions_take_more_room_and_stay_on_the_stage() -> None:
    heights = []
    for size in (19, 27):
        surface = sheet()
        paint_captions(painter(), surface, crowd(), STAGE, 560, size)
        heights.append(area(surface).h)
        assert area(surface).w < 740
    assert heights[0] < heights[1]


def test_a_very_long_answer_shows_its_end() -> None:
    surface, nurse = sheet(), crowd().actors[1]
    said = replace(nurse.view.transcript[1], text="word " * 400)
    shown = model(replace(nurse, view=replace(nurse.view, transcript=(said,))))
    paint_captions(painter(), surface, shown, STAGE, 560, 19)
    assert area(surface).h < 150


def test_without_talk_there_is_no_caption() -> None:
    surface = sheet()
    assert paint_captions(painter(), surface, model(actor()), STAGE, 560, 19) == 560
    assert area(surface).w == 0


def test_the_cursor_of_a_long_line_stays_in_sight() -> None:
    field, box = TextField(), bar(STAGE, 640, 44, 580)
    field.insert("a rather long line of talk " * 12)
    for key in ("end", "home"):
        field.press(key)
        surface = sheet()
        paint_chat(painter(), surface, crowd(), box, field)
        assert area(surface).right < box.right + 16


def test_the_level_is_shown_only_while_somebody_hears() -> None:
    rect = Rect(680, 10, 268, 46)
    pictures = []
    for mic in (Microphone(level=0.9), Microphone(level=0.1), Microphone(0.9, is_open=True)):
        surface = sheet()
        paint_microphone(painter(), surface, model(actor(is_target=True), microphone=mic), rect)
        pictures.append(pygame.image.tobytes(surface, "RGB"))
    assert pictures[0] == pictures[1] != pictures[2]


def test_banner_hint_and_notice_stay_within_their_places() -> None:
    brush, surface = painter(), sheet()
    paint_banner(
        brush, surface, model(endpoint="a-very-long-host-name." * 8), Rect(12, 10, 330, 26)
    )
    assert area(surface).right < 680
    paint_hint(brush, surface, Rect(160, 570, 640, 22), "Walk: WASD")
    assert pygame.Rect(0, 0, 960, 600).contains(notice(500, "A sentence that has to wrap here. "))


def notice(bottom: float, text: str) -> pygame.Rect:
    surface = sheet()
    paint_notice(painter(), surface, Rect(300, 64, 260, 524), bottom, text * 5)
    return area(surface)


def test_a_long_notice_gives_way_to_the_captions() -> None:
    calm = notice(590, "A sentence that has to wrap here. ")
    lifted = notice(calm.bottom - 60, "A sentence that has to wrap here. ")
    assert lifted.bottom <= calm.bottom - 60
