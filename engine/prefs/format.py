"""The format of a preferences file: values and changes as bytes, and what survives damage.

A file is a header, a table, one msgpack map, the header again, and a log:

    header   64 bytes   magic, version, sequence, sizes and checksums, checksum of itself
    table    8 n bytes  for each entry of the map: where it ends, its checksum
    map                 every live value when the file was written, one msgpack map
    header   64 bytes   the same again, so that a lost first sector loses no more than itself
    log                 framed records [sequence, key, value], then zeros to the end of the file

A record without a value deletes its key; a record without a key deletes everything. In every
version the magic and the version are first in the header and its own checksum is last, so that a
later version is told from damage.

A frame of the log starts with a marker. Its checksum is seeded with its offset, so that a copy of
a record inside a value is not taken for a record; the first record of each batch is marked as
such. Nothing here touches a disk.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from itertools import accumulate, pairwise
from zlib import crc32

import msgpack

from engine.core.errors import EngineError

__all__ = [
    "MAX_TOTAL_BYTES", "Change", "Contents", "ForeignFileError", "Gap", "NewerVersionError",
    "Value", "WriteQueue", "apply_change", "decode_changes", "decode_file", "encode_batch",
    "encode_file", "is_same", "read_log", "unpack", "weigh", "weight",
]  # fmt: skip


MAX_TOTAL_BYTES = 64 * 1024 * 1024

Value = int | float | str | bool | bytes
_TYPES = frozenset(Value.__args__)
# Of the numbers of changes: a billion changes a second take a hundred years to get there.
_LAST = 2**62

Change = tuple[()] | tuple[str] | tuple[str, Value]
"""A key and its value sets, a key alone deletes, nothing at all deletes everything."""


class WriteQueue:
    """Changes that wait for the writer; all that a set on the frame thread touches.

    Adding needs no lock; after it the caller calls `wake` if the writer `is_asleep`. While it
    `is_guarded`, a set goes through `PlayerPrefs.change`, which checks the size and emits signals.
    """

    __slots__ = ("add", "changes", "is_asleep", "is_guarded", "wake")

    def __init__(self) -> None:
        self.changes: deque[Change] = deque()
        self.add: Callable[[Change], object] = self.changes.append
        self.is_guarded = True
        self.is_asleep = True
        self.wake: Callable[[], object] = lambda: None


def apply_change(values: dict[str, Value], change: Change) -> Value | None:
    """Apply a change to `values`; return the value that was there, if it names a key."""
    if len(change) == 2:
        key, value = change
        old = values.get(key)
        values[key] = value
        return old
    if len(change) == 1:
        return values.pop(change[0], None)
    values.clear()
    return None


def is_same(value: Value, old: Value | None) -> bool:
    """Return whether replacing `old` by `value` changes nothing: 1, 1.0, True, 0.0, -0.0 differ."""
    if type(value) is not type(old) or value != old:
        return False
    return value != 0 or repr(value) == repr(old)


def weigh(live: int, change: Change, old: Value | None) -> int:
    """Return the weight of all values after a change; before it was `live`, with `old` there."""
    if not change:
        return 0
    value = change[1] if len(change) == 2 else None
    if isinstance(value, str) and isinstance(old, str) and _are_as_long(value, old):
        return live  # as most durable ones: another id in the place of the last
    if old is not None:
        live -= weight(change[0], old)
    return live if value is None else live + weight(change[0], value)


def _are_as_long(one: str, other: str) -> bool:
    return len(one) == len(other) and one.isascii() and other.isascii()


def weight(key: str, value: Value) -> int:
    """Estimate the bytes that an entry takes in a file, without encoding it."""
    if isinstance(value, str):
        return _text_weight(key) + _text_weight(value)
    if isinstance(value, bytes):
        return _text_weight(key) + 3 + len(value)
    is_small = value is True or value is False or (isinstance(value, int) and -32 <= value < 128)
    return _text_weight(key) + (1 if is_small else 9)


def _text_weight(text: str) -> int:
    size = len(text) if text.isascii() else len(text.encode())
    return size + (1 if size < 32 else 3)


SECTOR = 512  # the largest piece that every disk writes whole

_FRAME = struct.Struct("<3sBII")  # marker, place in its batch, size and checksum of the payload
_HEAD = struct.Struct("<3sBI")  # the same without the checksum, which is also of this
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


def encode_batch(
    changes: Sequence[Change],
    sequence: int,
    offset: int,
    pack: Callable[[object], bytes] = msgpack.packb,
) -> bytes:
    """Encode changes numbered after `sequence` as frames to be written at `offset`.

    `pack` is that of a `msgpack.Packer` that is kept: a new one makes a large buffer each time.
    """
    frames = []
    for number, change in enumerate(changes):
        payload = pack((sequence + 1 + number, *change))
        head = _HEAD.pack(_MARKER, _FOLLOWS if number else _BEGINS, len(payload))
        crc = crc32(payload, crc32(head, offset))
        frames.append(head + crc.to_bytes(4, "little") + payload)
        offset += len(frames[-1])
    return b"".join(frames)


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
    """Distinguish damage from a last batch that was torn while it was written.

    A batch is written only after the one before it is on the disk, so a hole with a later
    batch behind it is damage: what follows is kept. In the last batch, a sector that is still
    zero was never written: this batch was never reported as saved, and what follows the
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
    """Return whether a sector of the last record was never written; else it was damaged."""
    stops_with_a_sector = tail.end % SECTOR == 0 and _claimed_end(data, tail.start) > tail.end
    return stops_with_a_sector or _has_unwritten_sector(data, tail)


def _claimed_end(data: bytes, at: int) -> int:
    """Return the end of the frame at `at` by its head, or the end of the head."""
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
    """Yield the sequence number and the change of each payload that is a record of ours."""
    for payload in payloads:
        record = unpack(payload)
        if isinstance(record, list) and 1 <= len(record) <= 3 and _is_change(*record):
            yield record[0], tuple(record[1:])


def _is_change(number: object, key: object = "", value: object = 0) -> bool:
    is_number = type(number) is int and 0 <= number < _LAST
    return is_number and type(key) is str and type(value) in _TYPES


def unpack(raw: bytes) -> object:
    """Return the one msgpack value in `raw`, or None."""
    try:
        return msgpack.unpackb(raw)
    except (ValueError, msgpack.exceptions.UnpackException):
        return None


MAGIC = b"\x89TPREFS\n"
VERSION = 1
LOG_LEAST, LOG_MOST = 64 * 1024, 256 * 1024

# magic, version, sequence, entries, map size, room for the log, two checksums, its own
_HEADER = struct.Struct("<8sHQIIIII22xI")
_ROW = struct.Struct("<II")  # where the entry ends in the map, its checksum


class ForeignFileError(EngineError, ValueError):
    """The bytes are not a preferences file at all."""


class NewerVersionError(EngineError, ValueError):
    """The file was written by a later version of this format."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds, and what was wrong with it."""

    values: dict[str, Value] = field(default_factory=dict)
    sequence: int = 0
    size: int = 0  # of the file
    log_from: int = 0  # of the first record
    log_at: int = 0  # of the next record
    live: int = 0  # about the size of the values in a file
    gaps: tuple[Gap, ...] = ()  # damage
    torn: Gap | None = None  # a last write that was cut short
    lost_entries: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether the file can be appended to as it is."""
        return not self.gaps and self.torn is None and self.size > 0


@dataclass(frozen=True, slots=True)
class _Header:
    version: int
    sequence: int
    entries: int
    map_size: int
    room: int
    table_crc: int
    map_crc: int

    @property
    def map_at(self) -> int:
        return _HEADER.size + self.entries * _ROW.size

    @property
    def copy_at(self) -> int:
        return self.map_at + self.map_size

    @property
    def log_at(self) -> int:
        return self.copy_at + _HEADER.size


def encode_file(values: Mapping[str, Value], sequence: int) -> tuple[bytes, int]:
    """Encode a whole file with an empty log; return it and where its log begins."""
    pack = msgpack.Packer().pack
    entries = [pack(key) + pack(value) for key, value in values.items()]
    head = msgpack.Packer().pack_map_header(len(entries))
    ends = accumulate(map(len, entries), initial=len(head))
    next(ends)
    table = b"".join(map(_ROW.pack, ends, map(crc32, entries)))
    body = head + b"".join(entries)
    room = min(max(len(body) - len(table), LOG_LEAST), LOG_MOST)
    sizes = (len(entries), len(body), room)
    header = _encode_header(_Header(VERSION, sequence, *sizes, crc32(table), crc32(body)))
    image = b"".join((header, table, body, header))
    return image + bytes(room), len(image)


def decode_file(data: bytes) -> Contents:
    """Read every value that is provably whole.

    Raises ForeignFileError and NewerVersionError; never anything else, whatever the bytes.
    """
    header = _find_header(data)
    if header is None:
        return _decode_without_header(data)
    if header.version != VERSION:
        raise NewerVersionError(f"format version {header.version}, this program reads {VERSION}")
    if header.sequence >= _LAST:
        raise ForeignFileError("its changes have numbers that no game counts up to")
    values, gaps = _decode_snapshot(data, header)
    lost = header.entries - len(values)
    log = read_log(data, header.log_at)
    live = header.map_size
    changes = list(decode_changes(log.payloads))
    for _, change in changes:
        live = weigh(live, change, apply_change(values, change))
    gaps = (*_damaged_frame(data, header), *gaps, *log.gaps)
    if len(changes) < len(log.payloads):  # whole, but not as we write them
        gaps = (*gaps, Gap(header.log_at, log.end))
    sequence = max((number for number, _ in changes), default=header.sequence)
    places = (len(data), header.log_at, log.end)
    return Contents(values, max(sequence, header.sequence), *places, live, gaps, log.torn, lost)


def _encode_header(header: _Header) -> bytes:
    raw = _HEADER.pack(MAGIC, *astuple(header), 0)
    return raw[:-4] + struct.pack("<I", crc32(raw[:-4]))


def _decode_header(data: bytes, at: int) -> _Header | None:
    raw = data[at : at + _HEADER.size]
    if len(raw) < _HEADER.size or not raw.startswith(MAGIC):
        return None
    *fields, crc = _HEADER.unpack(raw)
    return _Header(*fields[1:]) if crc == crc32(raw[:-4]) else None


def _find_header(data: bytes) -> _Header | None:
    """Find the header at the beginning, or its copy after the map."""
    header = _decode_header(data, 0)
    at = 0
    while header is None and (at := data.find(MAGIC, at + 1)) > 0:
        copy = _decode_header(data, at)
        # A file kept inside a value has a header too, but not at the place that it names.
        header = copy if copy is not None and copy.copy_at == at else None
    return header


def _damaged_frame(data: bytes, header: _Header) -> Iterator[Gap]:
    """Yield what is wrong with the headers and with the size of the file."""
    for at in (0, header.copy_at):
        if _decode_header(data, at) != header:
            yield Gap(at, at + _HEADER.size)
    whole = header.log_at + header.room
    if len(data) < whole:
        yield Gap(len(data), whole)


def _decode_without_header(data: bytes) -> Contents:
    if not data:
        return Contents(gaps=(Gap(0, _HEADER.size),))  # it was made with a header
    log = read_log(data, 0)
    ours = log.payloads or not data.strip(b"\0") or MAGIC.startswith(data[:8])
    if not ours:
        raise ForeignFileError("it does not begin as a preferences file does")
    values: dict[str, Value] = {}
    sequence = 0
    for number, change in decode_changes(log.payloads):
        sequence = max(sequence, number)
        apply_change(values, change)
    gaps = log.gaps or (Gap(0, len(data)),)
    return Contents(values, sequence, len(data), 0, log.end, 0, gaps)


def _decode_snapshot(data: bytes, header: _Header) -> tuple[dict[str, Value], tuple[Gap, ...]]:
    table = data[_HEADER.size : header.map_at]
    body = memoryview(data)[header.map_at : header.copy_at]  # large: no copy of it
    table_is_whole = crc32(table) == header.table_crc
    gaps = () if table_is_whole else (Gap(_HEADER.size, header.map_at),)
    if len(body) == header.map_size and crc32(body) == header.map_crc:
        values = _unpack_map(body, header.entries)
        if values is not None:
            return values, gaps
    rescued, lost = _rescue_entries(table, body, header)
    return rescued, (*gaps, *lost)


def _rescue_entries(
    table: bytes, body: memoryview, header: _Header
) -> tuple[dict[str, Value], tuple[Gap, ...]]:
    """Read the entries whose own checksums hold."""
    rows = list(_ROW.iter_unpack(table[: len(table) // _ROW.size * _ROW.size]))
    start = len(msgpack.Packer().pack_map_header(header.entries))
    values: dict[str, Value] = {}
    gaps = []
    for end, crc in rows:
        end = min(max(end, start), len(body))
        entry = body[start:end]
        pair = unpack(b"\x92" + entry) if crc32(entry) == crc else None
        if isinstance(pair, list) and _is_change(0, *pair):
            values[pair[0]] = pair[1]
        else:
            gaps.append(Gap(header.map_at + start, header.map_at + end))
        start = end
    # With every entry whole, what is damaged is the count in front of them.
    return values, tuple(gaps) or (Gap(header.map_at, header.map_at + 1),)


def _unpack_map(body: memoryview, entries: int) -> dict[str, Value] | None:
    # Read as one array: reading as a map takes half as long again, for interning every key.
    packer = msgpack.Packer()
    if entries > len(body):
        return None
    head = len(packer.pack_map_header(entries))
    flat = unpack(b"".join((packer.pack_array_header(2 * entries), body[head:])))
    if not isinstance(flat, list):
        return None
    keys, values = flat[::2], flat[1::2]
    if not (set(map(type, keys)) <= {str} and set(map(type, values)) <= _TYPES):
        return None
    return dict(zip(keys, values, strict=True))
