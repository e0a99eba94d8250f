from __future__ import annotations

import pygame
import pytest

from characters.core.state import Resume, ResumeOutcome, SessionState
from characters.overlay.model import Actor, Microphone
from characters.overlay.paint.badges import paint_badges
from engine.ui.rect import Rect
from tests.characters.overlay.helpers import NOW, actor, model
from tests.characters.overlay.paint.pictures import area, painter, sheet

STAGE = Rect(12, 64, 936, 524)


def painted(
    *actors: Actor,
    stage: Rect = STAGE,
    taken: tuple[Rect, ...] = (),
    talk: tuple[Rect, ...] = (),
) -> pygame.Rect:
    surface = sheet()
    paint_badges(painter(), surface, model(*actors), stage, taken, talk)
    return area(surface)


def test_a_badge_stands_over_the_head() -> None:
    box = painted(actor(head=(480, 300)))
    assert abs(box.centerx - 480) < 3
    assert 295 <= box.bottom <= 305


@pytest.mark.parametrize("head", [(0, 0), (960, 0), (960, 600), (0, 600), (-500, 300)])
def test_a_badge_stays_on_the_screen(head: tuple[float, float]) -> None:
    name = "Professor Wilhelmina Featherstonehaugh the Younger"
    box = painted(actor(name, head=head))
    assert pygame.Rect(0, 0, 960, 600).contains(box)
    assert box.w < 240


@pytest.mark.parametrize("x", [100, 860])
def test_who_stands_behind_an_open_panel_has_no_badge_that_peeks_out(x: float) -> None:
    between = Rect(300, 64, 264, 524)
    assert painted(actor(head=(x, 300)), stage=between).w == 0
    inside = painted(actor(head=(310, 300)), stage=between)
    assert between.x - 10 <= inside.left and inside.right <= between.right + 10


def test_a_badge_that_a_card_would_cut_is_left_out() -> None:
    card = Rect(12, 42, 400, 130)
    assert painted(actor(head=(400, 200)), taken=(card,)).w == 0
    assert painted(actor(head=(700, 200)), taken=(card,)).w > 0


def test_a_badge_behind_the_captions_stands_above_them_with_its_tip() -> None:
    low, high = Rect(120, 500, 720, 60), Rect(120, 434, 720, 60)
    for head in (440, 480, 550, 590):
        box = painted(actor(head=(480, head)), talk=(low, high))
        assert 420 < box.bottom <= 438  # its shadow may reach them, its tip ends above
        assert box.h > 38


def test_a_badge_beside_the_captions_stays_over_its_head() -> None:
    captions = Rect(120, 434, 400, 130)
    assert painted(actor(head=(800, 500)), talk=(captions,)).bottom > 490


def test_a_badge_for_which_the_captions_leave_no_room_is_left_out() -> None:
    assert painted(actor(head=(480, 300)), talk=(Rect(12, 100, 900, 460),)).w == 0
    assert painted(actor(head=(480, 300)), talk=(Rect(12, 120, 900, 440),)).w > 0


def test_in_a_throng_the_one_who_listens_keeps_his_badge() -> None:
    throng = [actor(f"Extra {n}", head=(480, 110 + n)) for n in range(12)]
    seen = [sheet(), sheet()]
    for surface, is_target in zip(seen, (True, False), strict=True):
        ada = actor("Ada", head=(480, 105), is_target=is_target)
        paint_badges(painter(), surface, model(*throng, ada), STAGE)
    first, second = (pygame.image.tobytes(surface, "RGB") for surface in seen)
    assert first != second


def test_the_level_is_at_the_badge_of_the_one_who_hears() -> None:
    def strip(key: str, level: float) -> bytes:
        surface, mic = sheet(), Microphone(level, is_open=True, hearer="ada")
        both = actor("Ada", head=(200, 300)), actor("Bob", head=(700, 300), is_target=True)
        paint_badges(painter(), surface, model(*both, microphone=mic), STAGE, (), ())
        half = pygame.Rect(0 if key == "ada" else 480, 0, 480, 600)
        return pygame.image.tobytes(surface.subsurface(half), "RGB")

    assert strip("ada", 0.1) != strip("ada", 0.9)
    assert strip("bob", 0.1) == strip("bob", 0.9)


def test_a_receipt_makes_it_taller_for_a_while() -> None:
    plain = painted(actor(head=(480, 300)))
    resume = Resume(ResumeOutcome.REJOINED)
    fresh = painted(actor(head=(480, 300), resume=resume, connected_at=NOW - 1))
    assert fresh.h > plain.h + 15


def test_each_state_is_another_picture() -> None:
    pictures = set()
    for state in SessionState:
        surface = sheet()
        paint_badges(painter(), surface, model(actor(state=state, head=(480, 300))), STAGE)
        pictures.add(pygame.image.tobytes(surface, "RGB"))
    assert len(pictures) == len(SessionState)
