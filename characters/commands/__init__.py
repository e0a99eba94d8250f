"""What `python -m characters` can do, one module for each command."""

from __future__ import annotations

__all__ = []
