"""Window: pygame's display and its events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pygame
from numpy.typing import NDArray

from engine.core.events import Signal
from engine.core.input import Input
from engine.objects.scene import Scene
from engine.ui.events import feed_event, follow_text_box
from engine.ui.geometry import Rect

__all__ = ["Window"]


_REPEAT_DELAY_MS, _REPEAT_INTERVAL_MS = 400, 35
_BAR_COLOUR = (0, 0, 0)
_LOADING, _TITLE, _DOT, _LIT_DOT = (38, 32, 54), (236, 226, 206), (84, 74, 108), (240, 178, 72)
_DOTS_PER_SECOND = 3


class Window:
    """Shows a fixed logical size, scaled with bars to the size that the window has.

    Raises RuntimeError when there is no display: use `headless` then.
    """

    def __init__(self, size: tuple[int, int] = (960, 600), title: str = "") -> None:
        self.size = size
        self.title = title
        self.focus_lost: Signal[Window] = Signal("window.focus_lost")
        self.focus_gained: Signal[Window] = Signal("window.focus_gained")
        self.is_fullscreen = False
        try:
            pygame.display.init()
            pygame.display.set_mode(size, pygame.RESIZABLE)
        except pygame.error as error:
            raise RuntimeError(
                f"No window could be opened ({error}). Set DISPLAY, or run with --headless."
            ) from error
        pygame.display.set_caption(title)
        pygame.font.init()
        pygame.joystick.init()
        pygame.key.set_repeat(_REPEAT_DELAY_MS, _REPEAT_INTERVAL_MS)
        self.canvas = pygame.Surface(size)
        """The surface that scenes draw on, in logical pixels."""
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
        follow_text_box(feed, self.to_window)
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
        if not scenes:
            self.canvas.fill(_BAR_COLOUR)
        for index, scene in enumerate(scenes):
            scene.camera.size = self.size
            scene.draw(self.canvas, clears=index == 0)
        self._show()
        self._presented += 1
        is_due = self._record_every and self._presented % self._record_every == 0
        if is_due and len(self.recorded) < self._record_limit:
            self.recorded.append(self.canvas.copy())

    def present_loading(self, now: float = 0.0) -> None:
        """Show that a game starts: its name, above three dots of which another is lit in turn."""
        canvas, middle = self.canvas, (self.size[0] // 2, self.size[1] // 2)
        canvas.fill(_LOADING)
        # pygame's own font, which is always there.
        name = pygame.font.Font(None, self.size[1] // 10).render(self.title, True, _TITLE)
        canvas.blit(name, name.get_rect(midbottom=middle))
        lit = int(now * _DOTS_PER_SECOND) % 3
        for nth in range(3):
            dot = (middle[0] + (nth - 1) * 24, middle[1] + 32)
            pygame.draw.circle(canvas, _LIT_DOT if nth == lit else _DOT, dot, 5)
        self._show()

    def record(self, every: int = 3, limit: int = 200) -> None:
        """Keep a copy of every n-th frame in `recorded`, at most `limit`; 0 stops and clears it."""
        self._record_every = every
        self._record_limit = limit
        self.recorded = []

    def screenshot(self, path: Path | str) -> None:
        """Write the last frame as a picture (PNG by its suffix), in logical pixels."""
        pygame.image.save(self.canvas, str(path))

    def picture(self) -> NDArray[np.uint8]:
        """Return the last frame as an array of height x width x 3."""
        pixels: NDArray[np.uint8] = pygame.surfarray.array3d(self.canvas)
        return pixels.swapaxes(0, 1)

    def toggle_fullscreen(self) -> None:
        """Switch between the whole screen and a window."""
        self.is_fullscreen = not self.is_fullscreen
        flags = pygame.FULLSCREEN if self.is_fullscreen else pygame.RESIZABLE
        size = (0, 0) if self.is_fullscreen else self.size
        pygame.display.set_mode(size, flags)

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
        return scale, (width - self.size[0] * scale) / 2, (height - self.size[1] * scale) / 2

    def _show(self) -> None:
        display = pygame.display.get_surface()  # asked each time, as resizing replaces it
        assert display is not None
        scale, left, top = self._fit()
        if scale == 1.0 and not left and not top:
            display.blit(self.canvas, (0, 0))
        else:
            scaled = (round(self.size[0] * scale), round(self.size[1] * scale))
            display.fill(_BAR_COLOUR)
            display.blit(pygame.transform.smoothscale(self.canvas, scaled), (left, top))
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
