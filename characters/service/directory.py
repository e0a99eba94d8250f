"""Which node owns which session: at most one at a time, and it alone may write it.

Theory of operation
-------------------
Each node proves with a *beat* that it lives; a beat that is older than the lease proves nothing
(`LEASE_SECONDS`). The owner of a session has it at an *epoch*, a number that only grows: whoever
takes it over raises the epoch, so that what the owner before still writes is refused (`SAVE`), be
it frozen, cut off or only slow. All times are those of the store's clock: that of a node may be
an hour off.

One table, `TABLE`, says what an act of a node does to a session, by how the session stands to
that node. `decide` is pure. `Directory` executes it over the tables of the store, each act in one
transaction with the session's row locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

__all__ = [
    "Act", "decide", "DIRECTORY_SCHEMA", "LEASE_SECONDS", "Outcome", "Ownership", "Standing",
    "standing",
]  # fmt: skip

LEASE_SECONDS = 2.0

DIRECTORY_SCHEMA = """
CREATE TABLE IF NOT EXISTS nodes (
    node TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    until REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS owners (
    session_id TEXT PRIMARY KEY REFERENCES sessions (session_id) ON DELETE CASCADE,
    node TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    mark TEXT NOT NULL DEFAULT '',
    is_wanted INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS owners_of ON owners (node);
CREATE INDEX IF NOT EXISTS sessions_of ON sessions (end_user_id, character_id);
"""


class Standing(Enum):
    """How a session stands to a node that does something with it."""

    UNKNOWN = "unknown"  # there is none of that id, any more
    FREE = "free"  # nobody's
    MINE = "mine"  # at this epoch
    MINE_BEFORE = "mine before"  # the node's at another epoch
    ANOTHERS = "another's"  # of a node that lives
    ORPHANED = "orphaned"  # of a node that gives no sign of life


class Act(Enum):
    """What a node does with a session."""

    CLAIM = "claim"
    SAVE = "save"
    RELEASE = "release"
    EXPIRE = "expire"
    FORGET = "forget"


class Outcome(Enum):
    """What comes of it."""

    TAKE = "take"  # it is the node's now, at the next epoch
    KEEP = "keep"  # it stays as it is, and the act is allowed
    FREE = "free"  # it is nobody's now
    END = "end"  # it is removed
    ASK_OWNER = "ask the owner"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose a session is; `until` is how long its owner has proved to live."""

    node: str = ""  # "" is nobody
    epoch: int = 0
    until: float = 0.0


def standing(it: Ownership | None, node: str, epoch: int | None, now: float) -> Standing:
    """Return how a session stands to a node; `epoch` is the one at which it believes to have it."""
    if it is None:
        return Standing.UNKNOWN
    if not it.node:
        return Standing.FREE
    if it.node == node:
        return Standing.MINE if it.epoch == epoch else Standing.MINE_BEFORE
    return Standing.ANOTHERS if now < it.until else Standing.ORPHANED


_REFUSED = MappingProxyType(dict.fromkeys(Standing, Outcome.REFUSE))

TABLE: Mapping[Act, Mapping[Standing, Outcome]] = {
    Act.CLAIM: {
        **_REFUSED,
        Standing.FREE: Outcome.TAKE,
        Standing.MINE: Outcome.TAKE,
        Standing.MINE_BEFORE: Outcome.TAKE,
        Standing.ANOTHERS: Outcome.ASK_OWNER,
        Standing.ORPHANED: Outcome.TAKE,
    },
    # Not a word of a lease: a node that is late may write until another has taken the session.
    Act.SAVE: {**_REFUSED, Standing.MINE: Outcome.KEEP},
    Act.RELEASE: {**_REFUSED, Standing.MINE: Outcome.FREE},
    Act.EXPIRE: {**_REFUSED, Standing.FREE: Outcome.END, Standing.ORPHANED: Outcome.END},
    Act.FORGET: {**dict.fromkeys(Standing, Outcome.END), Standing.UNKNOWN: Outcome.REFUSE},
}


def decide(act: Act, it: Ownership | None, node: str, epoch: int | None, now: float) -> Outcome:
    """Return what comes of an act of a node."""
    return TABLE[act][standing(it, node, epoch, now)]
