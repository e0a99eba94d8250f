"""The player's keyboard: how keys are named on a layout without Latin letters, and what is on them.

On such a layout (Russian, Greek, Hebrew, ...) a key is named by its place, as on a US keyboard: the
key that is `t` there stays `t`, although its letter here is another. Labels are for the screen.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pygame
import pygame.base

__all__ = ["key_labels", "key_name", "key_names", "layout_labels"]


_PLACES: Mapping[int, str] = MappingProxyType(
    {
        **dict(enumerate("abcdefghijklmnopqrstuvwxyz1234567890", 4)),
        **dict(enumerate("-=[]\\", 45)),
        **dict(enumerate(";'`,./", 51)),
    }
)
"""The US name of each key by its scancode, which is the USB usage number of its place."""
_LETTERS = range(4, 30)


def key_name(event: pygame.event.Event, labels: Mapping[str, str]) -> str:
    """Return the name of the key of a KEYDOWN or KEYUP; `labels` are those of the layout."""
    place = _PLACES.get(getattr(event, "scancode", 0), "")  # events made by hand have none
    named = pygame.key.name(event.key)  # "" for a letter beyond ASCII
    return place or named if labels else named or place


def key_names() -> frozenset[str]:
    """Return the names of all keys, of the buttons of pads and mice too, as `Input` knows them."""
    constants = (getattr(pygame, name) for name in dir(pygame) if name.startswith("K_"))
    hat = ("pad left", "pad right", "pad up", "pad down")
    buttons = [f"{what} {number}" for what in ("pad", "mouse") for number in range(32)]
    named = map(pygame.key.name, constants)
    return frozenset(filter(None, (*named, *_PLACES.values(), *hat, *buttons, "alt return")))


def layout_labels() -> Mapping[str, str]:
    """Return `key_labels` of the layout that is in use now; empty if SDL does not tell."""
    key_at = _sdl_key_at() if pygame.display.get_init() else None
    return {} if key_at is None else key_labels(key_at)


def key_labels(key_at: Callable[[int], int]) -> Mapping[str, str]:
    """Return what is on the keys of a layout without Latin letters, by their US names; else {}.

    `key_at` returns the code of the key at a scancode: its character, or more for a key of none.
    """
    signs = {name: _sign(key_at(place)) for place, name in _PLACES.items()}
    letters = [signs[_PLACES[place]] for place in _LETTERS]
    if any(sign.isascii() and sign.isalpha() for sign in letters):
        return {}
    is_known = any(sign.isalpha() for sign in letters)
    return {name: _label(sign) for name, sign in signs.items() if sign} if is_known else {}


def _sign(code: int) -> str:
    sign = chr(code) if 32 < code < sys.maxunicode else ""
    return sign if sign.isprintable() else ""


def _label(sign: str) -> str:
    # Two small letters of Greek have one capital: W is a small sigma there, S a capital one.
    return sign.upper() if sign.upper().lower() == sign else sign


def _sdl_key_at() -> Callable[[int], int] | None:
    """Return SDL's own function for it: pygame has none. None where it cannot be reached."""
    if pygame.get_sdl_version()[0] != 2:
        return None  # it takes other arguments there
    own = Path(pygame.__file__).with_name("SDL2.dll")
    # Where a library is no DLL, those that pygame's module has loaded are searched with it.
    path = own if own.is_file() else pygame.base.__file__
    try:
        function = ctypes.CDLL(str(path)).SDL_GetKeyFromScancode
    except (OSError, AttributeError):
        return None
    function.argtypes, function.restype = [ctypes.c_int], ctypes.c_int32
    key_at: Callable[[int], int] = function
    return key_at
