"""Puts off Python's search for unreachable objects from the game to the loading of a level."""

from __future__ import annotations

import gc

__all__ = ["settle_memory"]


def settle_memory() -> None:
    """Free what is unreachable now, and look through what remains no more until the next call.

    A search through all objects of a level takes tens of milliseconds, in whatever frame it falls
    due; call this when a level has been loaded. What only a level of before could reach is freed
    by the call after that.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
