"""Figures as a table for people, as JSON for machines, and the verdicts on our aims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.case import Aim, Case, Figures

__all__ = ["Verdict", "as_data", "as_table", "judge", "replace_section"]

# A floor whose middle rounds differ by more than this says that the machine is busy.
_NOISY = 1.25


@dataclass(frozen=True)
class Verdict:
    """Whether an aim was met; None where the floor was too noisy to tell."""

    aim: str
    reached: float
    met: bool | None

    def __str__(self) -> str:
        word = {True: "met", False: "MISSED", None: "no verdict, the floor itself was noisy"}
        return f"{self.aim}: {self.reached:.2f} ({word[self.met]})"


def judge(case: Case, figures: Mapping[str, Figures]) -> list[Verdict]:
    """Hold the figures against the aims of a case."""
    measured = {name for name, found in figures.items() if found.rounds}
    return [_verdict(case, aim, figures) for aim in case.aims if aim.contender in measured]


def _verdict(case: Case, aim: Aim, figures: Mapping[str, Figures]) -> Verdict:
    floor = figures.get(case.floor.name) if case.floor else None
    ours = figures[aim.contender]
    steady = "least" if aim.statistic == "least" else "median"
    noisy = floor is not None and floor.unrest(steady) > _NOISY
    if floor is not None and not (aim.of_floor or aim.over_floor):
        noisy |= floor.statistic(aim.statistic) * case.scale > aim.limit / 2
    if aim.of_floor:
        assert floor is not None and case.floor is not None
        text = f"{aim.contender}, {aim.statistic} at most {aim.limit:g} of {case.floor.name}"
        reached = ours.ratio(floor, aim.statistic)
    elif aim.over_floor:
        assert floor is not None and case.floor is not None
        text = f"{aim.contender}, {aim.statistic} at most {aim.limit:g} {case.unit} more than "
        text += case.floor.name
        reached = (ours.statistic(aim.statistic) - floor.statistic(aim.statistic)) * case.scale
    else:
        text = f"{aim.contender}, {aim.statistic} at most {aim.limit:g} {case.unit}"
        reached = ours.statistic(aim.statistic) * case.scale
    met = reached <= aim.limit
    # Noise can make us miss any aim, and hides in a ratio what we add to the floor.
    return Verdict(text, reached, None if noisy and (aim.of_floor or not met) else met)


def as_table(case: Case, figures: Mapping[str, Figures], verdicts: list[Verdict]) -> str:
    """Return a Markdown table of a case, with its verdicts below."""
    lines = [
        f"### {case.name}",
        "",
        f"| contender | median, {case.unit} | p99 | max | of the floor |",
        "|---|---|---|---|---|",
    ]
    floor = figures.get(case.floor.name) if case.floor else None
    for name, found in figures.items():
        if not found.rounds:
            lines.append(f"| {name} | {found.missing} | | | |")
            continue
        cells = [found.statistic(s) * case.scale for s in ("median", "p99", "max")]
        ratio = f"{found.ratio(floor):.2f}" if floor and floor.rounds else ""
        lines.append(f"| {name} | " + " | ".join(f"{c:.2f}" for c in cells) + f" | {ratio} |")
    lines += ["", *(f"* {verdict}" for verdict in verdicts), ""]
    return "\n".join(lines)


def as_data(case: Case, figures: Mapping[str, Figures], verdicts: list[Verdict]) -> object:
    """Return what a table says as plain data."""
    rows = {
        name: {s: found.statistic(s) * case.scale for s in ("median", "mean", "p99", "max")}
        if found.rounds
        else {"missing": found.missing}
        for name, found in figures.items()
    }
    return {
        "case": case.name,
        "unit": case.unit,
        "rows": rows,
        "verdicts": [{"aim": v.aim, "reached": v.reached, "met": v.met} for v in verdicts],
    }


def replace_section(path: Path, name: str, text: str) -> None:
    """Put `text` into a Markdown file as the section `## name`, the others untouched."""
    whole = path.read_text(encoding="utf-8") if path.exists() else ""
    head, *sections = f"\n{whole}".split("\n## ")
    kept = [s.strip("\n") for s in sections if s.splitlines()[0].strip() != name]
    ordered = sorted([*kept, f"{name}\n\n{text.strip()}"])
    joined = "\n\n".join([head.strip("\n"), *(f"## {section}" for section in ordered)])
    path.write_text(joined.strip("\n") + "\n", encoding="utf-8")
