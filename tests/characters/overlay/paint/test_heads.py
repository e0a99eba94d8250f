from __future__ import annotations

import pytest

from characters.overlay.looks import LOOKS, Face
from characters.overlay.paint.heads import HEAD_ORIGIN, HEAD_SIZE, draw_head
from engine.ui.canvas import Canvas


def drawn(name: str, face: Face) -> bytes:
    canvas = Canvas(HEAD_SIZE, 2, HEAD_ORIGIN)
    draw_head(canvas, LOOKS[name], 0, face)
    return canvas.finish().get_buffer().raw


@pytest.mark.parametrize("name", LOOKS)
def test_eyes_and_mouth_of_everybody_move(name: str) -> None:
    faces = [Face(), Face(lids=2), Face(mouth=3), Face(gaze=1)]
    assert len({drawn(name, face) for face in faces}) == len(faces)


def test_an_unknown_emotion_leaves_the_face_calm() -> None:
    assert drawn("nurse", Face("perplexity")) == drawn("nurse", Face("neutral"))
