"""Characters that talk, and remember, for levels made with the engine."""

from __future__ import annotations

__all__ = ()
