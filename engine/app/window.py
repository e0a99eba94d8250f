"""Window: pygame's display and its events, and the scale at which scenes are drawn for it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import numpy as np
import pygame
from numpy.typing import NDArray

from engine.core.events import Signal
from engine.core.input import Input
from engine.objects.scene import Scene
from engine.prefs.prefs import PlayerPrefs
from engine.ui.events import feed_event, follow_text_box
from engine.ui.geometry import Rect
from engine.ui.surface import ScaledSurface

__all__ = ["ScaleMode", "Window"]


class ScaleMode(StrEnum):
    """How the picture fits into a window of another size than its own."""

    SMOOTH = "smooth"
    """As large as it can be."""
    WHOLE = "whole"
    """Two, three, ... times as large, with wider bars: each pixel of a game's own drawing is a
    square."""


FULLSCREEN, SCALE = "window.fullscreen", "window.scale"
"""The settings that keep what the player chose."""

LARGE_SCREEN = 1400  # pixels: on a higher one a window of the game's own size would be a stamp
MOST_SCALE = 4.0  # from here on the picture is enlarged: its pixels are small enough
LEAST_SCALE = 0.25  # below it is shrunk: nobody could read it anyway
SETTLED_FRAMES = 15  # that a new size lasts before everything is drawn anew for it
_REPEAT_DELAY_MS, _REPEAT_INTERVAL_MS = 400, 35
_BAR_COLOUR = (0, 0, 0)
_LOADING, _TITLE, _DOT, _LIT_DOT = (38, 32, 54), (236, 226, 206), (84, 74, 108), (240, 178, 72)
_DOTS_PER_SECOND = 3


class Window:
    """Shows a fixed logical size, drawn with bars at the size that the window has.

    Raises RuntimeError when there is no display: use `headless` then.
    """

    def __init__(self, size: tuple[int, int] = (960, 600), title: str = "") -> None:
        self.size = size
        self.title = title
        self.focus_lost: Signal[Window] = Signal("window.focus_lost")
        self.focus_gained: Signal[Window] = Signal("window.focus_gained")
        self.is_fullscreen = False
        self.scale_mode = ScaleMode.SMOOTH
        # Read by SDL, once: Windows shall not enlarge the picture, and show its own candidates.
        os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")
        os.environ.setdefault("SDL_IME_SHOW_UI", "1")
        try:
            pygame.display.init()
            pygame.display.set_mode(_first_size(size), pygame.RESIZABLE)
        except pygame.error as error:
            raise RuntimeError(
                f"No window could be opened ({error}). Set DISPLAY, or run with --headless."
            ) from error
        pygame.display.set_caption(title)
        pygame.font.init()
        pygame.joystick.init()
        pygame.key.set_repeat(_REPEAT_DELAY_MS, _REPEAT_INTERVAL_MS)
        self.canvas = pygame.Surface(size)
        """The picture of the last frame, in pixels of the screen: `scale` for a logical one."""
        self.scale = 1.0
        self._scaled: ScaledSurface | None = None
        self._wanted = self._wish()
        self._settled = 0
        self._prefs: PlayerPrefs | None = None
        self._window_size = pygame.display.get_window_size()
        self._draw_at_once()
        self.recorded: list[pygame.Surface] = []
        """Copies of presented frames, after `record`."""
        self._record_every = 0
        self._record_limit = 0
        self._presented = 0
        self._pads: dict[int, pygame.joystick.JoystickType] = {}
        self._handlers: dict[int, Callable[[pygame.event.Event], object]] = {
            pygame.JOYDEVICEADDED: self._pad_added,
            pygame.JOYDEVICEREMOVED: self._pad_removed,
            pygame.WINDOWFOCUSLOST: self._lost_focus,
            pygame.WINDOWFOCUSGAINED: self._gained_focus,
        }

    def poll(self, feed: Input) -> bool:
        """Feed the waiting events to the input; return False if the player closed the window.

        The keys of the action "fullscreen" (F11, Alt+Enter) are obeyed here.
        """
        feed.follow = lambda followed: follow_text_box(followed, self.to_window)
        feed.follow(feed)
        for event in pygame.event.get():
            if event.type == pygame.QUIT:
                return False
            feed_event(event, feed, self.to_logical)
            if event.type in self._handlers:
                self._handlers[event.type](event)
        if feed.get_button_down("fullscreen"):
            self.toggle_fullscreen()
        return True

    def present(self, *scenes: Scene) -> None:
        """Draw the scenes over each other and show the result."""
        self._follow_size()
        surface = self._scaled or self.canvas
        if not scenes:
            surface.fill(_BAR_COLOUR)
        for index, scene in enumerate(scenes):
            scene.camera.size = self.size
            scene.camera.scale = self.scale
            scene.draw(surface, clears=index == 0)
        self._show()
        self._record()

    def _record(self) -> None:
        self._presented += 1
        is_due = self._record_every and self._presented % self._record_every == 0
        if is_due and len(self.recorded) < self._record_limit:
            self.recorded.append(self._logical_picture().copy())

    def present_loading(self, now: float = 0.0) -> None:
        """Show that a game starts: its name, above three dots of which another is lit in turn."""
        self._follow_size()
        canvas, scale, middle = self.canvas, self.scale, self.canvas.get_rect().center
        canvas.fill(_LOADING)
        # pygame's own font, which is always there.
        font = pygame.font.Font(None, max(1, canvas.get_height() // 10))
        name = font.render(self.title, True, _TITLE)
        canvas.blit(name, name.get_rect(midbottom=middle))
        lit = int(now * _DOTS_PER_SECOND) % 3
        for nth in range(3):
            dot = (middle[0] + (nth - 1) * 24 * scale, middle[1] + 32 * scale)
            pygame.draw.circle(canvas, _LIT_DOT if nth == lit else _DOT, dot, 5 * scale)
        self._show()

    def record(self, every: int = 3, limit: int = 200) -> None:
        """Keep a copy of every n-th frame in `recorded`, at most `limit`; 0 stops and clears it."""
        self._record_every = every
        self._record_limit = limit
        self.recorded = []

    def screenshot(self, path: Path | str) -> None:
        """Write the last frame as a picture (PNG by its suffix), in logical pixels."""
        pygame.image.save(self._logical_picture(), str(path))

    def picture(self) -> NDArray[np.uint8]:
        """Return the last frame as an array of height x width x 3."""
        pixels: NDArray[np.uint8] = pygame.surfarray.array3d(self._logical_picture())
        return pixels.swapaxes(0, 1)

    def thumbnail(self, width: int = 320) -> NDArray[np.uint8]:
        """Return the last frame, not much wider than that, as height x width x 3; takes no time."""
        step = max(1, self.canvas.get_width() // width)
        pixels = pygame.surfarray.pixels3d(self.canvas)[::step, ::step]
        return np.ascontiguousarray(pixels.swapaxes(0, 1))

    def toggle_fullscreen(self) -> None:
        """Switch between the whole screen and a window."""
        self.is_fullscreen = not self.is_fullscreen
        if self.is_fullscreen:
            self._window_size = pygame.display.get_window_size()
            pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
        else:
            pygame.display.set_mode(self._window_size, pygame.RESIZABLE)
        self._draw_at_once()
        if self._prefs is not None:
            self._prefs.set_bool(FULLSCREEN, self.is_fullscreen)

    def set_scale_mode(self, mode: ScaleMode | str) -> None:
        """Choose how the picture fits into the window."""
        self.scale_mode = ScaleMode(mode)
        self._draw_at_once()
        if self._prefs is not None:
            self._prefs.set_string(SCALE, self.scale_mode.value)

    def remember(self, prefs: PlayerPrefs) -> None:
        """Be as the player chose the last time, and keep what is chosen from now on."""
        mode = prefs.get_string(SCALE, "")
        if mode in tuple(ScaleMode):
            self.set_scale_mode(mode)
        if prefs.get_bool(FULLSCREEN, False) and not self.is_fullscreen:
            self.toggle_fullscreen()
        self._prefs = prefs

    def resize(self, size: tuple[int, int]) -> None:
        """Give the window another size; the picture is scaled, with bars where it does not fit."""
        self.is_fullscreen = False
        pygame.display.set_mode(size, pygame.RESIZABLE)

    def to_logical(self, position: tuple[float, float]) -> tuple[float, float]:
        """Return which logical pixel is shown at this pixel of the window."""
        scale, left, top = self._fit()
        return ((position[0] - left) / scale, (position[1] - top) / scale)

    def to_window(self, rect: Rect) -> Rect:
        """Return where a rectangle of logical pixels is shown in the window."""
        scale, left, top = self._fit()
        x, y, w, h = (value * scale for value in rect)
        return Rect(x + left, y + top, w, h)

    def close(self) -> None:
        """Close the window; pygame's other modules stay initialised."""
        self._pads.clear()
        pygame.joystick.quit()
        pygame.display.quit()

    def _fit(self) -> tuple[float, float, float]:
        """Return the scale and the left and top bar of the letter box."""
        width, height = pygame.display.get_window_size()
        scale = min(width / self.size[0], height / self.size[1]) or 1.0
        if self.scale_mode is ScaleMode.WHOLE and scale > 1:
            scale = math.floor(scale)
        return scale, (width - self.size[0] * scale) // 2, (height - self.size[1] * scale) // 2

    def _follow_size(self) -> None:
        """Draw at the scale of the window, once it has kept its size for a while."""
        wanted = self._wish()
        if wanted != self._wanted:
            self._wanted, self._settled = wanted, 0
        if self._settled == SETTLED_FRAMES:
            self._draw_at_once()
        self._settled += 1

    def _draw_at_once(self) -> None:
        self._wanted, self._settled = self._wish(), SETTLED_FRAMES + 1
        self._draw_at(self._wanted[0])

    def _wish(self) -> tuple[float, ScaleMode]:
        return min(MOST_SCALE, max(LEAST_SCALE, self._fit()[0])), self.scale_mode

    def _draw_at(self, scale: float) -> None:
        width, height = (round(side * scale) for side in self.size)
        self.scale, self.canvas = scale, pygame.Surface((width, height))
        is_smooth = self.scale_mode is ScaleMode.SMOOTH
        scaled = ScaledSurface(self.canvas, self.size, scale, is_smooth=is_smooth)
        self._scaled = None if scale == 1 else scaled

    def _logical_picture(self) -> pygame.Surface:
        if self.scale == 1:
            return self.canvas
        return pygame.transform.smoothscale(self.canvas, self.size)

    def _show(self) -> None:
        display = pygame.display.get_surface()  # asked each time, as resizing replaces it
        assert display is not None
        scale, left, top = self._fit()
        size = (max(1, round(self.size[0] * scale)), max(1, round(self.size[1] * scale)))
        picture = self.canvas
        if picture.get_size() != size:
            picture = pygame.transform.smoothscale(picture, size)
        if picture.get_size() != display.get_size():
            display.fill(_BAR_COLOUR)
        display.blit(picture, (left, top))
        pygame.display.flip()

    def _pad_added(self, event: pygame.event.Event) -> None:
        pad = pygame.joystick.Joystick(event.device_index)
        self._pads[pad.get_instance_id()] = pad  # pygame closes a pad without a reference

    def _pad_removed(self, event: pygame.event.Event) -> None:
        self._pads.pop(event.instance_id, None)

    def _lost_focus(self, event: pygame.event.Event) -> None:
        self.focus_lost.emit(self)

    def _gained_focus(self, event: pygame.event.Event) -> None:
        self.focus_gained.emit(self)


def _first_size(size: tuple[int, int]) -> tuple[int, int]:
    """Return how large to open a window: on a large screen two, three, ... times its own size."""
    width, height = pygame.display.get_desktop_sizes()[0]
    fits = min(width / size[0], height / size[1]) if height >= LARGE_SCREEN else 1.0
    times = max(1, int(fits * 2 / 3))
    return size[0] * times, size[1] * times
