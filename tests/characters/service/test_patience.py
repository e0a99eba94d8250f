from __future__ import annotations

import math

from characters.service.pace import Pace
from characters.service.patience import Patience

PACE = Pace(idle_timeout=100.0, idle_warning=20.0, remark_after=30.0)


def test_a_silence_leads_to_a_warning_and_to_the_end() -> None:
    patience = Patience(PACE, 0.0)
    assert patience.deadline(is_busy=False) == 80.0
    assert patience.warning(80.0) == 20.0
    assert patience.warning(90.0) is None
    assert patience.deadline(is_busy=False) == 100.0
    assert patience.is_over(100.0)


def test_a_remark_is_made_once_for_each_that_is_allowed() -> None:
    patience = Patience(PACE, 0.0)
    assert not patience.takes_remark(40.0)
    patience.allow_remark()
    assert patience.deadline(is_busy=True) == 80.0
    assert patience.deadline(is_busy=False) == 30.0
    assert [patience.takes_remark(40.0) for _ in range(2)] == [True, False]


def test_nobody_is_waited_for_who_is_not_there() -> None:
    patience = Patience(PACE, 0.0)
    patience.set_present(False, 0.0)
    assert patience.deadline(is_busy=False) == math.inf
    assert not patience.is_over(1000.0)
