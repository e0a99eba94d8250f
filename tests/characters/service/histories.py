"""Random talks, saves, loads and take-backs, and a plain model of what must come of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

from characters.protocol.messages import Action
from characters.service.database import SqliteDatabase
from characters.service.effects import (
    BeginExchange,
    Entry,
    PendingReply,
    PersistActions,
    PersistEntry,
    PlayerLine,
)
from characters.service.store import SessionStore, StoredSession

__all__ = ["Histories", "Talk", "dump"]


@dataclass
class Talk:
    """What a session must be: everything is copied, nothing shared."""

    turns: list[tuple[str, str]] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)  # of lines, and how much was said before
    known: dict[int, dict[str, Any]] = field(default_factory=dict)  # by how much was said

    @property
    def words(self) -> set[str]:
        """Every word that was said or is known."""
        known = json.dumps([self.turns, self.memory, list(self.known.values())])
        return set(re.findall(r"word\d+", known))

    def begin(self) -> int | None:
        """Return how much was said before the last exchange."""
        count = len(self.turns)
        while count and self.turns[count - 1][0] == "character":
            count -= 1
        if not count:
            return None
        while count and self.turns[count - 1][0] == "player":
            count -= 1
        return count

    def undo(self, count: int) -> None:
        """Forget what was said after so much."""
        del self.turns[count:]
        self.memory = deepcopy(self.known[count])
        self.ids = {line: at for line, at in self.ids.items() if at < count}
        self.known = {at: memory for at, memory in self.known.items() if at < count}


def dump(store: SessionStore) -> str:
    """Return all that stands in a database."""
    if isinstance(store._db, SqliteDatabase):
        return "\n".join(store._db.iterdump())
    names = store._db.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = (store._db.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names.fetchall())
    return "\n".join(map(repr, rows))


class Histories:
    """One player's history with one character, lived in a store and in the model at once."""

    def __init__(
        self, store: SessionStore, seed: int, reopened: Callable[[], SessionStore]
    ) -> None:
        self.store = store
        self._reopened = reopened
        self._chance = Random(seed)
        self._count = 0
        self.talks: dict[str, Talk] = {}
        self.slots: dict[str, str] = {}
        self.now = self._begin()

    def live(self, steps: int) -> None:
        """Do so many random things; after each the store is as the model."""
        acts = (self.talk, self.talk, self.talk, self.save, self.load, self.take_back,
                self.reopen, self.leave, self.forget_one)  # fmt: skip
        for _ in range(steps):
            self._chance.choice(acts)()
            self.compare()

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}{self._count}"

    def _session(self, session_id: str, *, is_saved: bool = False) -> StoredSession:
        return StoredSession(session_id, "nurse", "ada", 0.0, is_saved=is_saved)

    def _begin(self) -> str:
        session_id = self._new("session")
        self.store.save(self._session(session_id), {"facts": {}})
        self.talks[session_id] = Talk(memory={"facts": {}})
        return session_id

    def talk(self) -> None:
        """Say something that nobody has said before; now and then the answer is not received."""
        talk, chance = self.talks[self.now], self._chance
        word, line_id, count = self._new("word"), self._new("line"), len(talk.turns)
        talk.known[count], talk.ids[line_id] = deepcopy(talk.memory), count
        entries: list[Entry] = [
            BeginExchange(deepcopy(talk.memory)),
            PersistEntry("player", word, line_id),
        ]
        talk.turns.append(("player", word))
        talk.memory = self._learnt(talk.memory, word)
        if chance.random() < 0.3:
            entries.append(PersistActions((Action(f"do-{word}"),)))
        if chance.random() < 0.8:
            entries.append(PersistEntry("character", f"Oh, {word}."))
            talk.turns.append(("character", f"Oh, {word}."))
        else:
            entries.append(PendingReply((PlayerLine(word, line_id),), None))
        self.store.save(self._session(self.now), talk.memory, entries)

    def _learnt(self, memory: dict[str, Any], word: str) -> dict[str, Any]:
        memory, chance = deepcopy(memory), self._chance
        memory["facts"][f"fact{chance.randrange(4)}"] = word
        memory["last"] = word
        memory.setdefault("said", {})[f"topic{chance.randrange(3)}"] = chance.randrange(9)
        if chance.random() < 0.3:
            memory["facts"].pop(f"fact{chance.randrange(4)}", None)
        memory["question"] = chance.choice([None, "why", True])
        return memory

    def _branch(self, session_id: str, *, is_saved: bool) -> str:
        branch = self._new("session")
        shared = self.store.branch(session_id, self._session(branch, is_saved=is_saved))
        assert shared is not None
        self.talks[branch] = deepcopy(self.talks[session_id])
        return branch

    def save(self) -> None:
        """Save into one of three slots; what the slot had before is deleted."""
        name = f"slot{self._chance.randrange(3)}"
        if name in self.slots:
            self._remove(self.slots[name])
        self.slots[name] = self._branch(self.now, is_saved=True)

    def load(self) -> None:
        """Go on where a slot was saved; what was said since is not known there."""
        if self.slots:
            saved = self.slots[self._chance.choice(sorted(self.slots))]
            self.now = self._branch(saved, is_saved=False)
            assert self.store.history(self.now, None, 0.0).is_untouched

    def take_back(self) -> None:
        """Undo the last exchange, unless it is older than what is kept."""
        talk, kept = self.talks[self.now], len(self.store.turns(self.now))
        begin = talk.begin()
        if begin is None:
            assert self.store.take_back(self._session(self.now), 0.0) is None
        elif len(talk.turns) - begin <= kept - 2:
            undone = self.store.take_back(self._session(self.now), 0.0)
            assert undone is not None
            assert list(undone.exchange.lines) == [
                text for speaker, text in talk.turns[begin:] if speaker == "player"
            ]
            talk.undo(begin)

    def reopen(self) -> None:
        """Let the process end without a goodbye, and start again."""
        self.store = self._reopened()

    def leave(self) -> None:
        """Begin another conversation; the one before stays as it is."""
        if self._chance.random() < 0.3:
            self.now = self._begin()

    def forget_one(self) -> None:
        """Let a session that nobody is in expire."""
        others = [it for it in self.talks if it not in (self.now, *self.slots.values())]
        if others:
            self._remove(self._chance.choice(others))

    def _remove(self, session_id: str) -> None:
        self.store.remove([session_id], 0.0)
        del self.talks[session_id]

    def leave_one(self) -> str:
        """Let all sessions but the present one expire; return what the store holds then."""
        for session_id in [it for it in self.talks if it != self.now]:
            self._remove(session_id)
        self.compare()
        return dump(self.store)

    def compare(self) -> None:
        """Every session is what the model says, byte for byte."""
        assert {s.session_id for s in self.store.load().sessions} == set(self.talks)
        for session_id, talk in self.talks.items():
            history = self.store.history(session_id, None, 0.0)
            said = [(turn.speaker, turn.text) for turn in history.turns]
            assert said == talk.turns[len(talk.turns) - len(said) :]
            assert json.dumps(history.memory) == json.dumps(talk.memory)
            assert history.message_ids <= talk.ids.keys()
