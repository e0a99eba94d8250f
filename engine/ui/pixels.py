"""Shrinks and softens pictures with see-through edges, without dark rims."""

from __future__ import annotations

import math
import sys

import numpy as np
import numpy.typing as npt
import pygame

__all__ = ["shrunk", "soften"]

Pixels = npt.NDArray[np.float32]

_ALPHA = 3 if sys.byteorder == "little" else 0  # which byte of a pixel is its opacity
_BLUR = 4  # pixels of the coarse picture that a blur spreads over: fewer show its steps


def shrunk(picture: pygame.Surface, times: int) -> pygame.Surface:
    """Return the picture so many times smaller, each pixel the mean of those it stands for."""
    w, h = picture.get_width() // times, picture.get_height() // times
    is_opaque = picture.get_at((0, 0))[3] == 255 and _is_opaque(picture)
    made = pygame.Surface((w, h), 0 if is_opaque else pygame.SRCALPHA, 32)
    if is_opaque:
        _bytes(made)[...] = np.rint(_means(picture, times))
    else:
        _fill_straight(made, _means(picture.premul_alpha(), times), np.zeros(4, np.float32))
    return made


def soften(picture: pygame.Surface, radius: float) -> pygame.Surface:
    """Return a copy of the same size, blurred over about `radius` pixels to each side."""
    # Blurred small and stretched: what is soft has no detail that could get lost.
    step = min(16, max(1, int(radius / _BLUR)))
    # Stretching spreads it by one more coarse pixel.
    width = max(1, int((radius / step - (step > 1)) / 2))
    w, h = (math.ceil(side / step) for side in picture.get_size())
    room = pygame.Surface(((w + 2) * step, (h + 2) * step), pygame.SRCALPHA, 32)
    room.blit(picture, (step, step))
    layers = _means(room.premul_alpha(), step)
    for axis in (0, 1, 0, 1):  # a box twice is a triangle: smooth enough for any shadow
        layers = _box_blur(layers, width, axis)
    small = pygame.Surface((w + 2, h + 2), pygame.SRCALPHA, 32)
    _fill_straight(small, layers, _mean_colour(layers))
    start = 1
    if step > 1:
        # Ends of a stretched row stand for the middles of its first and last pixel.
        small = pygame.transform.smoothscale(small, ((w + 1) * step, (h + 1) * step))
        start = (step + 1) // 2
    return small.subsurface((start, start), picture.get_size()).copy()


def _is_opaque(picture: pygame.Surface) -> bool:
    return bool(pygame.surfarray.pixels_alpha(picture).min() == 255)


def _bytes(picture: pygame.Surface) -> npt.NDArray[np.uint8]:
    """Return height x width x 4: the picture's own memory, its colours in the order they lie."""
    rows: npt.NDArray[np.uint8] = np.frombuffer(picture.get_buffer(), np.uint8)  # type: ignore[call-overload]  # a BufferProxy is a buffer
    return rows.reshape(picture.get_height(), -1, 4)[:, : picture.get_width()]


def _means(picture: pygame.Surface, times: int) -> Pixels:
    """Return height x width x 4: the means of squares that are `times` pixels wide."""
    h, w = picture.get_height() // times, picture.get_width() // times
    large = _bytes(picture)
    rows = np.zeros((h, large.shape[1], 4), np.uint16)  # enough for squares of 16
    for i in range(times):
        rows += large[i : h * times : times]
    sums = np.zeros((h, w, 4), np.uint16)
    for i in range(times):
        sums += rows[:, i : w * times : times]
    return sums.astype(np.float32) / np.float32(times * times)


def _mean_colour(layers: Pixels) -> Pixels:
    """Return the colour of a picture; what is empty gets it: a stretched edge must not go dark."""
    flat = layers.reshape(-1, 4)
    sums: Pixels = np.ones(len(flat), np.float32) @ flat
    mean: Pixels = sums / max(np.float32(1), sums[_ALPHA])
    return mean


def _fill_straight(made: pygame.Surface, layers: Pixels, empty: Pixels) -> None:
    """Write colours that are multiplied with their opacity as such that are not."""
    opacity = layers[..., _ALPHA : _ALPHA + 1]
    colours = np.where(opacity >= 1, layers / np.maximum(opacity, 1), empty)
    pixels = _bytes(made)
    pixels[...] = np.rint(np.minimum(colours * 255, 255))
    pixels[..., _ALPHA] = np.rint(opacity[..., 0])


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
