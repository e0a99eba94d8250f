"""Puts figures together from kept pictures of bodies and heads."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from characters.overlay.looks import EXPRESSIONS, Face, dressed
from characters.overlay.paint.bodies import BODY_ORIGIN, BODY_SIZE, draw_body
from characters.overlay.paint.heads import HEAD_ORIGIN, HEAD_SIZE, HeadLayer, head_layers
from engine.ui.canvas import Canvas
from engine.ui.painter import Painter

__all__ = ["ASLEEP", "NECK", "Figure"]

NECK = 88
"""How high the middle of the head is over the feet."""

ASLEEP = Face("asleep")
_MOST_LIFT = 2
_WHOLE_TOP = NECK + HEAD_ORIGIN[1] + _MOST_LIFT  # of the picture of a whole figure, over its feet
_WHOLE_SIZE = (BODY_SIZE[0], round(_WHOLE_TOP - BODY_ORIGIN[1]) + BODY_SIZE[1])


class Figure:
    """Somebody who has `worn` a look and the colours of clothes, skin and hair ("" for its own).

    `own` is a number from 0 to 1 that few neighbours share.
    """

    def __init__(self, painter: Painter, worn: tuple[str, str, str, str], own: float = 0.0) -> None:
        self.worn = worn
        self.own = own
        self._painter = painter
        self._look = dressed(*worn)
        # The last picture of each: most frames show the face of the frame before.
        self._body: tuple[Hashable, Any] = (None, None)
        self._head: tuple[Hashable, Any] = (None, None)
        self._sleeper: tuple[Hashable, Any] = (None, None)

    def draw(
        self,
        surface: Any,
        feet: tuple[float, float],
        face: Face,
        *,
        turn: int = 0,
        swing: int = 0,
        is_sitting: bool = False,
        lift: int = 0,
    ) -> None:
        """Draw them; `lift` raises the head by so many pixels."""
        x, y = round(feet[0]), round(feet[1])
        if self._body[0] != (turn, swing, is_sitting):
            self._body = ((turn, swing, is_sitting), self._draw_body(turn, swing, is_sitting))
        if self._head[0] != (turn, face):
            self._head = ((turn, face), self._draw_head(turn, face))
        surface.blit(self._body[1], (x - BODY_ORIGIN[0], y - BODY_ORIGIN[1]))
        # A step lifts the whole figure a little: walking is seen in the head first.
        top = y - NECK - HEAD_ORIGIN[1] - lift - abs(swing)
        surface.blit(self._head[1], (x - HEAD_ORIGIN[0], top))

    def draw_asleep(
        self, surface: Any, feet: tuple[float, float], turn: int, is_sitting: bool, lift: int
    ) -> None:
        """Draw them as they rest: in one piece, as a crowd does."""
        posture = (turn, is_sitting, min(lift, _MOST_LIFT))
        if self._sleeper[0] != posture:
            self._sleeper = (posture, self._draw_sleeper(*posture))
        at = round(feet[0]) - BODY_ORIGIN[0], round(feet[1]) - _WHOLE_TOP
        surface.blit(self._sleeper[1], at)

    def rehearse(
        self, turns: Sequence[int], faces: Iterable[Face], *, is_sitting: bool = False
    ) -> Iterator[None]:
        """Draw what is likely to be seen, a picture for each step: it is kept for the game."""
        for turn in turns:
            for swing in (0, -1, 1) if len(turns) > 1 else (0,):
                self._draw_body(turn, swing, is_sitting)
                yield
        for turn, face in product(turns, faces):
            yield from self._rehearse_parts(turn, face)
            self._draw_head(turn, face)
            yield

    def rehearse_talk(self, turn: int) -> Iterator[None]:
        """Draw the parts of every face that talk may bring, a picture for each step."""
        for emotion, lids, gaze in product(EXPRESSIONS, range(3), (-1, 0, 1)):
            yield from self._rehearse_parts(turn, Face(emotion, lids, 0, gaze))
        for mouth in range(1, 5):
            yield from self._rehearse_parts(turn, Face("neutral", 0, mouth))

    def _rehearse_parts(self, turn: int, face: Face) -> Iterator[None]:
        for layer in head_layers(self._look, turn, face):
            before = self._painter.sprites.misses
            self._draw_layer(layer)
            if self._painter.sprites.misses > before:
                yield

    def rehearse_sleep(self, turn: int, is_sitting: bool) -> Iterator[None]:
        """Draw the breath of somebody who rests, a picture for each step."""
        yield from self._rehearse_parts(turn, ASLEEP)
        self._draw_body(turn, 0, is_sitting, is_final=False)
        yield
        for lift in range(_MOST_LIFT + 1):
            self._draw_sleeper(turn, is_sitting, lift)
            yield

    def _draw_body(self, turn: int, swing: int, is_sitting: bool, *, is_final: bool = True) -> Any:
        def body(canvas: Canvas) -> None:
            canvas.origin = BODY_ORIGIN
            draw_body(canvas, self._look, turn, swing, is_sitting)

        key = ("body", self._look, turn, swing, is_sitting)
        return self._painter.sprite(key, BODY_SIZE, body, is_final=is_final)

    def _draw_head(self, turn: int, face: Face) -> Any:
        def head(picture: Any) -> None:
            self._put_head(picture, (0, 0), turn, face)

        return self._painter.composed(("head", self._look, turn, face), HEAD_SIZE, head)

    def _draw_sleeper(self, turn: int, is_sitting: bool, lift: int) -> Any:
        def sleeper(picture: Any) -> None:
            body = self._draw_body(turn, 0, is_sitting, is_final=False)
            picture.blit(body, (0, _WHOLE_TOP - BODY_ORIGIN[1]))
            at = (round(BODY_ORIGIN[0]) - HEAD_ORIGIN[0], _MOST_LIFT - lift)
            self._put_head(picture, at, turn, ASLEEP)

        key = ("asleep", self._look, turn, is_sitting, lift)
        return self._painter.composed(key, _WHOLE_SIZE, sleeper)

    def _put_head(self, picture: Any, at: tuple[int, int], turn: int, face: Face) -> None:
        for layer in head_layers(self._look, turn, face):
            left, top = layer.box[:2]
            picture.blit(self._draw_layer(layer), (at[0] + left, at[1] + top))

    def _draw_layer(self, layer: HeadLayer) -> Any:
        left, top, w, h = layer.box

        def part(canvas: Canvas) -> None:
            canvas.origin = (HEAD_ORIGIN[0] - left, HEAD_ORIGIN[1] - top)
            layer.draw(canvas)

        return self._painter.sprite(layer.key, (w, h), part)
