"""What a character answers: scripted personas, or a language model, behind one protocol."""

from __future__ import annotations

__all__ = ()
