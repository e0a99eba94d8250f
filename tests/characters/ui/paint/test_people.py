from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pygame
import pytest

from characters.ui.appearance import ASLEEP, EXPRESSIONS, LOOKS, STRIDE, Face, shade
from characters.ui.paint import people
from characters.ui.paint.people import (
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

NURSE = LOOKS["nurse"]


def pixels(draw: Callable[[Canvas], object], canvas: Canvas | None = None) -> bytes:
    """Return what is drawn around the middle of a head, or on another canvas."""
    canvas = canvas or Canvas(HEAD_SIZE, 2, HEAD_ORIGIN)
    draw(canvas)
    return canvas.finish().get_buffer().raw


def body(name: str, swing: int = 0, *, is_sitting: bool = False) -> bytes:
    canvas = Canvas(BODY_SIZE, 1, BODY_ORIGIN)
    return pixels(lambda c: draw_body(c, LOOKS[name], 1, swing, is_sitting), canvas)


def head(name: str, face: Face) -> bytes:
    def draw(canvas: Canvas) -> None:
        for layer in head_layers(LOOKS[name], 0, face):
            layer.draw(canvas)

    return pixels(draw)


def whole(name: str, face: Face, turn: int = 0, painter: Painter | None = None) -> bytes:
    surface = pygame.Surface((120, 180))
    drawing = CharacterDrawing(painter or Painter(), (name, "", "", ""))
    drawing.draw(surface, (60, 160), face, turn=turn)
    return pygame.image.tobytes(surface, "RGB")


def faces() -> list[Face]:
    return [Face(*one) for one in product(EXPRESSIONS, range(3), range(5), (-1, 0, 1))]


@pytest.mark.parametrize("name", [name for name in LOOKS if name != "kiosk"])
def test_the_legs_swing_both_ways(name: str) -> None:
    assert len({body(name, swing) for swing in STRIDE}) == 3


def test_a_character_that_sits_is_drawn_without_legs() -> None:
    assert body("doctor") != body("doctor", is_sitting=True)


def test_shade_is_darker_and_keeps_the_opacity() -> None:
    dark = shade((200, 180, 160, 90), 0.5)
    assert sum(dark[:3]) < 540
    assert dark[3] == 90


@pytest.mark.parametrize("name", LOOKS)
def test_eyes_and_mouth_of_everybody_move(name: str) -> None:
    some = [Face(), Face(lids=2), Face(mouth=3), Face(gaze=1)]
    assert len({head(name, face) for face in some}) == len(some)


def test_an_unknown_emotion_leaves_the_face_calm() -> None:
    assert head("nurse", Face("perplexity")) == head("nurse", Face("neutral"))


@pytest.mark.parametrize("name", LOOKS)
def test_hundreds_of_faces_are_put_together_from_few_pictures(name: str) -> None:
    parts = {layer.key for face in faces() for layer in head_layers(LOOKS[name], 0, face)}
    assert len(faces()) == 540
    assert len(parts) < 110


def test_closed_eyes_are_the_same_picture_wherever_they_look() -> None:
    asides = [list(head_layers(NURSE, 0, Face(lids=2, gaze=gaze))) for gaze in (-1, 1)]
    assert [layer.key for layer in asides[0]] == [layer.key for layer in asides[1]]


def test_two_with_other_clothes_share_eyes_and_mouth() -> None:
    looks = (NURSE, LOOKS["doctor"])
    keys = [{layer.key for layer in head_layers(look, 0, Face())} for look in looks]
    assert len(keys[0] & keys[1]) == 2


@pytest.mark.parametrize("name", ["nurse", "porter", "kiosk"])
@pytest.mark.parametrize("turn", [-1, 0, 1])
def test_no_layer_is_cut_by_its_box(name: str, turn: int) -> None:
    layers = {each.key: each for face in faces() for each in head_layers(LOOKS[name], turn, face)}
    for layer in layers.values():
        left, top, w, h = layer.box
        canvas = Canvas(HEAD_SIZE, 1, HEAD_ORIGIN)
        layer.draw(canvas)
        area = canvas.finish().get_bounding_rect()
        assert area.w == 0 or (left < area.x and area.right < left + w) or w == HEAD_SIZE[0]
        assert area.h == 0 or (top < area.y and area.bottom < top + h) or h == HEAD_SIZE[1]


def test_lids_close_the_eyes_of_every_emotion() -> None:
    for emotion in ("neutral", "surprise", "pain"):
        opened = [people.opened(Face(emotion, lids)) for lids in range(3)]
        assert opened == sorted(opened, reverse=True)
        assert opened[2] == 0.0


@pytest.mark.parametrize("eyes", [people.eyes, people.screen_eyes])
def test_eyes_turn_to_whom_they_look_at(eyes: Callable[..., None]) -> None:
    assert len({pixels(lambda c, gaze=gaze: eyes(c, 0, 1.0, gaze)) for gaze in (-1, 0, 1)}) == 3  # type: ignore[misc]  # the default binds the loop's value


@pytest.mark.parametrize("mouth", [people.mouth, people.screen_mouth])
def test_mouths_open_and_closed_ones_smile(mouth: Callable[..., None]) -> None:
    assert len({pixels(lambda c, n=n: mouth(c, 0, n, 0.3)) for n in range(5)}) == 5  # type: ignore[misc]  # as above
    assert pixels(lambda c: mouth(c, 0, 0, 1.0)) != pixels(lambda c: mouth(c, 0, 0, -1.0))


def test_brows_and_cheeks_show_a_feeling() -> None:
    calm, angry = (pixels(lambda c, t=t: people.brows(c, NURSE, 0, 0.0, t)) for t in (0.0, 3.0))  # type: ignore[misc]  # as above
    pale, red = (pixels(lambda c, b=b: people.cheeks(c, NURSE, 0, b)) for b in (0.0, 1.0))  # type: ignore[misc]  # as above
    assert calm != angry and pale != red


@pytest.mark.parametrize("name", LOOKS)
def test_everybody_is_drawn_from_three_sides(name: str) -> None:
    assert len({whole(name, Face(), turn) for turn in (-1, 0, 1)}) > 1


@pytest.mark.parametrize("name", ["nurse", "kiosk"])
def test_every_expression_and_mouth_looks_different(name: str) -> None:
    seen = {whole(name, Face(emotion)) for emotion in EXPRESSIONS}
    assert len(seen) >= len(EXPRESSIONS) - 2
    assert len({whole(name, Face(mouth=mouth)) for mouth in range(5)}) == 5


def test_a_face_looks_the_same_after_other_faces_as_at_first() -> None:
    painter = Painter()
    for emotion in EXPRESSIONS:
        face = Face(emotion)
        assert whole("nurse", face, painter=painter) == whole("nurse", face)


def test_eyes_that_close_change_the_picture() -> None:
    assert len({whole("doctor", Face(lids=lids)) for lids in range(3)}) == 3


@pytest.mark.parametrize("turn", [-1, 0, 1])
@pytest.mark.parametrize("is_sitting", [False, True])
@pytest.mark.parametrize("name", ["nurse", "kiosk", "patient"])
@pytest.mark.parametrize("face", [ASLEEP, Face("joy", 0, 0, 1)])
def test_a_character_that_does_not_talk_is_the_same_in_one_piece(
    face: Face, name: str, is_sitting: bool, turn: int
) -> None:
    drawing = CharacterDrawing(Painter(), (name, "", "", ""))
    for lift in range(3):
        parts, joined = pygame.Surface((120, 200)), pygame.Surface((120, 200))
        drawing.draw(parts, (60, 170), face, turn=turn, is_sitting=is_sitting, lift=lift)
        drawing.draw_still(joined, (60, 170), face, turn, is_sitting, lift)
        difference = pygame.surfarray.array3d(parts).astype(int) - pygame.surfarray.array3d(joined)
        assert abs(difference).max() <= 24  # roundings of see-through edges


def test_a_face_is_drawn_once_and_kept() -> None:
    painter, surface = Painter(), pygame.Surface((120, 180))
    for _ in range(3):
        CharacterDrawing(painter, ("porter", "", "", "")).draw(surface, (60, 160), Face())
    assert painter.sprites.misses == 6  # a body, and a head of four layers


def test_a_face_that_was_never_seen_is_put_together_from_prewarmed_parts() -> None:
    painter = Painter()
    drawing = CharacterDrawing(painter, ("porter", "", "", ""))
    for _ in drawing.prewarm_talk(0):
        pass
    before, seen = painter.sprites.misses, product(EXPRESSIONS, range(3), range(5), (-1, 0, 1))
    for number, face in enumerate(seen, 2):
        drawing.draw(pygame.Surface((120, 180)), (60, 160), Face(*face))
        assert painter.sprites.misses == before + number  # the body, and the whole heads


def test_the_same_drawing_draws_another_face_when_it_makes_one() -> None:
    drawing, pictures = CharacterDrawing(Painter(), ("doctor", "", "", "")), []
    for lids in (0, 2, 0):
        surface = pygame.Surface((120, 180))
        drawing.draw(surface, (60, 160), Face(lids=lids))
        pictures.append(pygame.image.tobytes(surface, "RGB"))
    assert pictures[0] == pictures[2] != pictures[1]
