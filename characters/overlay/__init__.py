"""HUD, captions, inspector, fault panel, and the drawn components of a level.

Importing it loads no drawing library: that waits until something is drawn.
"""

from __future__ import annotations

from characters.overlay.hud import HUD_BINDINGS, Hud
from characters.overlay.registration import VisualRegistry, register_visuals
from characters.overlay.rehearsal import rehearse
from characters.overlay.visuals import (
    Backdrop,
    CharacterSprite,
    Facing,
    PlayerSprite,
    Pose,
    Prop,
    Theme,
)

__all__ = [
    "HUD_BINDINGS",
    "Backdrop",
    "CharacterSprite",
    "Facing",
    "Hud",
    "PlayerSprite",
    "Pose",
    "Prop",
    "Theme",
    "VisualRegistry",
    "register_visuals",
    "rehearse",
]
