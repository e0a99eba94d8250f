from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.bench.__main__ import NAMES
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
    assert [v.met for v in judge(a_case(Aim("ours", 1.2)), figures([1.0] * 4, ours))] == [met]


def test_a_machine_half_as_fast_gets_the_same_verdict() -> None:
    case, quick = a_case(Aim("ours", 1.2)), figures([1.0] * 4, [1.1] * 4)
    slow = figures([2.0] * 4, [2.2] * 4)
    assert judge(case, slow)[0] == judge(case, quick)[0]


def test_a_restless_floor_gives_no_verdict() -> None:
    case = a_case(Aim("ours", 1.2))
    for ours in ([1.0, 2.0, 1.0, 2.0], [9.0] * 4):
        assert judge(case, figures([1.0, 2.0, 1.0, 2.0], ours))[0].met is None


def test_a_floor_that_often_waited_for_others_gives_no_verdict() -> None:
    case = a_case(Aim("ours", 1.2))
    floor, ours = Figures([[1.0] * 90 + [9.0] * 10] * 4), Figures([[3.0] * 100] * 4)
    assert judge(case, {"floor": floor, "ours": ours})[0].met is None
    assert judge(case, {"floor": Figures([[1.0] * 100] * 4), "ours": ours})[0].met is False


def test_rounds_that_do_not_agree_are_no_miss() -> None:
    case = a_case(Aim("ours", 1.2))
    verdicts = judge(case, figures([1.0] * 4, [1.1, 1.1, 1.5, 1.5]))
    assert (verdicts[0].met, verdicts[0].why) == (None, "the rounds do not agree")
    assert judge(case, figures([1.0] * 4, [1.1, 1.5, 1.5, 1.5]))[0].met is False


def test_the_least_of_each_round_is_not_disturbed_by_a_busy_machine() -> None:
    case = a_case(Aim("ours", 1.2, "least"))
    floor, ours = Figures([[1.0, 9.0], [2.0, 1.0]]), Figures([[1.1, 5.0], [7.0, 1.1]])
    (verdict,) = judge(case, {"floor": floor, "ours": ours})
    assert (round(verdict.reached, 6), verdict.met) == (1.1, True)


def test_a_rare_figure_is_of_the_whole_run_and_needs_a_floor_without_outliers() -> None:
    case = a_case(Aim("ours", 1.2, "max"))
    ours = Figures([[1.0] * 200 + [1.1], [1.0] * 200])
    quiet = Figures([[1.0] * 200, [1.0] * 200])
    restless = Figures([[1.0] * 190 + [9.0] * 10, [1.0] * 200])
    assert judge(case, {"floor": quiet, "ours": ours})[0].met is True
    assert judge(case, {"floor": restless, "ours": ours})[0].met is None


def test_what_a_policy_prescribes_needs_no_floor() -> None:
    case = a_case(Aim("ours", 3.0, kind="policy_seconds"))
    assert judge(case, figures([1.0, 9.0], [2.5, 2.5]))[0].met is True
    assert judge(case, figures([1.0, 9.0], [3.5, 3.5]))[0].met is False


def test_an_aim_may_name_a_floor_of_its_own() -> None:
    case = a_case(Aim("ours", 1.2, floor="another"))
    found = figures([9.0] * 4, [1.1] * 4)
    assert judge(case, found) == []
    assert judge(case, {**found, "another": Figures([[1.0]] * 4)})[0].met is True
    assert "| 1.10 |" in as_table(case, {**found, "another": Figures([[1.0]] * 4)}, [])


@pytest.mark.parametrize("name", NAMES)
def test_every_aim_holds_on_any_machine_and_says_why(name: str) -> None:
    bench = importlib.import_module(f"tests.bench.bench_{name}")
    for case in (case for case in bench.cases(True) if case.aims):
        rows = {row for contender in case.contenders for row in contender.names}
        assert case.why.endswith("."), case.name
        for aim in case.aims:
            assert aim.contender in rows, (case.name, aim)
            if aim.kind == "ratio":
                assert case.floor_of(aim.contender) in rows - {aim.contender}, (case.name, aim)


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
