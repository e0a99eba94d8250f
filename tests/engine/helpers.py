"""Components that write down what happens to them."""

from __future__ import annotations

from typing import Any

from engine.core.clock import ManualClock
from engine.objects.objects import Component
from engine.objects.scene import Scene


def make_scene(name: str = "Level") -> Scene:
    return Scene(name, clock=ManualClock())


class Recorder(Component):
    """Write every hook but the drawing ones into a shared list, with a name before it."""

    log: list[str]
    label: str = ""

    def note(self, hook: str) -> None:
        self.log.append(f"{self.label} {hook}".strip())

    def awake(self) -> None:
        self.note("awake")

    def on_enable(self) -> None:
        self.note("on_enable")

    def start(self) -> None:
        self.note("start")

    def fixed_update(self, dt: float) -> None:
        self.note("fixed_update")

    def update(self, dt: float) -> None:
        self.note("update")

    def late_update(self, dt: float) -> None:
        self.note("late_update")

    def on_disable(self) -> None:
        self.note("on_disable")

    def on_destroy(self) -> None:
        self.note("on_destroy")


class Counter(Component):
    """Count the updates."""

    updates: int = 0

    def update(self, dt: float) -> None:
        self.updates += 1


class Failing(Component):
    """Fail in every update."""

    def update(self, dt: float) -> None:
        raise RuntimeError("broken on purpose")


class Painter(Component):
    """Write its label on the surface, which is a list here."""

    label: str

    def draw(self, surface: Any) -> None:
        surface.append(self.label)


class Sign(Component):
    """Write its label on the screen, which is a list here."""

    label: str

    def on_gui(self, surface: Any) -> None:
        surface.append(self.label)
