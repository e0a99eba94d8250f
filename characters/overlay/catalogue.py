"""What furniture there is: how large each piece is drawn and how much floor it takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["FLOOR_TOP", "PROPS", "PropKind", "PropSize"]

FLOOR_TOP = 232
"""Where the wall ends and the floor begins, in pixels from the top of a 600 pixel high room."""

PropKind: TypeAlias = Literal[
    "bed", "bench", "blackboard", "blanket", "books", "cabinet", "chair", "clock", "curtain",
    "desk", "door", "drip", "lamp", "monitor", "notice", "plant", "poster", "reception", "rug",
    "shelf", "sofa", "student_desk", "table", "trolley", "washbasin",
]  # fmt: skip


class PropSize(NamedTuple):
    """Width and height as drawn, and the floor it covers around its foot (0 blocks nobody)."""

    w: int
    h: int
    footprint: tuple[int, int] = (0, 0)


PROPS: Mapping[PropKind, PropSize] = MappingProxyType(
    {
        "bed": PropSize(132, 108, (128, 70)),
        "bench": PropSize(120, 44, (118, 24)),
        "blackboard": PropSize(260, 128),
        "blanket": PropSize(116, 54),
        "books": PropSize(40, 26),
        "cabinet": PropSize(84, 112, (84, 20)),
        "chair": PropSize(46, 62, (40, 22)),
        "clock": PropSize(40, 40),
        "curtain": PropSize(60, 190),
        "desk": PropSize(176, 76, (176, 34)),
        "door": PropSize(84, 148),
        "drip": PropSize(34, 132, (22, 12)),
        "lamp": PropSize(44, 128, (22, 12)),
        "monitor": PropSize(58, 112, (36, 14)),
        "notice": PropSize(74, 54),
        "plant": PropSize(62, 92, (32, 18)),
        "poster": PropSize(56, 74),
        "reception": PropSize(250, 86, (250, 40)),
        "rug": PropSize(320, 120),
        "shelf": PropSize(120, 150, (120, 20)),
        "sofa": PropSize(158, 76, (156, 36)),
        "student_desk": PropSize(92, 58, (88, 26)),
        "table": PropSize(84, 50, (80, 30)),
        "trolley": PropSize(70, 78, (64, 22)),
        "washbasin": PropSize(70, 100, (66, 18)),
    }
)  # fmt: skip
