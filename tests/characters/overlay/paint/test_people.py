from __future__ import annotations

from itertools import product

import pygame
import pytest

from characters.overlay.looks import EXPRESSIONS, LOOKS, Face
from characters.overlay.paint.people import ASLEEP, Figure
from engine.ui.painter import Painter


def drawn(name: str, face: Face, turn: int = 0) -> bytes:
    surface = pygame.Surface((120, 180))
    Figure(Painter(), (name, "", "", "")).draw(surface, (60, 160), face, turn=turn)
    return pygame.image.tobytes(surface, "RGB")


@pytest.mark.parametrize("name", LOOKS)
def test_everybody_is_drawn_from_three_sides(name: str) -> None:
    assert len({drawn(name, Face(), turn) for turn in (-1, 0, 1)}) > 1


@pytest.mark.parametrize("name", ["nurse", "kiosk"])
def test_every_expression_and_mouth_looks_different(name: str) -> None:
    assert len({drawn(name, Face(emotion)) for emotion in EXPRESSIONS}) >= len(EXPRESSIONS) - 2
    assert len({drawn(name, Face(mouth=mouth)) for mouth in range(5)}) == 5


def test_eyes_that_close_change_the_picture() -> None:
    assert len({drawn("doctor", Face(lids=lids)) for lids in range(3)}) == 3


@pytest.mark.parametrize("turn", [-1, 0, 1])
@pytest.mark.parametrize("is_sitting", [False, True])
@pytest.mark.parametrize("name", ["nurse", "kiosk", "patient"])
def test_who_rests_is_the_same_in_one_piece(name: str, is_sitting: bool, turn: int) -> None:
    figure = Figure(Painter(), (name, "", "", ""))
    for lift in range(3):
        parts, whole = pygame.Surface((120, 200)), pygame.Surface((120, 200))
        figure.draw(parts, (60, 170), ASLEEP, turn=turn, is_sitting=is_sitting, lift=lift)
        figure.draw_asleep(whole, (60, 170), turn, is_sitting, lift)
        difference = pygame.surfarray.array3d(parts).astype(int) - pygame.surfarray.array3d(whole)
        assert abs(difference).max() <= 24  # roundings of see-through edges


def test_a_face_is_drawn_once_and_kept() -> None:
    painter, surface = Painter(), pygame.Surface((120, 180))
    for _ in range(3):
        Figure(painter, ("porter", "", "", "")).draw(surface, (60, 160), Face())
    assert painter.sprites.misses == 6  # a body, and a head of four layers


def test_a_face_that_was_never_seen_is_put_together_from_rehearsed_parts() -> None:
    painter = Painter()
    figure = Figure(painter, ("porter", "", "", ""))
    for _ in figure.rehearse_talk(0):
        pass
    before, seen = painter.sprites.misses, product(EXPRESSIONS, range(3), range(5), (-1, 0, 1))
    for number, face in enumerate(seen, 2):
        figure.draw(pygame.Surface((120, 180)), (60, 160), Face(*face))
        assert painter.sprites.misses == before + number  # the body, and the whole heads


def test_the_same_figure_draws_another_face_when_it_makes_one() -> None:
    figure, pictures = Figure(Painter(), ("doctor", "", "", "")), []
    for lids in (0, 2, 0):
        surface = pygame.Surface((120, 180))
        figure.draw(surface, (60, 160), Face(lids=lids))
        pictures.append(pygame.image.tobytes(surface, "RGB"))
    assert pictures[0] == pictures[2] != pictures[1]
