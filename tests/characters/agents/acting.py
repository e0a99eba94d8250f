"""Talk to a scripted agent from a test."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from characters.agents.agent import Arrived, Do, Event, Feel, PlayerSaid, Prompt, Say
from characters.agents.persona import SMALL_TALK, Persona, PersonaFiles
from characters.agents.script import ScriptedAgent

__all__ = [
    "Actor",
    "persona_of",
    "PERSONAS",
]


PERSONAS = Path(__file__).parents[3] / "assets" / "personas"
TEMPLATE = Path(__file__).parents[3] / "characters/templates/game/assets/personas"


FILES = PersonaFiles()


def persona_of(character_id: str) -> Persona:
    """Return a shipped persona, or that of the template, with the small talk of all."""
    files = (folder / f"{character_id}.toml" for folder in (PERSONAS, TEMPLATE))
    path = next(path for path in files if path.exists())
    return FILES.read(path, PERSONAS.parent / SMALL_TALK)


_BY = {"learned": "learnt", "learned_name": "learnt", "corrected.lines": "corrected"}
_SUBJECTS = ("recall", "unknown", "fallback", "why", *_BY)


def _subject(counted: str) -> str | None:
    """Return what a line was about, from the name of a count in the memory."""
    kind, _, id_ = counted.partition(".")
    if kind in ("topic", "mention"):
        return id_
    name = "why" if counted.endswith(".why") or counted == "why.lines" else counted
    return _BY.get(name, name) if name in _SUBJECTS else None


class Actor:
    """An agent, asked and heard in whole answers."""

    def __init__(
        self, persona: Persona, memory: Mapping[str, Any] | None = None, seed: int = 1
    ) -> None:
        self.persona = persona
        self.agent = ScriptedAgent(persona, memory or {}, Random(seed))
        self.emotions: list[str] = []
        self.actions: list[str] = []

    def ask(self, prompt: Prompt, context: Mapping[str, Any] | None = None) -> str:
        async def run() -> str:
            said = ""
            async for part in self.agent.reply(prompt, context or {}):
                if isinstance(part, Say):
                    said += part.text
                elif isinstance(part, Feel):
                    self.emotions.append(part.emotion)
                elif isinstance(part, Do):
                    self.actions += [action.name for action in part.actions]
            return said

        return asyncio.run(run())

    def greet(self, away: float | None = None) -> str:
        return self.ask(Arrived(away))

    def say(self, text: str) -> str:
        return self.ask(PlayerSaid(text))

    def answer(self, text: str) -> tuple[str, str]:
        """Return by what a line is answered, and the answer.

        That is a topic's id, `why`, `recall`, `unknown`, `learnt`, `corrected` or `fallback`.
        """
        before = dict(self.agent.memory()["said"])
        said = self.say(text)
        now = self.agent.memory()["said"]
        counted = [key for key, times in now.items() if times != before.get(key)]
        subjects = [name for key in counted if (name := _subject(key)) is not None]
        topics = [name for name in subjects if name not in ("learnt", "fallback")]
        return (topics or subjects)[0], said

    def event(self, name: str, text: str = "") -> str:
        return self.ask(Event(name, text))

    def returned(self, away: float = 720.0) -> tuple[Actor, str]:
        """Return the same character after a resume, and its greeting."""
        again = Actor(self.persona, self.agent.memory(), seed=99)
        return again, again.greet(away)
