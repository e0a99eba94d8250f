"""pygame's events as input, the names of keys on any layout, and the input method of a text box.

On a layout without Latin letters (Russian, Greek, Hebrew, ...) a key is named by its place, as on a
US keyboard: the key that is `t` there stays `t`, although its letter here is another. Labels are
for the screen.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

import pygame
import pygame.base

from engine.core.input import Input
from engine.ui.geometry import Point, Rect

__all__ = [
    "ask_to_close", "feed_event", "follow_text_box", "key_labels", "key_name", "key_names",
    "layout_labels",
]  # fmt: skip


_log = logging.getLogger(__name__)

_HAT = ((0, "pad left", "pad right"), (1, "pad down", "pad up"))
_PAD_AXES: Mapping[int, str] = MappingProxyType(
    {0: "horizontal", 1: "vertical", 2: "look_horizontal", 3: "look_vertical"}
)


def feed_event(
    event: pygame.event.Event,
    feed: Input,
    to_logical: Callable[[Point], Point] = lambda point: point,
) -> None:
    """Feed one event to the input; an event that is no input does nothing.

    For a game with a loop of its own: call it with each event and `scene.input`.
    `to_logical` turns the window's pixels into those that the scene is drawn in.
    """
    feed.follow = feed.follow or follow_text_box
    feed.follow(feed)
    handler = _HANDLERS.get(event.type)
    if handler is not None:
        handler(event, feed)
    elif event.type in _POINTER:
        feed.move_mouse(*to_logical(event.pos))
        _POINTER[event.type](event, feed)


def _text(event: pygame.event.Event, feed: Input) -> None:
    feed.compose_text("")
    feed.type_text(event.text)


def follow_text_box(feed: Input, to_window: Callable[[Rect], Rect] = lambda rect: rect) -> None:
    """Let the input method work while a text box is open, its window beside the text, else not.

    Off, it takes no letter that is a key of the game. `to_window` is the opposite of `to_logical`.
    """
    box = feed.text_box
    if box == feed.followed_box or not pygame.display.get_init():
        return
    was_open = isinstance(feed.followed_box, tuple)
    feed.followed_box = box
    if box is None:
        pygame.key.stop_text_input()
        return
    x, y, w, h = to_window(Rect(*box))
    pygame.key.set_text_input_rect(pygame.Rect(round(x), round(y), round(w), round(h)))
    if not was_open:
        pygame.key.start_text_input()
        _log.debug("Letters are text now.")


def ask_to_close() -> None:
    """Post the event of a window that the player closes; without a window do nothing."""
    if pygame.display.get_init():
        pygame.event.post(pygame.event.Event(pygame.QUIT))


def _key_down(event: pygame.event.Event, feed: Input) -> None:
    name = key_name(event, feed.key_labels)
    if feed.composed:  # the keys of a composition are the input method's
        if name == "escape":
            feed.compose_text("")
    elif name == "return" and getattr(event, "mod", 0) & pygame.KMOD_ALT:
        feed.press("alt return")
    else:
        feed.press(name)


def _key_up(event: pygame.event.Event, feed: Input) -> None:
    name = key_name(event, feed.key_labels)
    feed.release(name)
    if name == "return":
        feed.release("alt return")


def _layout(event: pygame.event.Event, feed: Input) -> None:
    labels = layout_labels()
    if labels != feed.key_labels:
        feed.key_labels = labels
        feed.release_all()  # a key that is held would go up under another name


def _pad_axis(event: pygame.event.Event, feed: Input) -> None:
    name = _PAD_AXES.get(event.axis)
    if name is not None:
        feed.set_axis(name, event.value)


def _pad_hat(event: pygame.event.Event, feed: Input) -> None:
    for axis, minus, plus in _HAT:
        value = event.value[axis]
        (feed.press if value < 0 else feed.release)(minus)
        (feed.press if value > 0 else feed.release)(plus)


def _focus(event: pygame.event.Event, feed: Input) -> None:
    feed.has_focus = event.type == pygame.WINDOWFOCUSGAINED
    if not feed.has_focus:
        feed.release_all()  # the key-up events go to another window, or nowhere
    _layout(event, feed)  # it may have been changed before there was a window


Handler: TypeAlias = Callable[[pygame.event.Event, Input], object]

_HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        pygame.KEYDOWN: _key_down,
        pygame.KEYUP: _key_up,
        pygame.KEYMAPCHANGED: _layout,
        pygame.TEXTEDITING: lambda event, feed: feed.compose_text(event.text),
        pygame.TEXTINPUT: _text,
        pygame.JOYAXISMOTION: _pad_axis,
        pygame.JOYBUTTONDOWN: lambda event, feed: feed.press(f"pad {event.button}"),
        pygame.JOYBUTTONUP: lambda event, feed: feed.release(f"pad {event.button}"),
        pygame.JOYHATMOTION: _pad_hat,
        # The key-up events of a pad that is gone never come.
        pygame.JOYDEVICEREMOVED: lambda event, feed: feed.release_all(),
        pygame.WINDOWFOCUSLOST: _focus,
        pygame.WINDOWFOCUSGAINED: _focus,
    }
)

_POINTER: Mapping[int, Handler] = MappingProxyType(
    {
        pygame.MOUSEMOTION: lambda event, feed: None,  # the pointer was moved before
        pygame.MOUSEBUTTONDOWN: lambda event, feed: feed.mouse_press(event.button),
        pygame.MOUSEBUTTONUP: lambda event, feed: feed.mouse_release(event.button),
    }
)


# --- the names of keys --------------------------------------------------------------------------

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
