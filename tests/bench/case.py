"""What a bench is made of: contenders in cases, and what the project aims at.

A bench module `bench_NAME.py` has one function `cases(quick: bool) -> list[Case]`, and may have
`models(measured: Mapping[str, Figures]) -> tuple[str, list[Verdict]]` for tables that are worked
out, from the figures of the run by the names of their rows, or from none. A contender
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
from typing import Literal

__all__ = ["Aim", "Case", "Contender", "Figures", "percentile"]

_RARE = ("p99", "max")
_UNREST = 1.25  # the upper quartile of a quiet floor's rounds, of the lower one
_TAIL = 2.5  # a quiet floor's p99, of its median


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
    """`contender`'s figure is at most `limit`.

    The kind says of what: a `ratio` is times the figure of the floor in the same run, so that it
    holds on a slow machine too; the floor is the case's, or the row that `floor` names. What no
    machine's speed changes is in the case's unit: `policy_seconds` are waits that a policy
    prescribes, or sound that is counted in samples; a `count` is a number of things.

    A statistic is `least`, `median`, `mean`, `p99` or `max` of all samples of the run. The least
    is what code costs that always does the same; what lies above it, the machine had to do.
    """

    contender: str
    limit: float
    statistic: str = "median"
    floor: str = ""
    kind: Literal["ratio", "policy_seconds", "count"] = "ratio"


@dataclass(frozen=True)
class Case:
    """One table: what is measured, by whom, in how many rounds.

    The first floor is that of every row that has no aim with another one.
    """

    name: str
    contenders: tuple[Contender, ...]
    rounds: int = 10
    unit: str = "us"
    scale: float = 1e6  # from what contenders yield to the unit
    aims: tuple[Aim, ...] = ()
    why: str = ""  # its floors are what ours is to be compared with, or how its aims are meant

    def floor_of(self, row: str) -> str:
        """Return the name of the floor that a row is compared with, "" for none."""
        named = next((aim.floor for aim in self.aims if aim.contender == row and aim.floor), "")
        floors = [contender.name for contender in self.contenders if contender.is_floor]
        return named or (row if row in floors else next(iter(floors), ""))


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

    def ratios(self, floor: Figures, name: str = "median") -> list[float]:
        """Return how much larger this is than the floor, for rounds that ran together."""
        pairs = zip(self.rounds, floor.rounds, strict=False)
        return [
            Figures([ours]).statistic(name) / Figures([theirs]).statistic(name)
            for ours, theirs in pairs
        ]

    def ratio(self, floor: Figures, name: str = "median") -> float:
        """Return how much larger this is than the floor: the median over rounds run together.

        Of rare samples a round has too few: of `p99` and `max` it is the ratio of whole runs.
        """
        if name in _RARE:
            return self.statistic(name) / floor.statistic(name)
        return median(self.ratios(floor, name))

    def is_quiet(self, name: str = "median") -> bool:
        """Tell whether a floor was the same in all its rounds, as far as a statistic goes.

        One that often waited for others says that ours did too: more so, as it has more threads.
        """
        steady = "median" if name in _RARE else name
        found = sorted(Figures([samples]).statistic(steady) for samples in self.rounds)
        if found[len(found) * 3 // 4] > _UNREST * found[len(found) // 4]:
            return False
        tail = _TAIL if name in _RARE else 2 * _TAIL
        return name == "least" or self.statistic("p99") <= tail * self.statistic("median")
