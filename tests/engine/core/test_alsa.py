"""The sound library of Linux, asked for what it does not have."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

BY_THE_SYSTEMS = """
import ctypes, sys
handle = ctypes.c_void_p()
try:
    status = ctypes.CDLL("libasound.so.2").snd_pcm_open(ctypes.byref(handle), b"nothing", 0, 0)
except OSError:
    sys.exit(77)
sys.exit(status == 0)
"""
BY_PYGAMES = """
import pygame, sys
try:
    pygame.mixer.init()
except pygame.error as error:
    sys.exit(77 if "not available" in str(error) else 0)
sys.exit(1)
"""


@pytest.mark.posix("ALSA is Linux's")
@pytest.mark.parametrize("first", ["import engine", "import pygame, engine", "import pygame"])
@pytest.mark.parametrize("open_nothing", [BY_THE_SYSTEMS, BY_PYGAMES])
def test_what_cannot_be_opened_is_not_told_to_the_terminal_once_the_engine_is_imported(
    first: str, open_nothing: str
) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYGAME_HIDE_SUPPORT_PROMPT"}
    ran = subprocess.run(
        [sys.executable, "-c", f"{first}\n{open_nothing}"],
        env=environment | {"SDL_AUDIODRIVER": "alsa", "AUDIODEV": "nothing"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    if ran.returncode == 77:
        pytest.skip("there is no ALSA here (the package libasound2, or pygame's own)")
    assert ran.returncode == 0
    assert (ran.stderr == b"") is ("engine" in first)
    assert (ran.stdout == b"") is ("pygame" not in first)
