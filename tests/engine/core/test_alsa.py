"""The sound library of Linux, asked for what it does not have."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.core.alsa import silence_alsa

OPEN_NOTHING = """
import ctypes, sys
from engine.core.alsa import silence_alsa
try:
    alsa = ctypes.CDLL("libasound.so.2")
except OSError:
    sys.exit(77)
if sys.argv[1] == "silent":
    silence_alsa()
handle = ctypes.c_void_p()
status = alsa.snd_pcm_open(ctypes.byref(handle), b"no such device", 0, 0)
sys.exit(0 if status < 0 else 1)
"""


@pytest.mark.posix("ALSA is Linux's")
@pytest.mark.parametrize("way", ["silent", "as it is"])
def test_what_it_cannot_open_is_told_to_the_caller_and_not_to_the_terminal(way: str) -> None:
    command = [sys.executable, "-c", OPEN_NOTHING, way]
    ran = subprocess.run(command, capture_output=True, timeout=60, check=False)
    if ran.returncode == 77:
        pytest.skip("there is no libasound here (the package libasound2)")
    assert ran.returncode == 0
    assert (ran.stderr == b"") is (way == "silent")


def test_a_system_without_it_is_silent_already() -> None:
    silence_alsa("there is no such module.so", None)
