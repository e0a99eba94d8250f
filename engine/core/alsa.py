"""ALSA, the sound library of Linux: kept from writing to the terminal."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Iterator
from pathlib import Path

__all__ = ["silence_alsa"]

_SYSTEMS_OWN = "libasound.so.2"


def silence_alsa() -> None:
    """Let ALSA tell its errors to its callers alone: by itself it prints each, underruns as well.

    That goes for the system's library and for the one that a wheel of pygame brings along, which
    need not be imported yet. What cannot be opened is still raised by whoever opens it.
    """
    for path in (_SYSTEMS_OWN, *_of_pygame()):
        try:
            set_handler = ctypes.CDLL(path).snd_lib_error_set_handler
        except (OSError, AttributeError):
            continue  # another system
        # A function of C that does nothing. One of Python would need the interpreter on a thread
        # of sound, and must not be called any more when the game ends.
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_int
        set_handler(ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p))


def _of_pygame() -> Iterator[str]:
    """Yield the files of ALSA that lie beside pygame or pygame-ce, as its wheels put them."""
    pygame = importlib.util.find_spec("pygame")
    if pygame is not None and pygame.origin is not None:
        for folder in ("pygame.libs", "pygame_ce.libs"):
            yield from map(str, Path(pygame.origin).parents[1].joinpath(folder).glob("libasound*"))
