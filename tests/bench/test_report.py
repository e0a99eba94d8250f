from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.case import Aim, Case, Contender, Figures
from tests.bench.report import as_table, judge, replace_section

FLOOR = Contender("floor", "", is_floor=True)
OURS = Contender("ours", "", is_ours=True)


def a_case(*aims: Aim) -> Case:
    return Case("a case", (FLOOR, OURS), unit="s", scale=1.0, aims=aims)


def figures(floor: list[float], ours: list[float]) -> dict[str, Figures]:
    """Return figures with one sample a round."""
    return {"floor": Figures([[f] for f in floor]), "ours": Figures([[o] for o in ours])}


@pytest.mark.parametrize(("ours", "met"), [([1.1] * 4, True), ([1.3] * 4, False)])
def test_an_aim_is_a_ratio_to_the_floor_of_the_same_round(ours: list[float], met: bool) -> None:
    case = a_case(Aim("ours", 1.2, of_floor=True))
    assert [v.met for v in judge(case, figures([1.0] * 4, ours))] == [met]


def test_a_restless_floor_gives_no_verdict_on_a_ratio() -> None:
    case = a_case(Aim("ours", 1.2, of_floor=True))
    for ours in ([1.0, 2.0, 1.0, 2.0], [9.0] * 4):
        assert judge(case, figures([1.0, 2.0, 1.0, 2.0], ours))[0].met is None


def test_the_least_of_each_round_is_not_disturbed_by_a_busy_machine() -> None:
    case = a_case(Aim("ours", 1.2, of_floor=True, statistic="least"))
    floor, ours = Figures([[1.0, 9.0], [2.0, 1.0]]), Figures([[1.1, 5.0], [7.0, 1.1]])
    (verdict,) = judge(case, {"floor": floor, "ours": ours})
    assert (round(verdict.reached, 6), verdict.met) == (1.1, True)


def test_a_restless_floor_does_not_spoil_an_aim_that_was_met() -> None:
    case = a_case(Aim("ours", 5.0))
    assert judge(case, figures([1.0, 2.0, 1.0, 2.0], [1.0] * 4))[0].met is True


@pytest.mark.parametrize(("ours", "met"), [(1.5, True), (2.5, False)])
def test_an_aim_may_be_what_is_added_to_the_floor(ours: float, met: bool) -> None:
    case = a_case(Aim("ours", 1.0, over_floor=True))
    (verdict,) = judge(case, figures([1.0] * 4, [ours] * 4))
    assert verdict.reached == ours - 1.0
    assert verdict.met is met


def test_a_contender_that_is_not_installed_is_a_row() -> None:
    table = as_table(a_case(), {"lmdb": Figures(missing="not installed")}, [])
    assert "| lmdb | not installed |" in table


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    path.write_text("# Figures\n\n## audio\n\nold sound\n\n## prefs\n\nold prefs\n")
    replace_section(path, "prefs", "new prefs")
    replace_section(path, "engine", "an engine")
    text = path.read_text()
    assert text.startswith(
        "# Figures\n\n## audio\n\nold sound\n\n## engine\n\nan engine\n\n## prefs"
    )
    assert "old prefs" not in text
