"""pygame's events as input, and the input method that follows the open text box."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import pygame

from engine.core.input import Input
from engine.ui.geometry import Point, Rect
from engine.ui.keyboard import key_name, layout_labels

__all__ = ["feed_event", "follow_text_box"]


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
    follow_text_box(feed)
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
