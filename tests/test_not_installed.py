"""A checkout whose packages were never installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from characters.not_installed import not_installed
from tests.imports import ROOT


@pytest.mark.skipif(
    bool(sys.flags.isolated), reason="this Python finds its packages without `site`"
)
@pytest.mark.parametrize("command", [["main.py"], ["-m", "characters", "doctor"]])
def test_without_the_packages_the_start_says_what_to_install(command: list[str]) -> None:
    # -S: without the folder that packages are installed in.
    started = [sys.executable, "-S", *command]
    ran = subprocess.run(
        started, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )
    assert ran.returncode == 1
    assert ran.stdout == "" and len(ran.stderr.splitlines()) == 1, ran.stderr
    assert "is not installed for this Python" in ran.stderr
    assert f'-m pip install -e "{ROOT}"' in ran.stderr


def test_a_mistake_of_our_own_is_not_hidden() -> None:
    with pytest.raises(ModuleNotFoundError):
        not_installed(ModuleNotFoundError("No module named 'engine.gone'", name="engine.gone"))
