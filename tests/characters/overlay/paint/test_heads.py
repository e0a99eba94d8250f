from __future__ import annotations

from itertools import product

import pytest

from characters.overlay.looks import EXPRESSIONS, LOOKS, Face
from characters.overlay.paint.heads import HEAD_ORIGIN, HEAD_SIZE, head_layers
from engine.ui.canvas import Canvas


def drawn(name: str, face: Face) -> bytes:
    canvas = Canvas(HEAD_SIZE, 2, HEAD_ORIGIN)
    for layer in head_layers(LOOKS[name], 0, face):
        layer.draw(canvas)
    return canvas.finish().get_buffer().raw


def faces() -> list[Face]:
    return [Face(*one) for one in product(EXPRESSIONS, range(3), range(5), (-1, 0, 1))]


@pytest.mark.parametrize("name", LOOKS)
def test_eyes_and_mouth_of_everybody_move(name: str) -> None:
    some = [Face(), Face(lids=2), Face(mouth=3), Face(gaze=1)]
    assert len({drawn(name, face) for face in some}) == len(some)


def test_an_unknown_emotion_leaves_the_face_calm() -> None:
    assert drawn("nurse", Face("perplexity")) == drawn("nurse", Face("neutral"))


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
