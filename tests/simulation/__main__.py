"""Run many seeds: `python -m tests.simulation --seeds 100 [--first 0] [--hours 24]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation.weather import Outcome, simulate


def run(seed: int, hours: float, clients: int) -> Outcome | str:
    try:
        return simulate(seed, hours=hours, clients=clients)
    except Exception as error:  # whatever it is, the seed is what one wants to know
        return f"seed {seed}: {type(error).__name__}: {error}"


def main() -> int:
    it = argparse.ArgumentParser("tests.simulation", description=__doc__)
    it.add_argument("--seeds", type=int, default=20)
    it.add_argument("--first", type=int, default=0)
    it.add_argument("--hours", type=float, default=24.0)
    it.add_argument("--clients", type=int, default=12)
    it.add_argument("--jobs", type=int, default=1)
    asked = it.parse_args()
    began = time.perf_counter()
    failed, hours, steps = 0, 0.0, 0
    faults: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    seeds = range(asked.first, asked.first + asked.seeds)
    with ProcessPoolExecutor(asked.jobs) as pool:
        for result in pool.map(partial(run, hours=asked.hours, clients=asked.clients), seeds):
            if isinstance(result, str):
                failed += 1
                print(result, flush=True)
                continue
            hours += result.session_hours
            steps += result.steps
            faults += result.faults
            outcomes += result.outcomes
    taken = time.perf_counter() - began
    print(f"{asked.seeds} schedules, {failed} broken; {asked.seeds / taken:.2f} a second")
    print(f"{hours:,.0f} session-hours, {steps:,} steps, {sum(faults.values()):,} faults")
    print(f"faults: {dict(faults)}")
    print(f"connections: {dict(outcomes)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
