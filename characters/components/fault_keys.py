"""FaultKeys: the F-keys that break things, for a demo that shows how they heal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from characters.components.faults import Faults
from characters.components.manager import CharacterManager
from engine.component import Component

__all__ = ["FAULT_BINDINGS", "FaultKeys"]

FAULT_BINDINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cut": ("f5",),
        "black_hole": ("f6",),
        "kill_service": ("f7",),
        "start_service": ("f8",),
    }
)
"""F5 cuts the line of the one who listens, F6 makes it a black hole or heals it, F7 kills the
service, F8 starts it."""


class FaultKeys(Component):
    """Breaks what the scene's Faults can break, while nobody types."""

    _swallowed: str | None = None

    def awake(self) -> None:
        """Name the keys, unless somebody has named others."""
        for action, keys in FAULT_BINDINGS.items():
            self.input.bindings.setdefault(action, keys)

    def update(self, dt: float) -> None:
        """Obey the keys."""
        faults = self.scene.find_service(Faults)
        if faults is None or self.input.captured is not None:
            return
        acts: Mapping[str, Callable[[Faults], object]] = {
            "cut": self._cut,
            "black_hole": self._black_hole,
            "kill_service": _kill,
            "start_service": _start,
        }
        for action, act in acts.items():
            if self.input.get_button_down(action):
                act(faults)

    def _cut(self, faults: Faults) -> None:
        key = self._listener()
        if key is not None:
            faults.cut(key)

    def _black_hole(self, faults: Faults) -> None:
        before, self._swallowed = self._swallowed, None
        if before is not None and faults.is_black_hole(before):  # nobody healed it meanwhile
            faults.heal(before)
            return
        self._swallowed = self._listener()
        if self._swallowed is not None:
            faults.black_hole(self._swallowed)

    def _listener(self) -> str | None:
        manager = self.scene.find_component(CharacterManager)
        target = None if manager is None else manager.target
        return None if target is None else target.key


def _kill(faults: Faults) -> None:
    if faults.has_service:
        faults.kill_service()


def _start(faults: Faults) -> None:
    if faults.has_service and not faults.is_service_running:
        faults.start_service()
