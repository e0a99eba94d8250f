"""The component loop beside a bare list and other engines; idle objects; destroying one of many.

PyUnity is missing: its last release, 0.8.4, does not build on Python 3.11.
"""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

MAKERS = "tests.bench.engine_contenders"
OURS = "Troupe scene"


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones leave out rounds."""
    rounds = 15 if quick else 60
    loops = [loop(size, rounds) for size in (10, 100, 1_000, 10_000)]
    return [*loops, idle(rounds), moving(rounds), destroying(rounds), creating(rounds)]


def loop(size: int, rounds: int) -> Case:
    """Return the case of one frame with one small update for each of `size` objects."""
    rows = (
        ("bare list of bound methods", "bare_loop", ""),
        (OURS, "our_loop", ""),
        ("the list with Unity's enabled check", "checked_loop", ""),
        ("objects walked through their components", "walked_loop", ""),
        ("esper", "esper_loop", "esper"),
        ("pygame.sprite.Group", "pygame_loop", ""),
        ("Arcade SpriteList", "arcade_loop", "arcade"),
        ("Ursina", "ursina_loop", "ursina"),
    )
    contenders = tuple(
        Contender(
            name,
            f"{MAKERS}:{make}",
            {"size": size},
            needs,
            is_floor=make == "bare_loop",
            is_ours=name == OURS,
        )
        for name, make, needs in rows
    )
    aims = (Aim(OURS, 1.10, of_floor=True),) if size >= 100 else ()
    return Case(f"One frame, {size} objects, each object", contenders, rounds, "ns", 1e9, aims)


def idle(rounds: int) -> Case:
    """Return the case of a frame with 10,000 objects that have no update."""
    contenders = (
        Contender("an empty scene", f"{MAKERS}:our_idle", {"size": 0}, is_floor=True),
        Contender(OURS, f"{MAKERS}:our_idle", {"size": 10_000}, is_ours=True),
    )
    aims = (Aim(OURS, 1.10, of_floor=True),)
    return Case("One frame, 10,000 objects without update", contenders, rounds, "ns", 1e9, aims)


def moving(rounds: int) -> Case:
    """Return the case of drawing 1,000 objects of which some move: the order is kept by depth."""
    contenders = (
        Contender("a list sorted in each frame", f"{MAKERS}:sorted_draw", is_floor=True),
        Contender(OURS, f"{MAKERS}:our_draw", {"moving": 8}, is_ours=True),
        Contender(f"{OURS}, nobody moves", f"{MAKERS}:our_draw", {"moving": 0}, is_ours=True),
    )
    return Case("Drawing 1,000 objects in order, each frame", contenders, rounds)


def destroying(rounds: int) -> Case:
    """Return the case of destroying one of 10,000 objects, to the end of its frame."""
    contenders = (
        Contender(OURS, f"{MAKERS}:our_destroy", {"size": 10_000}, is_ours=True),
        Contender("esper", f"{MAKERS}:esper_destroy", {"size": 10_000}, "esper"),
        Contender("pygame.sprite.Group", f"{MAKERS}:pygame_destroy", {"size": 10_000}),
        Contender("Arcade SpriteList", f"{MAKERS}:arcade_destroy", {"size": 10_000}, "arcade"),
    )
    return Case("Destroying one of 10,000", contenders, rounds, aims=(Aim(OURS, 2.0),))


def creating(rounds: int) -> Case:
    """Return the case of creating an object with one component, to its start."""
    contenders = (
        Contender(OURS, f"{MAKERS}:our_create", {"size": 1_000}, is_ours=True),
        Contender("esper", f"{MAKERS}:esper_create", {"size": 1_000}, "esper"),
        Contender("pygame.sprite.Group", f"{MAKERS}:pygame_create", {"size": 1_000}),
    )
    return Case("Creating one object with one component", contenders, rounds)
