from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from characters.overlay.looks import LOOKS, Face
from characters.overlay.paint import features
from engine.ui.canvas import Canvas


def drawn(draw: Callable[[Canvas], object]) -> bytes:
    canvas = Canvas((60, 60), 2, (30, 30))
    draw(canvas)
    return canvas.finish().get_buffer().raw


def _draw(feature: Callable[..., None], how: float, way: float, canvas: Canvas) -> None:
    feature(canvas, 0, how, way)


def test_an_unknown_emotion_leaves_the_face_calm() -> None:
    assert features.expression(Face("perplexity")) == features.expression(Face("neutral"))


def test_lids_close_the_eyes_of_every_emotion() -> None:
    for emotion in ("neutral", "surprise", "pain"):
        opened = [features.opened(Face(emotion, lids)) for lids in range(3)]
        assert opened == sorted(opened, reverse=True)
        assert opened[2] == 0.0


@pytest.mark.parametrize("eyes", [features.eyes, features.screen_eyes])
def test_eyes_turn_to_whom_they_look_at(eyes: Callable[..., None]) -> None:
    assert len({drawn(partial(_draw, eyes, 1.0, gaze)) for gaze in (-1, 0, 1)}) == 3


@pytest.mark.parametrize("mouth", [features.mouth, features.screen_mouth])
def test_mouths_open_and_closed_ones_smile(mouth: Callable[..., None]) -> None:
    assert len({drawn(partial(_draw, mouth, opening, 0.3)) for opening in range(5)}) == 5
    assert drawn(lambda c: mouth(c, 0, 0, 1.0)) != drawn(lambda c: mouth(c, 0, 0, -1.0))


def test_brows_and_cheeks_show_a_feeling() -> None:
    look = LOOKS["nurse"]
    calm = drawn(lambda c: features.brows(c, look, 0, 0.0, 0.0))
    assert calm != drawn(lambda c: features.brows(c, look, 0, 0.0, 3.0))
    pale = drawn(lambda c: features.cheeks(c, look, 0, 0.0))
    assert pale != drawn(lambda c: features.cheeks(c, look, 0, 1.0))
