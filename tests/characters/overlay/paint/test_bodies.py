from __future__ import annotations

import pytest

from characters.overlay.looks import LOOKS
from characters.overlay.paint.bodies import BODY_ORIGIN, BODY_SIZE, STRIDE, draw_body, shade
from engine.ui.canvas import Canvas


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
