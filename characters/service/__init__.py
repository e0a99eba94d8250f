"""The embedded conversation service: a process of its own, `python -m characters.service`."""

from __future__ import annotations

__all__ = ()
