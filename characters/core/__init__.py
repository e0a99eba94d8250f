"""The client's side of a conversation as pure values: no I/O, no clock, no chance."""

from __future__ import annotations

__all__ = ()
