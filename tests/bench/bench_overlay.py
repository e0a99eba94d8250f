"""What the HUD and a level's picture cost a frame; a frame has 16.7 ms."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

MAKERS = "tests.bench.overlay_contenders"
HUD = "Troupe HUD, five characters"
LEVEL = "Troupe level and HUD, two characters"
PIECES = "a hundred pictures of a badge's size"
FLOOR = Contender(PIECES, f"{MAKERS}:blit_pieces", is_floor=True)
WHY = "What a HUD ends in, from Python: a picture here, a picture there, and where each belongs."


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones leave out rounds."""
    rounds = 8 if quick else 30
    return [hud(rounds), panels(rounds), level(rounds)]


def hud(rounds: int) -> Case:
    """Return the case of badges, captions, microphone and an error card, with text streaming in."""
    contenders = (
        FLOOR,
        Contender("one picture of the screen's size", f"{MAKERS}:blit_room"),
        Contender(HUD, f"{MAKERS}:our_hud", is_ours=True),
        Contender("the same, nothing kept between frames", f"{MAKERS}:forgetful_hud"),
    )
    return Case("HUD of one frame", contenders, rounds, "ms", 1e3, (Aim(HUD, 4.0),), WHY)


def panels(rounds: int) -> Case:
    """Return the case of the inspector and the fault panel opened over it."""
    contenders = (
        FLOOR,
        Contender("one picture of the screen's size", f"{MAKERS}:blit_room"),
        Contender(HUD, f"{MAKERS}:our_hud", {"panels": True}, is_ours=True),
    )
    name = "HUD with inspector and faults"
    return Case(name, contenders, rounds, "ms", 1e3, (Aim(HUD, 7.0),), WHY)


def level(rounds: int) -> Case:
    """Return the case of a whole frame: room, furniture, people, HUD."""
    contenders = (
        FLOOR,
        Contender("one picture of the screen's size", f"{MAKERS}:blit_room"),
        Contender(LEVEL, f"{MAKERS}:our_level", is_ours=True),
    )
    return Case("A level drawn", contenders, rounds, "ms", 1e3, (Aim(LEVEL, 3.0),), WHY)
