"""Writes moving pictures as GIF files: one palette, and only what changes from frame to frame."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["encode_gif", "write_gif"]


Picture: TypeAlias = NDArray[np.uint8]
"""Height x width x 3."""

UNCHANGED = 255  # the palette index that lets the picture below shine through
_MOST_CODES = 4096


def write_gif(path: Path, frames: Sequence[Picture], seconds: float) -> None:
    """Write frames of one size, each shown for `seconds`. Raises ValueError, OSError."""
    path.write_bytes(encode_gif(frames, seconds))


def encode_gif(frames: Sequence[Picture], seconds: float) -> bytes:
    """Return a GIF that repeats for ever. Raises ValueError without a frame."""
    if not frames:
        raise ValueError("a GIF needs at least one frame")
    height, width, _ = frames[0].shape
    palette, index_of = _palette(frames)
    table = palette.tobytes().ljust(768, b"\0")
    parts = [
        b"GIF89a" + struct.pack("<HHBBB", width, height, 0xF7, 0, 0) + table,
        b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0",
    ]
    before: NDArray[np.uint8] | None = None
    delay = max(2, round(seconds * 100))
    for frame in frames:
        shown = index_of[_reduced(frame)]
        parts += _frame(shown, before, delay)
        before = shown
    return b"".join(parts) + b";"


def _reduced(frame: Picture) -> NDArray[np.int32]:
    """Return each pixel as one number of 15 bits, five for a colour."""
    five = frame.astype(np.int32) >> 3
    reduced: NDArray[np.int32] = five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2]
    return reduced


def _palette(frames: Sequence[Picture]) -> tuple[Picture, NDArray[np.uint8]]:
    """Return the 255 commonest colours, and the nearest of them for each 15-bit number."""
    some = frames[:: max(1, len(frames) // 16)]
    counts = sum(np.bincount(_reduced(frame).ravel(), minlength=32768) for frame in some)
    commonest = np.argsort(counts, kind="stable")[::-1][:UNCHANGED]
    colours = _colours(commonest)
    every = _colours(np.arange(32768)).astype(np.int32)
    nearest = np.empty(32768, np.uint8)
    for start in range(0, 32768, 2048):
        part = every[start : start + 2048, None, :] - colours[None].astype(np.int32)
        nearest[start : start + 2048] = np.argmin((part * part).sum(axis=2), axis=1)
    return colours, nearest


def _colours(numbers: NDArray[np.int64]) -> Picture:
    five = np.stack([numbers >> 10, numbers >> 5 & 31, numbers & 31], axis=1)
    return (five * 255 // 31).astype(np.uint8)


def _frame(shown: NDArray[np.uint8], before: NDArray[np.uint8] | None, delay: int) -> list[bytes]:
    top, left, bottom, right = 0, 0, *shown.shape
    part = shown
    if before is not None:
        changed = shown != before
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        if not rows.size:
            rows = columns = np.zeros(1, np.int64)
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        left, right = int(columns[0]), int(columns[-1]) + 1
        box = np.s_[top:bottom, left:right]
        part = np.where(changed[box], shown[box], UNCHANGED).astype(np.uint8)
    control = b"\x21\xf9\x04" + struct.pack("<BHBB", 0x05, delay, UNCHANGED, 0)
    place = struct.pack("<BHHHHBB", 0x2C, left, top, right - left, bottom - top, 0, 8)
    return [control, place, *_blocks(_compressed(part.tobytes())), b"\0"]


def _blocks(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), 255):
        block = data[start : start + 255]
        yield bytes([len(block)]) + block


def _compressed(pixels: bytes) -> bytes:
    """Compress as GIF wants it: LZW with codes that grow from 9 to 12 bits."""
    clear, end = 256, 257
    out = bytearray()
    waiting, bits, width = clear, 9, 9
    table: dict[int, int] = {}
    following = end + 1
    prefix = pixels[0]
    for pixel in pixels[1:]:
        code = table.get(prefix << 8 | pixel)
        if code is not None:
            prefix = code
            continue
        waiting |= prefix << bits
        bits += width
        table[prefix << 8 | pixel] = following
        following += 1
        if following > _MOST_CODES:
            waiting |= clear << bits
            bits += width
            table, following, width = {}, end + 1, 9
        elif following > 1 << width:
            width += 1
        whole = bits >> 3
        out += (waiting & ((1 << 8 * whole) - 1)).to_bytes(whole, "little")
        waiting >>= 8 * whole
        bits &= 7
        prefix = pixel
    waiting |= prefix << bits | end << (bits + width)
    bits += 2 * width
    return bytes(out + waiting.to_bytes((bits + 7) // 8, "little"))
