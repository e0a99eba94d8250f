"""Fault 20: every truncation, every zeroed tail, every flipped byte, and files of chance."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from engine.prefs.format import Value, apply_change, decode_file, encode_batch, encode_file
from engine.prefs.log import PrefsLog, RecoveryReport
from tests.engine.fake_disk import FakeDisk
from tests.faults.prefs_history import PATH
from tests.faults.row import Row

__all__ = ["damage_rows"]

SNAPSHOT = 40  # of the hundred records, so many are in the snapshot and the others in the log
MASKS = (0x01, 0x80, 0xFF)


@dataclass
class Tally:
    """What came of one kind of damage."""

    tried: int = 0
    crashed: int = 0
    wrong: int = 0
    silent: int = 0
    kept: int = 0
    most_lost: int = 0


def a_file() -> tuple[bytes, list[dict[str, Value]]]:
    """Return a file of 100 records and the states of its history from the snapshot on."""
    values: dict[str, Value] = {f"key{n:03}": f"value {n}" for n in range(SNAPSHOT)}
    states = [dict(values)]
    image, at = encode_file(values, SNAPSHOT)
    data, sequence = bytearray(image), SNAPSHOT
    for number in range(SNAPSHOT, 100):
        frame = encode_batch([(f"key{number:03}", number)], sequence, at)
        data[at : at + len(frame)] = frame
        at, sequence = at + len(frame), sequence + 1
        apply_change(values, (f"key{number:03}", number))
        states.append(dict(values))
    return bytes(data), states


def suffer(
    damaged: Iterable[bytes], truth: dict[str, Value], right: Callable[[dict[str, Value]], bool]
) -> Tally:
    """Open each damaged file; `right` says which values are no mistake."""
    tally = Tally()
    for data in damaged:
        tally.tried += 1
        found = opened(data)
        if found is None:
            tally.crashed += 1
            continue
        values, report = found
        lost = len(truth) - len(values)
        tally.wrong += not (values.items() <= truth.items() and right(values))
        tally.silent += bool(lost and report.is_clean)
        tally.kept += len(values)
        tally.most_lost = max(tally.most_lost, lost)
    return tally


def opened(data: bytes) -> tuple[dict[str, Value], RecoveryReport] | None:
    """Return what opening gives, or None where it raised."""
    try:
        contents, report = PrefsLog(PATH, FakeDisk({PATH: data})).open()
    except Exception:  # any at all is what is looked for
        return None
    return contents.values, report


def flipped(data: bytes, places: range) -> Iterator[bytes]:
    for place in places:
        for mask in MASKS:
            changed = bytearray(data)
            changed[place] ^= mask
            yield bytes(changed)


def of_chance(data: bytes, inputs: int) -> Iterator[bytes]:
    """Yield noise, and our file with noise in it."""
    chance = random.Random(20)
    end = len(data.rstrip(b"\0"))
    for number in range(inputs):
        noise = chance.randbytes(chance.randrange(200))
        at = chance.randrange(end)
        yield noise if number % 2 else data[:at] + noise + data[at + len(noise) :]


def damage_rows(step: int, inputs: int) -> Iterator[Row]:
    """Yield a figure for each kind of damage; `step` thins out the places."""
    data, states = a_file()
    truth = states[-1]
    log_at = decode_file(data).log_from
    end = len(data.rstrip(b"\0"))
    cuts = range(0, end + 1, step)
    zeroed = (data[:size].ljust(len(data), b"\0") for size in range(log_at, end + 1, step))

    def is_prefix(values: dict[str, Value]) -> bool:
        return values in states or len(values) < SNAPSHOT

    def lost_one(values: dict[str, Value]) -> bool:
        return len(truth) - len(values) <= 1

    yield row("every truncation", suffer((data[:size] for size in cuts), truth, is_prefix), truth)
    yield row(
        "every zeroed tail (unreported where it looks like unused space, or a sector not written)",
        suffer(zeroed, truth, is_prefix),
        truth,
        is_told=False,
    )
    flips = flipped(data, range(0, end, step))
    yield row("every byte flipped, three ways", suffer(flips, truth, lost_one), truth)
    chance = suffer(of_chance(data, inputs), truth, lambda values: True)
    yield row("noise, and noise inside a file", chance, truth)


def row(fault: str, tally: Tally, truth: dict[str, Value], *, is_told: bool = True) -> Row:
    """Return a figure.

    Zeros after a whole record are what space that was not used yet looks like, and zeros from a
    sector's beginning what a write looks like that a power cut tore and nobody was promised:
    both are cut back to the last whole record without troubling the player.
    """
    share = 100 * tally.kept / (tally.tried * len(truth))
    figure = (
        f"{tally.tried} files: {tally.crashed} crashes, {tally.wrong} wrong, {tally.silent} losses "
        f"not reported, at most {tally.most_lost} of 100 keys lost, {share:.1f} % recovered"
    )
    is_right = not (tally.crashed or tally.wrong or (is_told and tally.silent))
    return Row(20, fault, figure, is_right)
