"""ALSA, the sound library of Linux: kept from writing to the terminal."""

from __future__ import annotations

import ctypes

__all__ = ["silence_alsa"]

_SYSTEMS_OWN = "libasound.so.2"


def silence_alsa(*modules: str | None) -> None:
    """Let ALSA tell its errors to its callers alone: by itself it prints each, underruns as well.

    `modules` are the files of extension modules that may have brought a library of their own, as
    pygame's wheel does. What cannot be opened is still raised by whoever opens it.
    """
    for path in (_SYSTEMS_OWN, *filter(None, modules)):
        try:
            set_handler = ctypes.CDLL(path).snd_lib_error_set_handler
        except (OSError, AttributeError):
            continue  # another system, or a module without it
        # A function of C that does nothing. One of Python would need the interpreter on a thread
        # of sound, and must not be called any more when the game ends.
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_int
        set_handler(ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p))
