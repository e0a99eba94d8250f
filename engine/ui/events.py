"""pygame's events as input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import pygame

from engine.core.input import Input
from engine.ui.geometry import Point

__all__ = ["feed_event"]


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
    handler = _HANDLERS.get(event.type)
    if handler is not None:
        handler(event, feed)
    elif event.type in _POINTER:
        feed.move_mouse(*to_logical(event.pos))
        _POINTER[event.type](event, feed)


def _text(event: pygame.event.Event, feed: Input) -> None:
    feed.compose_text("")
    feed.type_text(event.text)


def _key_down(event: pygame.event.Event, feed: Input) -> None:
    if not feed.composed:
        feed.press(pygame.key.name(event.key))
    elif event.key == pygame.K_ESCAPE:
        feed.compose_text("")  # the other keys of a composition are the input method's


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


Handler: TypeAlias = Callable[[pygame.event.Event, Input], object]

_HANDLERS: Mapping[int, Handler] = MappingProxyType(
    {
        pygame.KEYDOWN: _key_down,
        pygame.KEYUP: lambda event, feed: feed.release(pygame.key.name(event.key)),
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
