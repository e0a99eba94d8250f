"""Small programs, each of which shows one thing: `python -m characters.examples.NAME`.

In a window: hello, own_loop, two_characters, level_from_file, own_component, doors.
In the terminal: events, typed_actions, triggers, manual_respond, reconnect_policies, own_store,
pages, slots, headless.
"""

from __future__ import annotations

import os

__all__ = []

# Before an example imports pygame: standard output belongs to the game.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
