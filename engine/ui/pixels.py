"""Shrinks and softens pictures with see-through edges, without dark rims."""

from __future__ import annotations

import itertools
import math
import sys

import numpy as np
import numpy.typing as npt
import pygame

__all__ = ["shrunk", "soften"]

Pixels = npt.NDArray[np.float32]

_ALPHA = {0: 0, 24: 3} if sys.byteorder == "little" else {0: 3, 24: 0}  # by its shift
_BLUR = 4  # pixels of the coarse picture that a blur spreads over: fewer show its steps


def shrunk(picture: pygame.Surface, times: int) -> pygame.Surface:
    """Return the picture so many times smaller, each pixel the mean of those it stands for."""
    w, h = picture.get_width() // times, picture.get_height() // times
    is_opaque = pygame.surfarray.pixels_alpha(picture).min() == 255
    made = pygame.Surface((w, h), 0 if is_opaque else pygame.SRCALPHA, 32)
    if is_opaque:
        _bytes(made)[...] = np.rint(_means(picture, times))
    else:
        _fill_straight(made, _means(picture.premul_alpha(), times))
    return made


def soften(picture: pygame.Surface, radius: float) -> pygame.Surface:
    """Return a copy of the same size, blurred over about `radius` pixels to each side."""
    # Blurred small and stretched: what is soft has no detail that could get lost.
    step = max(1, int(radius / _BLUR))
    # Stretching spreads it by one more coarse pixel.
    width = max(1, int((radius / step - (step > 1)) / 2))
    w, h = (math.ceil(side / step) for side in picture.get_size())
    room = pygame.Surface(((w + 2) * step, (h + 2) * step), pygame.SRCALPHA, 32)
    room.blit(picture, (step, step))
    layers = _means(room.premul_alpha(), step)
    for axis in (0, 1, 0, 1):  # a box twice is a triangle: smooth enough for any shadow
        layers = _box_blur(layers, width, axis)
    small = pygame.Surface((w + 2, h + 2), pygame.SRCALPHA, 32)
    _fill_straight(small, layers)
    start = 1
    if step > 1:
        # Ends of a stretched row stand for the middles of its first and last pixel.
        small = pygame.transform.smoothscale(small, ((w + 1) * step, (h + 1) * step))
        start = (step + 1) // 2
    return small.subsurface((start, start), picture.get_size()).copy()


def _bytes(picture: pygame.Surface) -> npt.NDArray[np.uint8]:
    """Return height x width x 4: the picture's own memory, its colours in the order they lie."""
    rows: npt.NDArray[np.uint8] = np.frombuffer(picture.get_buffer(), np.uint8)  # type: ignore[call-overload]  # a BufferProxy is a buffer
    return rows.reshape(picture.get_height(), -1, 4)[:, : picture.get_width()]


def _means(picture: pygame.Surface, times: int) -> Pixels:
    """Return height x width x 4: the means of squares that are `times` pixels wide."""
    h, w = picture.get_height() // times, picture.get_width() // times
    large, sums = _bytes(picture), np.zeros((h, w, 4), np.uint32)
    for i, j in itertools.product(range(times), range(times)):
        sums += large[i : h * times : times, j : w * times : times]
    return sums.astype(np.float32) / np.float32(times * times)


def _fill_straight(made: pygame.Surface, layers: Pixels) -> None:
    """Write colours that are multiplied with their opacity as such that are not.

    What is empty gets the colour of the rest: a stretched edge must not go dark.
    """
    place = _ALPHA[made.get_shifts()[3]]
    opacity = layers[..., place : place + 1]
    mean = layers.sum((0, 1)) / max(1.0, float(opacity.sum()))
    colours = np.where(opacity >= 1, layers / np.maximum(opacity, 1), mean)
    pixels = _bytes(made)
    pixels[...] = np.rint(np.minimum(colours * 255, 255))
    pixels[..., place] = np.rint(opacity[..., 0])


def _box_blur(layers: Pixels, width: int, axis: int) -> Pixels:
    """Return the mean of each pixel and its `width` neighbours on both sides of one axis."""
    margins = [(0, 0)] * 3
    margins[axis] = (width, width)
    padded = np.pad(layers, margins)
    length = layers.shape[axis]
    blurred = np.zeros_like(layers)
    for shift in range(2 * width + 1):
        part = slice(shift, shift + length)
        blurred += padded[part] if axis == 0 else padded[:, part]
    return blurred / np.float32(2 * width + 1)
