from __future__ import annotations

import pygame
import pytest

from characters.core.state import Resume, ResumeOutcome, SessionState
from characters.overlay.model import Actor
from characters.overlay.paint.badges import paint_badges
from tests.characters.overlay.helpers import NOW, actor, model
from tests.characters.overlay.paint.pictures import area, painter, sheet


def painted(*actors: Actor) -> pygame.Rect:
    surface = sheet()
    paint_badges(painter(), surface, model(*actors))
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


def test_a_receipt_makes_it_taller_for_a_while() -> None:
    plain = painted(actor(head=(480, 300)))
    resume = Resume(ResumeOutcome.REJOINED)
    fresh = painted(actor(head=(480, 300), resume=resume, connected_at=NOW - 1))
    assert fresh.h > plain.h + 15


def test_each_state_is_another_picture() -> None:
    pictures = set()
    for state in SessionState:
        surface = sheet()
        paint_badges(painter(), surface, model(actor(state=state, head=(480, 300))))
        pictures.add(pygame.image.tobytes(surface, "RGB"))
    assert len(pictures) == len(SessionState)
