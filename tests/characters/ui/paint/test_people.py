from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

import pygame
import pytest

from characters.ui.appearance import EXPRESSIONS, LOOKS, STRIDE, Face, shade
from characters.ui.paint import people as features
from characters.ui.paint.people import (
    ASLEEP,
    BODY_ORIGIN,
    BODY_SIZE,
    HEAD_ORIGIN,
    HEAD_SIZE,
    CharacterDrawing,
    draw_body,
    head_layers,
)
from engine.ui.canvas import Canvas
from engine.ui.painter import Painter


def drawn(name: str, swing: int = 0, *, is_sitting: bool = False) -> bytes:
    canvas = Canvas(BODY_SIZE, 1, BODY_ORIGIN)
    draw_body(canvas, LOOKS[name], 1, swing, is_sitting)
    return canvas.finish().get_buffer().raw


@pytest.mark.parametrize("name", [name for name in LOOKS if name != "kiosk"])
def test_the_legs_swing_both_ways(name: str) -> None:
    assert len({drawn(name, swing) for swing in STRIDE}) == 3


def test_who_sits_is_drawn_without_legs() -> None:
    assert drawn("doctor") != drawn("doctor", is_sitting=True)


def test_shade_is_darker_and_keeps_the_opacity() -> None:
    dark = shade((200, 180, 160, 90), 0.5)
    assert sum(dark[:3]) < 540
    assert dark[3] == 90


def drawn_heads(name: str, face: Face) -> bytes:
    canvas = Canvas(HEAD_SIZE, 2, HEAD_ORIGIN)
    for layer in head_layers(LOOKS[name], 0, face):
        layer.draw(canvas)
    return canvas.finish().get_buffer().raw


def faces() -> list[Face]:
    return [Face(*one) for one in product(EXPRESSIONS, range(3), range(5), (-1, 0, 1))]


@pytest.mark.parametrize("name", LOOKS)
def test_eyes_and_mouth_of_everybody_move(name: str) -> None:
    some = [Face(), Face(lids=2), Face(mouth=3), Face(gaze=1)]
    assert len({drawn_heads(name, face) for face in some}) == len(some)


def test_an_unknown_emotion_leaves_the_face_calm() -> None:
    assert drawn_heads("nurse", Face("perplexity")) == drawn_heads("nurse", Face("neutral"))


@pytest.mark.parametrize("name", LOOKS)
def test_hundreds_of_faces_are_put_together_from_few_pictures(name: str) -> None:
    parts = {layer.key for face in faces() for layer in head_layers(LOOKS[name], 0, face)}
    assert len(faces()) == 540
    assert len(parts) < 110


def test_closed_eyes_are_the_same_picture_wherever_they_look() -> None:
    asides = [list(head_layers(LOOKS["nurse"], 0, Face(lids=2, gaze=gaze))) for gaze in (-1, 1)]
    assert [layer.key for layer in asides[0]] == [layer.key for layer in asides[1]]


def test_two_with_other_clothes_share_eyes_and_mouth() -> None:
    keys = [
        {layer.key for layer in head_layers(LOOKS[name], 0, Face())} for name in ("nurse", "doctor")
    ]
    assert len(keys[0] & keys[1]) == 2


@pytest.mark.parametrize("name", ["nurse", "porter", "kiosk"])
@pytest.mark.parametrize("turn", [-1, 0, 1])
def test_no_layer_is_cut_by_its_box(name: str, turn: int) -> None:
    layers = {each.key: each for face in faces() for each in head_layers(LOOKS[name], turn, face)}
    for layer in layers.values():
        left, top, w, h = layer.box
        whole = Canvas(HEAD_SIZE, 1, HEAD_ORIGIN)
        layer.draw(whole)
        area = whole.finish().get_bounding_rect()
        assert area.w == 0 or (left < area.x and area.right < left + w) or w == HEAD_SIZE[0]
        assert area.h == 0 or (top < area.y and area.bottom < top + h) or h == HEAD_SIZE[1]


def drawn_features(draw: Callable[[Canvas], object]) -> bytes:
    canvas = Canvas((60, 60), 2, (30, 30))
    draw(canvas)
    return canvas.finish().get_buffer().raw


def _draw(feature: Callable[..., None], how: float, way: float, canvas: Canvas) -> None:
    feature(canvas, 0, how, way)


def test_an_unknown_emotion_leaves_the_face_calm_of_features() -> None:
    assert features.expression(Face("perplexity")) == features.expression(Face("neutral"))


def test_lids_close_the_eyes_of_every_emotion() -> None:
    for emotion in ("neutral", "surprise", "pain"):
        opened = [features.opened(Face(emotion, lids)) for lids in range(3)]
        assert opened == sorted(opened, reverse=True)
        assert opened[2] == 0.0


@pytest.mark.parametrize("eyes", [features.eyes, features.screen_eyes])
def test_eyes_turn_to_whom_they_look_at(eyes: Callable[..., None]) -> None:
    assert len({drawn_features(partial(_draw, eyes, 1.0, gaze)) for gaze in (-1, 0, 1)}) == 3


@pytest.mark.parametrize("mouth", [features.mouth, features.screen_mouth])
def test_mouths_open_and_closed_ones_smile(mouth: Callable[..., None]) -> None:
    assert len({drawn_features(partial(_draw, mouth, opening, 0.3)) for opening in range(5)}) == 5
    assert drawn_features(lambda c: mouth(c, 0, 0, 1.0)) != drawn_features(
        lambda c: mouth(c, 0, 0, -1.0)
    )


def test_brows_and_cheeks_show_a_feeling() -> None:
    look = LOOKS["nurse"]
    calm = drawn_features(lambda c: features.brows(c, look, 0, 0.0, 0.0))
    assert calm != drawn_features(lambda c: features.brows(c, look, 0, 0.0, 3.0))
    pale = drawn_features(lambda c: features.cheeks(c, look, 0, 0.0))
    assert pale != drawn_features(lambda c: features.cheeks(c, look, 0, 1.0))


def drawn_people(name: str, face: Face, turn: int = 0) -> bytes:
    surface = pygame.Surface((120, 180))
    CharacterDrawing(Painter(), (name, "", "", "")).draw(surface, (60, 160), face, turn=turn)
    return pygame.image.tobytes(surface, "RGB")


@pytest.mark.parametrize("name", LOOKS)
def test_everybody_is_drawn_from_three_sides(name: str) -> None:
    assert len({drawn_people(name, Face(), turn) for turn in (-1, 0, 1)}) > 1


@pytest.mark.parametrize("name", ["nurse", "kiosk"])
def test_every_expression_and_mouth_looks_different(name: str) -> None:
    assert (
        len({drawn_people(name, Face(emotion)) for emotion in EXPRESSIONS}) >= len(EXPRESSIONS) - 2
    )
    assert len({drawn_people(name, Face(mouth=mouth)) for mouth in range(5)}) == 5


def test_a_face_looks_the_same_after_other_faces_as_at_first() -> None:
    one = Painter()
    for emotion in EXPRESSIONS:
        surface = pygame.Surface((120, 180))
        CharacterDrawing(one, ("nurse", "", "", "")).draw(surface, (60, 160), Face(emotion))
        assert pygame.image.tobytes(surface, "RGB") == drawn_people("nurse", Face(emotion))


def test_eyes_that_close_change_the_picture() -> None:
    assert len({drawn_people("doctor", Face(lids=lids)) for lids in range(3)}) == 3


@pytest.mark.parametrize("turn", [-1, 0, 1])
@pytest.mark.parametrize("is_sitting", [False, True])
@pytest.mark.parametrize("name", ["nurse", "kiosk", "patient"])
def test_who_rests_is_the_same_in_one_piece(name: str, is_sitting: bool, turn: int) -> None:
    drawing = CharacterDrawing(Painter(), (name, "", "", ""))
    for lift in range(3):
        parts, whole = pygame.Surface((120, 200)), pygame.Surface((120, 200))
        drawing.draw(parts, (60, 170), ASLEEP, turn=turn, is_sitting=is_sitting, lift=lift)
        drawing.draw_asleep(whole, (60, 170), turn, is_sitting, lift)
        difference = pygame.surfarray.array3d(parts).astype(int) - pygame.surfarray.array3d(whole)
        assert abs(difference).max() <= 24  # roundings of see-through edges


def test_a_face_is_drawn_once_and_kept() -> None:
    painter, surface = Painter(), pygame.Surface((120, 180))
    for _ in range(3):
        CharacterDrawing(painter, ("porter", "", "", "")).draw(surface, (60, 160), Face())
    assert painter.sprites.misses == 6  # a body, and a head of four layers


def test_a_face_that_was_never_seen_is_put_together_from_prewarmd_parts() -> None:
    painter = Painter()
    drawing = CharacterDrawing(painter, ("porter", "", "", ""))
    for _ in drawing.prewarm_talk(0):
        pass
    before, seen = painter.sprites.misses, product(EXPRESSIONS, range(3), range(5), (-1, 0, 1))
    for number, face in enumerate(seen, 2):
        drawing.draw(pygame.Surface((120, 180)), (60, 160), Face(*face))
        assert painter.sprites.misses == before + number  # the body, and the whole heads


def test_the_same_figure_draws_another_face_when_it_makes_one() -> None:
    drawing, pictures = CharacterDrawing(Painter(), ("doctor", "", "", "")), []
    for lids in (0, 2, 0):
        surface = pygame.Surface((120, 180))
        drawing.draw(surface, (60, 160), Face(lids=lids))
        pictures.append(pygame.image.tobytes(surface, "RGB"))
    assert pictures[0] == pictures[2] != pictures[1]
