"""A simulated character's agent: it counts what it is told, and its words say whose they are.

A player's line is "c3:17": who is spoken to, and the number of the line. Its answer begins with
"c3:17#804": 804 is chance, so that an answer that is decided a second time is another one. A
greeting begins with "c3@5/17": five lines heard so far, the last was 17.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from characters.agents.agent import Arrived, Part, PlayerSaid, Prompt, Say

__all__ = ["EMPTY", "Memory", "SimulatedAgent", "greeting_of", "line_of", "number_of", "numbers_of"]


@dataclass(frozen=True, slots=True)
class Memory:
    """How many lines were heard, and the number of the last one."""

    count: int = 0
    last: int = 0

    def after(self, number: int) -> Memory:
        """Return the memory after one more line."""
        return Memory(self.count + 1, number)


EMPTY = Memory()


class SimulatedAgent:
    """One character in one room."""

    def __init__(self, name: str, memory: Memory, chance: Random) -> None:
        self._name = name
        self._chance = chance
        self.remembers = memory

    def answer(self, prompt: Prompt) -> Part:
        """Take in what is said, and answer."""
        if isinstance(prompt, PlayerSaid):
            *before, last = prompt.text.split()  # lines that are answered together
            for line in (*before, last):
                self.remembers = self.remembers.after(number_of(line)[1])
            return Say(f"{last}#{self._chance.randrange(1000)} noted.")
        if isinstance(prompt, Arrived):
            return Say(f"{self._name}@{self.remembers.count}/{self.remembers.last} welcome.")
        return Say(f"{self._name}~ hm.")


def line_of(name: str, number: int) -> str:
    """Return a player's line."""
    return f"{name}:{number}"


def number_of(text: str) -> tuple[str, int]:
    """Return whose words these are, and the number of the line that they are or answer, or 0."""
    word = text.split(" ", 1)[0]
    name, colon, number = word.partition("#")[0].partition(":")
    return (name, int(number)) if colon else (word.rstrip("~").partition("@")[0], 0)


def numbers_of(text: str) -> set[int]:
    """Return the numbers of all lines that a text tells of: an answer, or a greeting, too."""
    remembered = greeting_of(text)
    found = {number_of(word)[1] for word in text.split()}
    return (found | {remembered.last if remembered is not None else 0}) - {0}


def greeting_of(text: str) -> Memory | None:
    """Return what a greeting says is remembered; None if the text is none."""
    _, at, rest = text.split(" ", 1)[0].partition("@")
    if not at:
        return None
    count, _, last = rest.partition("/")
    return Memory(int(count), int(last))
