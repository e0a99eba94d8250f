"""The log of a preferences file: framed records, and what is left of them after damage.

A frame starts with a marker; its checksum is seeded with its offset, so that a copy of a record
inside somebody's value is never taken for a record. The first record of each batch says so.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import msgpack

from engine.prefs_values import Change

__all__ = ["FrameLog", "Gap", "decode_changes", "encode_batch", "read_log", "unpack"]

SECTOR = 512  # the largest piece that every disk writes whole

_FRAME = struct.Struct("<3sBII")  # marker, place in its batch, size and checksum of the payload
_MARKER = b"\xc1PR"  # 0xc1 is the one byte that begins no msgpack value
_FOLLOWS, _BEGINS = 0, 1


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes that could not be read: from `start` up to `end`."""

    start: int
    end: int


@dataclass(slots=True)
class FrameLog:
    """The payloads of a log, and what lies between them."""

    payloads: list[bytes]
    gaps: tuple[Gap, ...]
    torn: Gap | None
    end: int


def encode_batch(changes: Sequence[Change], sequence: int, offset: int) -> bytes:
    """Encode changes numbered after `sequence` as frames that will stand at `offset`."""
    frames = []
    for number, change in enumerate(changes):
        payload = msgpack.packb((sequence + 1 + number, *change))
        frames.append(_frame(payload, offset, _FOLLOWS if number else _BEGINS))
        offset += len(frames[-1])
    return b"".join(frames)


def _frame(payload: bytes, offset: int, place: int) -> bytes:
    head = _FRAME.pack(_MARKER, place, len(payload), 0)[:8]
    return head + struct.pack("<I", crc32(head + payload, offset)) + payload


def _payload_at(data: bytes, at: int) -> bytes | None:
    """Return the payload of the whole frame at `at`, or None."""
    if len(data) < at + _FRAME.size:
        return None
    marker, _, size, crc = _FRAME.unpack_from(data, at)
    if marker != _MARKER:
        return None
    payload = data[at + _FRAME.size : at + _FRAME.size + size]
    is_whole = len(payload) == size and crc32(data[at : at + 8] + payload, at) == crc
    return payload if is_whole else None


def _next_frame(data: bytes, at: int) -> int | None:
    """Find the next whole frame after the damage that begins at `at`."""
    found = data.find(_MARKER, at + 1)
    while found >= 0:
        if _payload_at(data, found) is not None:
            return found
        found = data.find(_MARKER, found + 1)
    return None


def read_log(data: bytes, at: int) -> FrameLog:
    """Read the whole frames of `data` from `at` on."""
    payloads: list[bytes] = []
    gaps: list[tuple[int, Gap]] = []  # with how many records were read before each
    last_begins = -1
    while True:
        payload = _payload_at(data, at)
        if payload is not None:
            if data[at + 3] == _BEGINS:
                last_begins = len(payloads)
            payloads.append(payload)
            at += _FRAME.size + len(payload)
            continue
        after = None if _is_blank(data, at) else _next_frame(data, at)
        if after is None:
            break
        gaps.append((len(payloads), Gap(at, after)))
        at = after
    return _judge_gaps(data, payloads, gaps, last_begins, at)


def _judge_gaps(
    data: bytes, payloads: list[bytes], gaps: list[tuple[int, Gap]], last_begins: int, end: int
) -> FrameLog:
    """Tell damage from a last batch that was torn while it was written.

    A batch is written only after the one before it is on the disk, so a hole with a later
    batch behind it is damage: what follows is kept. In the last batch, a sector that is still
    zero was never written: nobody was told that this batch was saved, and what follows the
    hole is dropped, so that the file stays a prefix of what happened.
    """
    for count, gap in gaps:
        if count > last_begins and _has_unwritten_sector(data, gap):
            kept = tuple(g for n, g in gaps if n < count)
            return FrameLog(payloads[:count], kept, Gap(gap.start, len(data)), gap.start)
    whole = tuple(gap for _, gap in gaps)
    if _is_blank(data, end):
        return FrameLog(payloads, whole, None, end)
    tail = Gap(end, len(data.rstrip(b"\0")))
    if _is_cut_short(data, tail):
        return FrameLog(payloads, whole, tail, end)
    return FrameLog(payloads, (*whole, tail), None, end)


def _is_cut_short(data: bytes, tail: Gap) -> bool:
    """Tell a last record of which a sector was never written from one that was damaged."""
    stops_with_a_sector = tail.end % SECTOR == 0 and _claimed_end(data, tail.start) > tail.end
    return stops_with_a_sector or _has_unwritten_sector(data, tail)


def _claimed_end(data: bytes, at: int) -> int:
    """Return where the frame at `at` says that it ends, or where its head does."""
    if len(data) < at + _FRAME.size:
        return len(data)
    marker, _, size, _ = _FRAME.unpack_from(data, at)
    end = at + _FRAME.size + int(size)
    return end if marker == _MARKER and end <= len(data) else at + _FRAME.size


def _is_blank(data: bytes, start: int) -> bool:
    # Comparing is many times faster than stripping half a megabyte of zeros.
    return data[start:] == bytes(max(len(data) - start, 0))


def _has_unwritten_sector(data: bytes, gap: Gap) -> bool:
    edges = [gap.start, *range(-(-gap.start // SECTOR) * SECTOR, gap.end + 1, SECTOR)]
    pieces = pairwise(edges)
    return any(end > start and not data[start:end].strip(b"\0") for start, end in pieces)


def decode_changes(payloads: Sequence[bytes]) -> Iterator[tuple[int, Change]]:
    """Yield the sequence number and the change of each payload."""
    for payload in payloads:
        record = unpack(payload)
        if isinstance(record, list) and record and len(record) <= 3:
            yield record[0], tuple(record[1:])


def unpack(raw: bytes) -> object:
    """Return the one msgpack value in `raw`, or None."""
    try:
        return msgpack.unpackb(raw)
    except (ValueError, msgpack.exceptions.UnpackException):
        return None
