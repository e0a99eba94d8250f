"""Fault 18: every state that a power cut can leave, at every call that the store makes."""

from __future__ import annotations

import random

from tests.engine.fake_disk import FakeDisk
from tests.faults.prefs_history import PATH, History, a_writer, recovered, scenario
from tests.faults.row import Row

__all__ = ["crash_row"]


class Watcher:
    """Cuts the power before each call and looks at what is left."""

    def __init__(self) -> None:
        self.history = History()
        self.points = self.states = self.bad = 0
        self._chance = random.Random(17)

    def look(self, disk: FakeDisk) -> None:
        """Try every crash state of a disk as it is now."""
        self.points += 1
        for files in disk.crash_states(self._chance):
            self.states += 1
            found, after = recovered(files)
            # What was recovered must stand as firmly as what was written.
            again, _ = recovered({p: f.durable for p, f in after.durable_names.items()})
            is_good = self.history.allows(found) and again == found and PATH in after.names
            self.bad += not is_good


def watch(batches: int) -> Watcher:
    """Run a history of batches under the eye of a watcher."""
    disk, watcher = FakeDisk(), Watcher()
    disk.on_call = lambda name: watcher.look(disk) if name != "read" else None
    writer = a_writer(disk)
    for batch in scenario(batches, random.Random(3)):
        for change in batch:
            watcher.history.put(change)
            writer.put(change)
        writer.commit()
        watcher.history.promised = len(watcher.history.states) - 1
        watcher.look(disk)
    return watcher


def crash_row(batches: int) -> Row:
    """Return the figure."""
    seen = watch(batches)
    figure = f"{seen.states} states at {seen.points} points explored, {seen.bad} bad"
    return Row(18, "power cut: un-synced data absent, torn, reordered", figure, seen.bad == 0)
