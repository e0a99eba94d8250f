"""Talk for a long time while things break, and see what grows.

    python -m tests.soak --minutes 60 --seed 1 [--write]

Eight characters over the real service process; a virtual player types, speaks and changes levels
while lines are cut and swallowed and the service is killed. The exit status is 1 where somebody
did not come back, or threads, open files or tasks have grown. `--write` puts the row into the
table of the faults.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.report import replace_section
from tests.faults.audio_soak import as_row
from tests.faults.row import as_table
from tests.soak.soak import Result, wear_out

RESULTS = Path(__file__).parents[1] / "faults" / "RESULTS.md"
# Allocators keep what they had at a peak; a leak in every act would be hundreds of this.
MEGABYTES_AN_HOUR = 12.0


def main() -> int:
    """Run, report, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the row into RESULTS.md")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)  # what we break complains, rightly
    with TemporaryDirectory(prefix="soak-") as folder:
        result = wear_out(Path(folder), asked.minutes * 60.0, asked.seed, _tell)
    _report(result)
    if asked.write:
        replace_section(RESULTS, "soak", as_table([as_row(result)]))
    is_fine = not (result.failures or result.leaks) and max(result.growth) <= MEGABYTES_AN_HOUR
    return 0 if is_fine else 1


def _tell(sample: object) -> None:
    print(sample, flush=True)


def _report(result: Result) -> None:
    game, service = result.growth
    print(", ".join(f"{count} x {name}" for name, count in result.acts.most_common()))
    print(f"growth: game {game:+.2f} MB an hour, service in its last life {service:+.2f}")
    print(f"held at the end: {', '.join(result.leaks) or 'nothing more'}")
    print(f"tried again by hand after an error: {result.retries}")
    print(f"unrecovered or wrong: {len(result.failures)}")
    for failure in result.failures:
        print("   ", failure)


if __name__ == "__main__":
    sys.exit(main())
