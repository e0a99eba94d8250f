"""HUD, captions, inspector, fault panel, and the drawn components of a level."""

from __future__ import annotations

from characters.overlay.registration import VisualRegistry, register_visuals
from characters.overlay.visuals import Backdrop, CharacterSprite, PlayerSprite, Prop

__all__ = [
    "Backdrop",
    "CharacterSprite",
    "PlayerSprite",
    "Prop",
    "VisualRegistry",
    "register_visuals",
]
