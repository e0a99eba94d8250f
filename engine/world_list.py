"""The world's draw list: from far to near, and nobody is called who is out of the picture.

Who tells how far around its object it paints (`Component.draw_reach`) stands in a list that is
sorted by depth, so a view cuts a strip out of it; the rest of a level costs nothing. What is
drawn is worked out anew only after the view or something in the level has moved.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any

from engine.schedule import DrawList, Method, Report

if TYPE_CHECKING:
    from engine.component import Component
    from engine.game_object import GameObject

__all__ = ["WorldList"]

# Layer, y and key: its order; then how far it reaches to the left and to the right.
Entry = tuple[int, float, int, float, float, "Component"]
View = tuple[float, float, float, float]

_EVERYWHERE = (math.inf,) * 4
_MANY = 64  # objects moved in one frame: from here on sorting all of them is faster


class WorldList(DrawList):
    """The methods of `draw`, the farthest first, of those who may reach into the view."""

    def __init__(self, report: Report) -> None:
        super().__init__(report, _entry)
        self._view: View | None = None
        self._is_stale = False
        self._moved: set[GameObject] = set()
        self._entries: dict[Component, Entry] = {}
        self._everywhere: list[Entry] = []
        self._bounded: list[Entry] = []
        self._up = self._down = 0.0  # the farthest reach of anybody

    def look(self, view: View) -> None:
        """Take left, top, right and bottom of what is seen of the level."""
        if view != self._view:
            self._view = view
            self._is_stale |= bool(self._bounded)

    def moved(self, mover: GameObject, is_depth_changed: bool) -> None:
        """Note that an object has moved, with its children."""
        # Before the first picture, or without any, nothing is kept.
        if not self.changed and (is_depth_changed or self._bounded):
            self._moved.add(mover)
            self.changed = len(self._moved) > _MANY

    def add(self, component: Component, method: Method) -> None:
        """Draw the component from the next time on."""
        self._members[component] = method
        if not self.changed:
            self._put(component)

    def remove(self, component: Component) -> None:
        """Draw the component no more, from now on."""
        was_changed = self.changed
        super().remove(component)
        self.changed = was_changed
        if not was_changed and component in self._entries:
            self._take(component)

    def run(self, argument: Any) -> None:
        """Draw on the surface."""
        if self._moved and not self.changed:
            self._sort_moved()
        if self.changed:
            self._sort_all()
        self.changed = self._is_stale
        self._is_stale = False
        super().run(argument)

    def _compile(self) -> None:
        members = self._members
        seen = [*self._everywhere, *self._in_view()]
        seen.sort()  # two sorted runs: a merge
        self._methods = [members[entry[-1]] for entry in seen]

    def _in_view(self) -> list[Entry]:
        if self._view is None:
            return self._bounded
        left, top, right, bottom = self._view
        seen: list[Entry] = []
        order, start = self._bounded, 0
        while start < len(order):
            layer = order[start][0]
            first = bisect_left(order, (layer, top - self._down), start)
            last = bisect_left(order, (layer, bottom + self._up), first)
            seen += [e for e in order[first:last] if e[3] <= right and e[4] >= left]
            start = bisect_left(order, (layer + 1,), last)
        return seen

    def _sort_all(self) -> None:
        self._entries = {c: _entry(c) for c in self._members}
        entries = sorted(self._entries.values())
        self._everywhere = [e for e in entries if e[-1].draw_reach is None]
        self._bounded = [e for e in entries if e[-1].draw_reach is not None]
        for entry in self._bounded:
            self._stretch(entry[-1])
        self._moved.clear()
        self._is_stale = True

    def _sort_moved(self) -> None:
        for mover in self._moved:
            for member in mover._family():
                for component in member._components:
                    old = self._entries.get(component)
                    if old is not None and old != _entry(component):
                        self._take(component)
                        self._put(component)
        self._moved.clear()

    def _put(self, component: Component) -> None:
        entry = self._entries[component] = _entry(component)
        insort(self._everywhere if component.draw_reach is None else self._bounded, entry)
        self._stretch(component)
        self._is_stale = True

    def _take(self, component: Component) -> None:
        entry = self._entries.pop(component)
        shelf = self._everywhere if component.draw_reach is None else self._bounded
        at = bisect_left(shelf, entry)
        if at < len(shelf) and shelf[at] is entry:
            del shelf[at]
            self._is_stale = True
        else:
            self.changed = True  # a place that is no number has spoilt the order

    def _stretch(self, component: Component) -> None:
        if component.draw_reach is not None:
            self._up = max(self._up, component.draw_reach[1])
            self._down = max(self._down, component.draw_reach[3])


def _entry(component: Component) -> Entry:
    owner = component._game_object
    assert owner is not None
    x, y = owner.transform.position
    left, _, right, _ = component.draw_reach or _EVERYWHERE
    return owner._layer, y, component._key, x - left, x + right, component
