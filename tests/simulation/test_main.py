from __future__ import annotations

import pytest

from tests.simulation.__main__ import main, seed_range


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("1-200", range(1, 201)), ("200", range(1, 201)), ("17-17", range(17, 18))],
)
def test_seeds_are_a_range_or_a_number(text: str, seeds: range) -> None:
    assert seed_range(text) == seeds


@pytest.mark.parametrize("text", ["0", "9-3", "many", "-3", "3-"])
def test_no_seeds_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        seed_range(text)


def test_the_command_line_reports_schedules_and_session_hours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--seeds", "1-2", "--hours", "2", "--clients", "6"]) == 0
    told = capsys.readouterr().out
    assert "2 seeds, 0 broken" in told
    assert "24 virtual session-hours" in told
    assert "every promise was kept" in told
