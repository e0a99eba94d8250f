"""The few widgets that an overlay needs.

Nothing is imported here: `rect`, `colour`, `wrap`, `text_field` and `hotspots` are pure,
while `canvas`, `fonts`, `painter` and `sprites` load pygame.
"""

from __future__ import annotations

__all__ = ()
