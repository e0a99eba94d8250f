"""Wear a harness out for a while, and judge what has grown."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.soak.harness import SoakHarness
from tests.soak.player import Player, Tell
from tests.soak.vitals import Sample, megabytes_an_hour

__all__ = ["Result", "wear_out"]

# The first part is to warm up; the service is killed in the first third only, so that its last
# life is long enough to show whether it grows.
WARM_UP = 1 / 6
KILLS = 1 / 3
SAMPLES = 60


@dataclass(frozen=True)
class Result:
    """What came out: the samples after the warm-up, and what went wrong."""

    samples: tuple[Sample, ...]
    acts: Counter[str]
    failures: tuple[str, ...]
    retries: int

    @property
    def last_life(self) -> tuple[Sample, ...]:
        """The samples of the service's last life."""
        generation = self.samples[-1].generation
        return tuple(sample for sample in self.samples if sample.generation == generation)

    @property
    def late(self) -> tuple[Sample, ...]:
        """Those of its second half with as many recognisers as at the end.

        The service starts each when it is first needed, with two threads and two pipes.
        """
        half = self.last_life[len(self.last_life) // 2 :]
        return tuple(sample for sample in half if sample.models == half[-1].models)

    @property
    def growth(self) -> tuple[float, float]:
        """Megabytes an hour of the game, and of the service late in its last life."""
        game = megabytes_an_hour([(s.seconds, s.game.megabytes) for s in self.samples])
        return game, megabytes_an_hour([(s.seconds, s.service.megabytes) for s in self.late])

    @property
    def leaks(self) -> tuple[str, ...]:
        """What is held at the end and was not at the beginning, threads, files and tasks."""
        first, last = self.samples[0], self.samples[-1]
        found = {
            "threads of the game": last.game.threads - first.game.threads,
            "files of the game": last.game.files - first.game.files,
            "tasks": last.tasks - first.tasks,
            "threads of the service": last.service.threads - self.late[0].service.threads,
            "files of the service": last.service.files - self.late[0].service.files,
        }
        return tuple(f"{more} more {what}" for what, more in found.items() if more > 0)


def wear_out(folder: Path, seconds: float, seed: int, tell: Tell = str) -> Result:
    """Let a virtual player live in a harness for so long; `tell` gets each sample and failure."""
    samples: list[Sample] = []
    with SoakHarness(folder / "data") as harness:
        player = Player(harness, seed, folder, tell)
        player.recovers()
        due = WARM_UP * seconds
        while harness.seconds < seconds:
            player.act(may_kill=harness.seconds < KILLS * seconds)
            if harness.seconds >= due or harness.seconds >= seconds:
                due = harness.seconds + seconds / SAMPLES
                player.rests()
                samples.append(harness.sample())
                tell(samples[-1])
        return Result(tuple(samples), player.acts, tuple(player.failures), player.retries)
