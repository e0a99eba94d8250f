"""Break things and report the figures: `python -m tests.faults [NAME ...] [--quick] [--write]`.

A module `faults_NAME.py` has one function `rows(quick: bool) -> Iterable[Row]`. Exits with 1
when a figure is not what it must be. `--write` puts the tables into RESULTS.md.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from pathlib import Path

from tests.bench.report import replace_section
from tests.faults.row import Row, as_table

RESULTS = Path(__file__).parent / "RESULTS.md"


def main(arguments: list[str]) -> int:
    """Run the faults that are asked for and return the exit status."""
    known = sorted(path.stem.removeprefix("faults_") for path in RESULTS.parent.glob("faults_*.py"))
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--quick", action="store_true", help="fewer of each")
    parser.add_argument("--write", action="store_true", help="put the figures into RESULTS.md")
    options = parser.parse_args(arguments)
    for name in set(options.names) - set(known):
        parser.error(f"there are no faults {name!r}; there are {', '.join(known)}")
    logging.basicConfig(level=logging.CRITICAL)  # what we break complains, rightly
    wrong = 0
    for name in options.names or known:
        wrong += _run(name, quick=options.quick, write=options.write)
    return 1 if wrong else 0


def _run(name: str, *, quick: bool, write: bool) -> int:
    module = importlib.import_module(f"tests.faults.faults_{name}")
    rows: list[Row] = []
    for row in module.rows(quick):
        print(f"{row.number:>3}  {row.fault}: {row.figure}{'' if row.is_right else '  WRONG'}")
        sys.stdout.flush()
        rows.append(row)
    if write:
        replace_section(RESULTS, name, as_table(rows))
    return sum(not row.is_right for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
