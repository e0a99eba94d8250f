"""Measure what we promise, beside the floor and our peers: `python -m tests.bench prefs`.

    python -m tests.bench [NAME ...] [--quick] [--check] [--json OUT] [--write]

Every case runs its contenders turn by turn in one run, each in a process of its own. An aim is a
ratio to a floor of the same run, so that it holds on a slow machine too, or a constant of a policy;
a floor that was noisy, or rounds that do not agree, give no verdict. `--check` needs no peers,
takes less than a minute for each bench (`load`: three) and exits with 1 where an aim is missed.
`--write` puts the tables into RESULTS.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
from pathlib import Path

from tests.bench.case import Case, Figures
from tests.bench.report import Verdict, as_data, as_table, judge, replace_section
from tests.bench.runner import SCRATCH, run

NAMES = (
    "engine",
    "prefs",
    "audio",
    "net",
    "reconnect",
    "service",
    "load",
    "overlay",
    "crowd",
    "slots",
)
RESULTS = Path(__file__).parent / "RESULTS.md"


def main(arguments: list[str]) -> int:
    """Run the benches that are asked for and return the exit status."""
    options = _parse(arguments)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    data: dict[str, object] = {}
    missed: list[Verdict] = []
    for name in options.names or NAMES:
        missed += _run_bench(name, options, data)
    if options.json:
        options.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    for verdict in missed:
        print(f"MISSED: {verdict}", file=sys.stderr)
    return 1 if missed and options.check else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="fewer rounds and sizes")
    parser.add_argument("--check", action="store_true", help="only ours; exit 1 on a missed aim")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--write", action="store_true", help="put the tables into RESULTS.md")
    options = parser.parse_args(arguments)
    for name in set(options.names) - set(NAMES):
        parser.error(f"there is no bench {name!r}; there are {', '.join(NAMES)}")
    return options


def _run_bench(name: str, options: argparse.Namespace, data: dict[str, object]) -> list[Verdict]:
    bench = importlib.import_module(f"tests.bench.bench_{name}")
    cases: list[Case] = bench.cases(options.quick or options.check)
    print(f"## {name}\n", flush=True)
    tables, plain, missed = [], [], []
    measured: dict[str, Figures] = {}
    for case in cases:
        figures = run(case, peers=not options.check)
        if not figures:
            continue  # of a case that needs more than `--check` may ask for
        measured |= figures
        verdicts = judge(case, figures)
        tables.append(as_table(case, figures, verdicts))
        plain.append(as_data(case, figures, verdicts))
        missed += [verdict for verdict in verdicts if verdict.met is False]
        print(tables[-1], flush=True)
    if hasattr(bench, "models"):
        table, verdicts = bench.models(measured)
        tables.append(table)
        missed += [verdict for verdict in verdicts if verdict.met is False]
        print(table, flush=True)
    data[name] = plain
    if options.write:
        replace_section(RESULTS, name, "\n".join([_machine(), "", *tables]))
    return missed


def _machine() -> str:
    version = platform.python_version()
    return f"Python {version}, {platform.system()} {platform.machine()}, contenders interleaved."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
