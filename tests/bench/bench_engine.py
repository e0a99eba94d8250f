"""The component loop beside a bare list and other engines; idle objects; destroying one of many.

PyUnity's releases do not build on Python 3.11, but the sources of 0.8.4 (its repository's tag of
that name) run as they are, with PyGLM, PyOpenGL and Pillow, from a folder on PYTHONPATH.
"""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

MAKERS = "tests.bench.engine_contenders"
PEERS = "tests.bench.engine_peers"
OURS = "Troupe scene"
BARE = "bare list of bound methods"
EMPTY = "an empty scene"
WHY = "The same updates from the barest loop that Python has."


def cases(quick: bool) -> list[Case]:
    """Return the cases; the quick ones leave out rounds."""
    rounds = 15 if quick else 60
    loops = [loop(size, rounds) for size in (10, 100, 1_000, 10_000)]
    return [*loops, idle(rounds), moving(rounds), destroying(rounds), creating(rounds)]


def loop(size: int, rounds: int) -> Case:
    """Return the case of one frame with one small update for each of `size` objects."""
    peers = (
        ("the list with Unity's enabled check", f"{MAKERS}:checked_loop", ""),
        ("objects walked through their components", f"{MAKERS}:walked_loop", ""),
        ("esper", f"{PEERS}:esper_loop", "esper"),
        ("pygame.sprite.Group", f"{PEERS}:pygame_loop", ""),
        ("Arcade SpriteList", f"{PEERS}:arcade_loop", "arcade"),
        ("Ursina", f"{PEERS}:ursina_loop", "ursina"),
        ("PyUnity", f"{PEERS}:pyunity_loop", "pyunity"),
    )
    sized = {"size": size}
    both = Contender(
        BARE, f"{MAKERS}:bare_and_our_loop", sized, rows=(BARE, OURS), is_floor=True, is_ours=True
    )
    others = (Contender(name, make, sized, needs) for name, make, needs in peers)
    # What a frame costs once is a twentieth of a hundred updates; of ten it would be most.
    aims = (Aim(OURS, 1.15 if size == 100 else 1.10, "least"),) if size >= 100 else ()
    name = f"One frame, {size} objects, each object"
    return Case(name, (both, *others), rounds, "ns", 1e9, aims, WHY)


def idle(rounds: int) -> Case:
    """Return the case of a frame with 10,000 objects that have no update."""
    make, sized = f"{MAKERS}:empty_and_our_idle", {"size": 10_000}
    both = Contender(EMPTY, make, sized, rows=(EMPTY, OURS), is_floor=True, is_ours=True)
    aims = (Aim(OURS, 1.10, "least"),)
    why = "The same scene with nobody in it: objects that do nothing cost nothing."
    return Case("One frame, 10,000 objects without update", (both,), rounds, "ns", 1e9, aims, why)


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
    sized = {"size": 10_000}
    contenders = (
        Contender("two tables by hand", f"{MAKERS}:hand_destroy", sized, is_floor=True),
        Contender(OURS, f"{MAKERS}:our_destroy", sized, is_ours=True),
        Contender("esper", f"{PEERS}:esper_destroy", sized, "esper"),
        Contender("pygame.sprite.Group", f"{PEERS}:pygame_destroy", sized),
        Contender("Arcade SpriteList", f"{PEERS}:arcade_destroy", sized, "arcade"),
    )
    why = "The same bookkeeping in pure Python without a scene: marked, and taken out of tables."
    return Case("Destroying one of 10,000", contenders, rounds, aims=(Aim(OURS, 12.0),), why=why)


def creating(rounds: int) -> Case:
    """Return the case of creating an object with one component, to its start."""
    contenders = (
        Contender(OURS, f"{MAKERS}:our_create", {"size": 1_000}, is_ours=True),
        Contender("esper", f"{PEERS}:esper_create", {"size": 1_000}, "esper"),
        Contender("pygame.sprite.Group", f"{PEERS}:pygame_create", {"size": 1_000}),
    )
    return Case("Creating one object with one component", contenders, rounds)
