"""Run many seeds: `python -m tests.simulation --seeds 1-200 [--shell] [--hours 24] [--jobs 2]`.

A single number asks for that many seeds from 1 on. Without `--shell` the cores run: the session
machine, the talk at both ends, the registry, on a queue of events. With it the whole product runs,
drivers, transport and service, over simulated sockets and disks on an event loop of virtual time:
the same promises, fewer hours. How to read what is printed:

* a broken promise comes at once: seed, virtual time, the promise in a sentence, the last events
  of that character, and the command that plays it again, exactly;
* at the end: seeds, session-hours of virtual time, what struck in them (events), what the
  sessions came to (connections), what was said (words), and whether every promise was kept.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial

from tests.simulation.report import Outcome, Tally
from tests.simulation.runner import simulate
from tests.simulation.shell.runner import simulate_shell

__all__ = ["main", "seed_range"]

PROGRESS_SECONDS = 60.0


def seed_range(text: str) -> range:
    """Read "200" (1 to 200) or "17-40", both ends included."""
    first, dash, last = text.partition("-")
    seeds = range(int(first), int(last) + 1) if dash else range(1, int(first) + 1)
    if not seeds:
        raise ValueError(f"no seed is in {text!r}")
    return seeds


def run(seed: int, is_shell: bool, hours: float, clients: int) -> Outcome:
    try:
        if is_shell:
            return simulate_shell(seed, hours=hours, clients=clients)
        return simulate(seed, hours=hours, clients=clients)
    except Exception as error:  # a defect of the simulation: the seed is what one wants to know
        return Outcome(seed, broken=f"seed {seed}: {type(error).__name__}: {error}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the seeds that are asked for and return the exit status."""
    it = argparse.ArgumentParser(
        "python -m tests.simulation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    it.add_argument("--seeds", type=seed_range, default=seed_range("20"), metavar="1-200")
    it.add_argument("--shell", action="store_true", help="run the whole product, not the cores")
    it.add_argument("--hours", type=float, help="virtual, for each seed: 24, of the shell 1/6")
    it.add_argument("--clients", type=int, help="sessions at once: 12, of the shell 6")
    it.add_argument("--jobs", type=int, default=1, help="processes")
    asked = it.parse_args(arguments)
    hours = asked.hours or (1 / 6 if asked.shell else 24.0)
    clients = asked.clients or (6 if asked.shell else 12)
    work = partial(run, is_shell=asked.shell, hours=hours, clients=clients)
    tally, began = Tally(), time.perf_counter()
    told_at = began
    with ProcessPoolExecutor(asked.jobs) if asked.jobs > 1 else nullcontext() as pool:
        outcomes = pool.map(work, asked.seeds, chunksize=4) if pool else map(work, asked.seeds)
        for outcome in outcomes:
            tally.add(outcome)
            if outcome.broken:
                print(outcome.broken, flush=True)
            if time.perf_counter() - told_at > PROGRESS_SECONDS:
                told_at = time.perf_counter()
                print(tally.progress(told_at - began), flush=True)
    print(tally.summary(time.perf_counter() - began))
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
