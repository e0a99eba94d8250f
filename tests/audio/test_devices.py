"""What is said of a program that is missing is true: the setup brings it, or the hand does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.audio.devices import BY_HAND, PACKAGES, require

SETUP = Path(__file__).parents[2] / ".ci" / "setup"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a missing program skips there")


@pytest.mark.parametrize("program", [*PACKAGES, *BY_HAND])
def test_a_missing_program_is_named_with_what_brings_it(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AssertionError) as failure:
        require(program)
    said = str(failure.value)
    names = said.partition("package ")[2].partition(" (")[0].split(" and ")
    brought = set(SETUP.read_text(encoding="utf-8").replace('"', " ").split())
    assert ("make setup-test" in said) == (set(names) <= brought)
