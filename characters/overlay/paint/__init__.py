"""The drawing of everything seen; loaded only where there is a window."""

from __future__ import annotations

__all__ = ()
