"""What a bench is made of: contenders in cases, and what the project aims at.

A bench module `bench_NAME.py` has one function `cases(quick: bool) -> list[Case]`, and may have
`models() -> tuple[str, list[Verdict]]` for tables that are worked out, not measured. A contender
is a generator function in some module: it sets itself up, then yields the seconds (or other
figures) of one round each time it is asked, and cleans up in `finally`:

    def set_one(folder: Path, size: int) -> Iterator[list[float]]:
        with PlayerPrefs.open(folder / "p") as prefs:
            while True:
                yield [timed(lambda: prefs.set_int("a", n)) for n in range(100)]

Each contender runs in a process of its own; the rounds of a case's contenders take turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

__all__ = ["Aim", "Case", "Contender", "Figures", "percentile"]


def percentile(samples: list[float], share: float) -> float:
    """Return the sample below which `share` (0 to 1) of the others lie."""
    ordered = sorted(samples)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


@dataclass(frozen=True)
class Contender:
    """One row: `make` names a generator function as `module:function`.

    With `rows` it is several, of one process: each round then yields a list for each.
    """

    name: str
    make: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    needs: str = ""  # a package or a program that may not be installed
    rows: tuple[str, ...] = ()
    is_floor: bool = False
    is_ours: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its rows."""
        return self.rows or (self.name,)


@dataclass(frozen=True)
class Aim:
    """`contender`'s figure is at most `limit`: of the floor's, above it, or in the case's unit.

    A statistic is `least`, `median`, `mean`, `p99` or `max` of all samples of the run. The least
    is what code costs that always does the same; what lies above it, the machine had to do.
    """

    contender: str
    limit: float
    of_floor: bool = False
    over_floor: bool = False
    statistic: str = "median"


@dataclass(frozen=True)
class Case:
    """One table: what is measured, by whom, in how many rounds."""

    name: str
    contenders: tuple[Contender, ...]
    rounds: int = 10
    unit: str = "us"
    scale: float = 1e6  # from what contenders yield to the unit
    aims: tuple[Aim, ...] = ()

    @property
    def floor(self) -> Contender | None:
        """The contender that the others are compared with."""
        return next((c for c in self.contenders if c.is_floor), None)


@dataclass
class Figures:
    """What one contender reached: its samples, round by round; or why there are none."""

    rounds: list[list[float]] = field(default_factory=list)
    missing: str = ""

    @property
    def samples(self) -> list[float]:
        """All samples of all rounds."""
        return [sample for samples in self.rounds for sample in samples]

    def statistic(self, name: str) -> float:
        """Return `least`, `median`, `mean`, `p99` or `max` of all samples."""
        samples = self.samples
        if name == "least":
            return min(samples)
        if name == "median":
            return median(samples)
        if name == "mean":
            return sum(samples) / len(samples)
        return percentile(samples, 0.99) if name == "p99" else max(samples)

    def ratio(self, floor: Figures, name: str = "median") -> float:
        """Return how much larger this is than the floor: the median over rounds run together."""
        pairs = zip(self.rounds, floor.rounds, strict=False)
        return median(
            Figures([ours]).statistic(name) / Figures([theirs]).statistic(name)
            for ours, theirs in pairs
        )

    def unrest(self, name: str = "median") -> float:
        """Return how far the rounds lie apart in a statistic: upper quartile over the lower."""
        found = sorted(Figures([samples]).statistic(name) for samples in self.rounds)
        return found[len(found) * 3 // 4] / found[len(found) // 4]
