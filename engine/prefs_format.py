"""The bytes of a preferences file: how they are written and how damage in them is survived.

A file is a header, a table, one msgpack map, the header again, and a log:

    header   64 bytes   magic, version, sequence, sizes and checksums, checksum of itself
    table    8 n bytes  for each entry of the map: where it ends, its checksum
    map                 every live value when the file was written, one msgpack map
    header   64 bytes   the same again, so that a lost first sector loses no more than itself
    log                 framed records [sequence, key, value], then zeros to the end of the file

A record without a value deletes its key; a record without a key deletes everything. Nothing
here touches a disk. In every version the magic and the version stand first in the header, and
its own checksum last, so that a later version is told from damage.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, field
from itertools import accumulate
from zlib import crc32

import msgpack

from engine.prefs_frames import Gap, decode_changes, read_log, unpack
from engine.prefs_values import Value, apply_change, weigh

__all__ = ["Contents", "ForeignFileError", "NewerVersionError", "decode_file", "encode_file"]

MAGIC = b"\x89TPREFS\n"
VERSION = 1
LOG_LEAST, LOG_MOST = 64 * 1024, 256 * 1024

# magic, version, sequence, entries, map size, room for the log, two checksums, its own
_HEADER = struct.Struct("<8sHQIIIII22xI")
_ROW = struct.Struct("<II")  # where the entry ends in the map, its checksum


class ForeignFileError(ValueError):
    """The bytes are not a preferences file at all."""


class NewerVersionError(ValueError):
    """The file was written by a later version of this format."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds, and what was wrong with it."""

    values: dict[str, Value] = field(default_factory=dict)
    sequence: int = 0
    size: int = 0  # of the file
    log_from: int = 0  # where the first record stands
    log_at: int = 0  # where the next record goes
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
    values, gaps = _decode_snapshot(data, header)
    lost = header.entries - len(values)
    log = read_log(data, header.log_at)
    live = header.map_size
    sequence = header.sequence
    for number, change in decode_changes(log.payloads):
        sequence = max(sequence, number)
        live = weigh(live, change, apply_change(values, change))
    gaps = (*_damaged_frame(data, header), *gaps, *log.gaps)
    places = (len(data), header.log_at, log.end)
    return Contents(values, sequence, *places, live, gaps, log.torn, lost)


# -- header ---------------------------------------------------------------------------------


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


# -- snapshot -------------------------------------------------------------------------------


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
        entry = body[start:end]
        pair = unpack(b"\x92" + entry) if crc32(entry) == crc else None
        if isinstance(pair, list):
            values[pair[0]] = pair[1]
        else:
            gaps.append(Gap(header.map_at + start, header.map_at + end))
        start = end
    # With every entry whole, what is damaged is the count in front of them.
    return values, tuple(gaps) or (Gap(header.map_at, header.map_at + 1),)


def _unpack_map(body: memoryview, entries: int) -> dict[str, Value] | None:
    # Read as one array: reading as a map takes half as long again, for interning every key.
    packer = msgpack.Packer()
    head = len(packer.pack_map_header(entries))
    flat = unpack(b"".join((packer.pack_array_header(2 * entries), body[head:])))
    if not isinstance(flat, list):
        return None
    pairs = iter(flat)
    return dict(zip(pairs, pairs, strict=True))
