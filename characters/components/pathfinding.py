"""Finds a way around furniture: a grid over the level, and the shortest walk through it."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence

from engine.physics import Box

__all__ = ["find_path"]

Vector = tuple[float, float]
Cell = tuple[int, int]

CELL = 12.0
_STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


def find_path(
    start: Vector, goal: Vector, size: Vector, walls: Sequence[Box], bounds: Vector
) -> list[Vector]:
    """Return the points to walk to, the last as near to the goal as a box of `size` can come.

    `bounds` is the size of the level in pixels; nothing outside it is walked on.
    """
    columns, rows = math.ceil(bounds[0] / CELL), math.ceil(bounds[1] / CELL)
    blocked = set(_blocked(walls, size, columns, rows))
    first, end = _cell(start, columns, rows), _cell(goal, columns, rows)
    came_from = _search(first, end, blocked, columns, rows)
    last = min(came_from, key=lambda cell: math.dist(_middle(cell), goal))
    points = [goal] if last == end else [_middle(last)]
    before = came_from[last]
    while before is not None and before != first:
        points.append(_middle(before))
        before = came_from[before]
    return points[::-1]


def _search(
    start: Cell, goal: Cell, blocked: set[Cell], columns: int, rows: int
) -> dict[Cell, Cell | None]:
    """Return how each visited cell was reached; stops at the goal (A*)."""
    came_from: dict[Cell, Cell | None] = {start: None}
    cost = {start: 0.0}
    waiting = [(0.0, start)]
    while waiting:
        _, here = heapq.heappop(waiting)
        if here == goal:
            break
        for there, length in _neighbours(here, blocked, columns, rows):
            longer = cost[here] + length
            if longer < cost.get(there, math.inf):
                cost[there] = longer
                came_from[there] = here
                heapq.heappush(waiting, (longer + math.dist(there, goal), there))
    return came_from


def _neighbours(
    here: Cell, blocked: set[Cell], columns: int, rows: int
) -> Iterator[tuple[Cell, float]]:
    x, y = here
    for dx, dy in _STEPS:
        there = (x + dx, y + dy)
        if not (0 <= there[0] < columns and 0 <= there[1] < rows) or there in blocked:
            continue
        # Past a corner only when both sides are free: the walker is wider than a point.
        if dx and dy and ((x + dx, y) in blocked or (x, y + dy) in blocked):
            continue
        yield there, math.hypot(dx, dy)


def _blocked(walls: Iterable[Box], size: Vector, columns: int, rows: int) -> Iterator[Cell]:
    for wall in walls:
        box = _swells(wall, size)
        left, right = (box.x - box.width / 2) / CELL, (box.x + box.width / 2) / CELL
        top, bottom = (box.y - box.height / 2) / CELL, (box.y + box.height / 2) / CELL
        for x in range(max(0, math.floor(left)), min(columns, math.ceil(right))):
            for y in range(max(0, math.floor(top)), min(rows, math.ceil(bottom))):
                if box.contains(_middle((x, y))):
                    yield x, y


def _swells(wall: Box, size: Vector) -> Box:
    return Box(wall.x, wall.y, wall.width + size[0], wall.height + size[1])


def _cell(point: Vector, columns: int, rows: int) -> Cell:
    x, y = int(point[0] // CELL), int(point[1] // CELL)
    return min(max(x, 0), columns - 1), min(max(y, 0), rows - 1)


def _middle(cell: Cell) -> Vector:
    return (cell[0] + 0.5) * CELL, (cell[1] + 0.5) * CELL
