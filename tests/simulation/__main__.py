"""Run many seeds: `python -m tests.simulation --seeds 1-200 [--hours 24] [--jobs 2]`.

A single number asks for that many seeds from 1 on. A seed that breaks a promise is named, and
`--seeds 17-17` plays it again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial

from tests.simulation.weather import Outcome, simulate

__all__ = ["main", "seed_range"]


def seed_range(text: str) -> range:
    """Read "200" (1 to 200) or "17-40", both ends included."""
    first, dash, last = text.partition("-")
    seeds = range(int(first), int(last) + 1) if dash else range(1, int(first) + 1)
    if not seeds:
        raise ValueError(f"no seed is in {text!r}")
    return seeds


def run(seed: int, hours: float, clients: int) -> Outcome | str:
    try:
        return simulate(seed, hours=hours, clients=clients)
    except Exception as error:  # whatever it is, the seed is what one wants to know
        return f"seed {seed}: {type(error).__name__}: {error}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the seeds that are asked for and return the exit status."""
    it = argparse.ArgumentParser("python -m tests.simulation", description=__doc__)
    it.add_argument("--seeds", type=seed_range, default=seed_range("20"), metavar="1-200")
    it.add_argument("--hours", type=float, default=24.0, help="virtual, for each seed")
    it.add_argument("--clients", type=int, default=12, help="sessions at once")
    it.add_argument("--jobs", type=int, default=1, help="processes")
    asked = it.parse_args(arguments)
    began = time.perf_counter()
    failed, hours, steps = 0, 0.0, 0
    faults: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    work = partial(run, hours=asked.hours, clients=asked.clients)
    with ProcessPoolExecutor(asked.jobs) if asked.jobs > 1 else nullcontext() as pool:
        for result in (pool.map if pool else map)(work, asked.seeds):
            if isinstance(result, str):
                failed += 1
                print(result, flush=True)
                continue
            hours += result.session_hours
            steps += result.steps
            faults += result.faults
            outcomes += result.outcomes
    taken = time.perf_counter() - began
    count = len(asked.seeds)
    print(f"{count} schedules, {failed} broken; {count / taken:.2f} schedules a second")
    print(f"{hours:,.0f} session-hours, {hours / taken:,.0f} a second")
    print(f"{steps:,} steps, {sum(faults.values()):,} faults")
    print(f"faults: {dict(faults)}")
    print(f"connections: {dict(outcomes)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
