"""Play without a window: scripts, what they do to the game, and the report of a run."""

from __future__ import annotations

__all__ = []
