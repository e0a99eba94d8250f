"""Fault 19: each call on the disk fails, once or from then on, with each error that it can have."""

from __future__ import annotations

import errno
import random
from dataclasses import dataclass

from engine.prefs.writer import PrefsWriter
from tests.engine.fake_disk import FakeDisk
from tests.faults.prefs_history import History, a_writer, recovered, scenario
from tests.faults.row import Row

__all__ = ["error_row"]

ERRORS = {
    "read": (errno.EIO, errno.EACCES),
    "open": (errno.EROFS, errno.EACCES, errno.EMFILE),
    "write": (errno.ENOSPC, errno.EIO),
    "flush": (errno.EIO, errno.ENOSPC),
    "close": (errno.EIO,),
    "replace": (errno.EPERM, errno.EROFS),
    "flush_folder": (errno.EIO,),
}
BATCHES = 16


@dataclass
class Fault:
    """The `nth` call named `call` fails, and with `stays` every one after it."""

    call: str
    code: int
    nth: int
    stays: bool
    calls: int = 0

    def __call__(self, call: str) -> None:
        """Fail if it is time."""
        if call != self.call:
            return
        self.calls += 1
        if self.calls == self.nth or (self.stays and self.calls > self.nth):
            raise OSError(self.code, "injected")


@dataclass
class Outcome:
    """What came of one fault."""

    told: int = 0
    lost: int = 0
    forgotten: int = 0
    retried: int = 0
    unsaved: int = 0


def suffer(fault: Fault) -> Outcome:
    """Run a history on a disk with a fault, then heal the disk."""
    disk, history, outcome = FakeDisk(), History(), Outcome()
    writer = a_writer(disk)
    disk.on_call = fault
    for batch in scenario(BATCHES, random.Random(3)):
        for change in batch:
            history.put(change)
            writer.put(change)
        if commits(writer):
            history.promised = len(history.states) - 1
        else:
            outcome.told += 1
        outcome.forgotten += writer.values != history.states[-1]
        durable = {path: file.durable for path, file in disk.durable_names.items()}
        outcome.lost += not history.allows(recovered(durable)[0])
    disk.on_call = lambda name: None
    outcome.unsaved += not commits(writer)
    saved = {path: file.durable for path, file in disk.durable_names.items()}
    outcome.unsaved += recovered(saved)[0] != history.states[-1]
    outcome.retried = disk.written_after_failed_flush
    return outcome


def commits(writer: PrefsWriter) -> bool:
    try:
        writer.commit()
    except OSError:
        return False
    return True


def error_row(later: int) -> Row:
    """Return the figure; each call fails at its first `later` occurrences."""
    outcomes = [
        suffer(Fault(call, code, nth, stays))
        for call, codes in ERRORS.items()
        for code in codes
        for nth in range(1, later + 1)
        for stays in (False, True)
    ]
    total = Outcome(*(sum(getattr(o, n) for o in outcomes) for n in Outcome.__annotations__))
    figure = (
        f"{len(outcomes)} faults: {total.told} saves refused with an error, {total.lost} promised "
        f"values lost, {total.forgotten} forgotten in memory, {total.retried} calls on a file "
        f"after its failed flush, {total.unsaved} not saved after the disk healed"
    )
    is_right = not (total.lost or total.forgotten or total.retried or total.unsaved)
    return Row(19, "each call on the disk fails, once or for good", figure, is_right)
