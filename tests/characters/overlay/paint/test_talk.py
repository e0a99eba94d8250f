from __future__ import annotations

from dataclasses import replace

import pygame

from characters.overlay.layout import bar
from characters.overlay.model import HudModel, Microphone
from characters.overlay.paint.talk import (
    CaptionPlace,
    caption_places,
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


def captions(shown: HudModel, size: int = 19) -> tuple[pygame.Rect, tuple[CaptionPlace, ...]]:
    """Paint the captions of a frame; return the area that they took, and their places."""
    surface, brush = sheet(), painter()
    places = caption_places(brush, shown, STAGE, 560, size)
    paint_captions(brush, surface, places)
    return area(surface), places


def test_captions_grow_upwards_from_their_foot() -> None:
    box, _ = captions(crowd())
    assert 555 < box.bottom <= 575


def test_captions_are_painted_where_their_places_are() -> None:
    box, (low, high) = captions(crowd())
    assert high.rect.bottom < low.rect.y
    assert low.rect.bottom == 560
    assert 0 <= high.rect.y - box.top < 20  # a shadow lies around it


def test_larger_captions_take_more_room_and_stay_on_the_stage() -> None:
    heights = []
    for size in (19, 27):
        box, _ = captions(crowd(), size)
        heights.append(box.h)
        assert box.w < 740
    assert heights[0] < heights[1]


def test_a_very_long_answer_shows_its_end() -> None:
    nurse = crowd().actors[1]
    said = replace(nurse.view.transcript[1], text="word " * 400)
    shown = model(nurse._replace(view=replace(nurse.view, transcript=(said,))))
    assert captions(shown)[0].h < 150


def test_without_talk_there_is_no_caption() -> None:
    box, places = captions(model(actor()))
    assert (box.w, places) == (0, ())


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
