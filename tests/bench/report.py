"""Figures as a table for people, as JSON for machines, and the verdicts on our aims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.case import Aim, Case, Figures

__all__ = ["Verdict", "as_data", "as_table", "judge", "replace_section"]


@dataclass(frozen=True)
class Verdict:
    """Whether an aim was met; None, and `why`, where that cannot be told."""

    aim: str
    reached: float
    met: bool | None
    why: str = ""

    def __str__(self) -> str:
        word = {True: "met", False: "MISSED", None: f"no verdict, {self.why}"}
        return f"{self.aim}: {self.reached:.2f} ({word[self.met]})"


def judge(case: Case, figures: Mapping[str, Figures]) -> list[Verdict]:
    """Hold the figures against the aims of a case; rows that are missing have no verdict."""
    measured = {name: found for name, found in figures.items() if found.rounds}
    verdicts = []
    for aim in case.aims:
        floor = case.floor_of(aim.contender)
        if aim.contender not in measured or (aim.kind == "ratio" and floor not in measured):
            continue
        text, ours = (
            f"{aim.contender}, {aim.statistic} at most {aim.limit:g}",
            measured[aim.contender],
        )
        if aim.kind == "ratio":
            verdicts.append(_compare(aim, f"{text} of {floor}", ours, measured[floor]))
        else:
            reached = ours.statistic(aim.statistic) * case.scale
            verdicts.append(Verdict(f"{text} {case.unit}", reached, reached <= aim.limit))
    return verdicts


def _compare(aim: Aim, text: str, ours: Figures, floor: Figures) -> Verdict:
    reached = ours.ratio(floor, aim.statistic)
    if not floor.is_quiet(aim.statistic):
        # Noise can make us miss any aim, and hides what we add to the floor.
        return Verdict(text, reached, None, "the floor was noisy")
    rounds = sorted(ours.ratios(floor, aim.statistic))
    if reached > aim.limit >= rounds[len(rounds) // 4]:
        return Verdict(text, reached, None, "the rounds do not agree")
    return Verdict(text, reached, reached <= aim.limit)


def as_table(case: Case, figures: Mapping[str, Figures], verdicts: list[Verdict]) -> str:
    """Return a Markdown table of a case, with its verdicts below."""
    lines = [
        f"### {case.name}",
        "",
        *([case.why, ""] if case.why else []),
        f"| contender | median, {case.unit} | p99 | max | of the floor |",
        "|---|---|---|---|---|",
    ]
    for name, found in figures.items():
        if not found.rounds:
            lines.append(f"| {name} | {found.missing} | | | |")
            continue
        cells = [found.statistic(s) * case.scale for s in ("median", "p99", "max")]
        floor = figures.get(case.floor_of(name))
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
