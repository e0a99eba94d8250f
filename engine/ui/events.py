"""pygame's events as input, areas of the screen that can be clicked, and a line of text to edit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import pygame

from engine.core.input import Input
from engine.ui.canvas import Rect
from engine.ui.fonts import clusters

__all__ = ["feed_event", "Hotspots", "TextField"]


Point: TypeAlias = tuple[float, float]

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


class Hotspots:
    """The clickable rectangles of the picture on the screen, noted while it is drawn."""

    def __init__(self) -> None:
        self._spots: list[tuple[Rect, Callable[[], object]]] = []

    def begin(self) -> None:
        """Remove all rectangles; called before a picture is drawn."""
        self._spots.clear()

    def add(self, rect: Rect, action: Callable[[], object]) -> None:
        """Let a click in the rectangle call the action."""
        self._spots.append((rect, action))

    def click(self, point: tuple[float, float]) -> bool:
        """Call the action of the topmost rectangle there; return whether there was one."""
        for rect, action in reversed(self._spots):
            if rect.contains(point):
                action()
                return True
        return False


_JOINERS = "\u200c\u200d"  # not printable by themselves, but parts of words and emoji


class TextField:
    """A line of text, a cursor between its letters, and the keys that change them."""

    def __init__(self, limit: int = 500) -> None:
        self.text = ""
        self.cursor = 0
        self.composed = ""  # unfinished text of an input method, shown at the cursor
        self.limit = limit

    def clear(self) -> str:
        """Empty the field and return what was in it."""
        text, self.text, self.cursor, self.composed = self.text, "", 0, ""
        return text

    def insert(self, text: str) -> None:
        """Put text at the cursor; control characters and what exceeds the limit are left out."""
        clean = "".join(c for c in text if c.isprintable() or c in _JOINERS)
        clean = clean[: self.limit - len(self.text)]
        self.text = self.text[: self.cursor] + clean + self.text[self.cursor :]
        self.cursor += len(clean)

    def press(self, key: str) -> bool:
        """Apply an editing key; return whether it was one."""
        action = _KEYS.get(key)
        if action is not None:
            action(self)
        return action is not None

    def feed(self, source: Input) -> None:
        """Take what was typed in this frame, and the editing keys with their repeats."""
        self.composed = source.composed
        self.insert(source.typed)
        for key in _KEYS:
            for _ in range(source.get_key_repeat(key)):
                self.press(key)

    def _backspace(self) -> None:
        end, text = self.cursor, self.text
        self._left()
        self.text = text[: self.cursor] + text[end:]

    def _delete(self) -> None:
        start, text = self.cursor, self.text
        self._right()
        self.text, self.cursor = text[:start] + text[self.cursor :], start

    def _left(self) -> None:
        before = list(clusters(self.text[: self.cursor]))
        self.cursor -= len(before[-1]) if before else 0

    def _right(self) -> None:
        self.cursor += len(next(clusters(self.text[self.cursor :]), ""))

    def _home(self) -> None:
        self.cursor = 0

    def _end(self) -> None:
        self.cursor = len(self.text)


_KEYS: Mapping[str, Callable[[TextField], None]] = MappingProxyType(
    {
        "backspace": TextField._backspace,
        "delete": TextField._delete,
        "left": TextField._left,
        "right": TextField._right,
        "home": TextField._home,
        "end": TextField._end,
    }
)
