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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from characters.service.tables import Database

__all__ = [
    "Act", "Claim", "decide", "Directory", "DIRECTORY_SCHEMA", "expired", "LEASE_SECONDS",
    "NodeBeat", "Outcome", "SessionOwner", "Ownership", "Standing", "standing",
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
    wanted TEXT NOT NULL DEFAULT ''  -- by whom: see `Directory.want`
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


@dataclass(frozen=True, slots=True)
class Claim:
    """A session that is this node's now; `away` is how many seconds ago it was used last."""

    session_id: str
    character_id: str
    end_user_id: str | None
    is_saved: bool
    epoch: int
    away: float


@dataclass(frozen=True, slots=True)
class SessionOwner:
    """A node that has a session, where it is reached, and until when it has proved to live."""

    node: str
    url: str
    until: float


@dataclass(frozen=True, slots=True)
class NodeBeat:
    """What a node learns by its beat: the time, its sessions' epochs, who wants which of them."""

    now: float
    epochs: Mapping[str, int] = field(default_factory=dict)
    wanted: Mapping[str, str] = field(default_factory=dict)


class Directory:
    """The directory in the tables of a store, for one `node`, which others reach at `url`.

    Each act is a transaction. It raises what the database raises.
    """

    def __init__(self, db: Database, node: str, url: str, lease: float = LEASE_SECONDS) -> None:
        self._db = db
        self.node = node
        self._url = url
        self._lease = lease

    def beat(self) -> NodeBeat:
        """Prove that the node lives."""
        with self._db:
            (now,) = self._db.execute(f"SELECT {self._db.clock}").fetchone()
            self._db.execute(
                "INSERT INTO nodes (node, url, until) VALUES (?, ?, ?)"
                " ON CONFLICT (node) DO UPDATE SET until = excluded.until",
                (self.node, self._url, now + self._lease),
            )
        mine = self._db.execute(
            "SELECT session_id, epoch, wanted FROM owners WHERE node = ?", (self.node,)
        ).fetchall()
        return NodeBeat(
            now,
            {session_id: epoch for session_id, epoch, _ in mine},
            {session_id: wanted for session_id, _, wanted in mine if wanted},
        )

    def leave(self) -> None:
        """Give all sessions up, and be no node any more."""
        with self._db:
            self._db.execute("UPDATE owners SET node = '' WHERE node = ?", (self.node,))
            self._db.execute("DELETE FROM nodes WHERE node = ?", (self.node,))

    def claim(self, session_id: str, ttl: float, saved_ttl: float) -> Claim | SessionOwner | None:
        """Take a session, or return its owner; None for one that is not there.

        `ttl` and `saved_ttl` are the seconds without use after which one has expired.
        """
        with self._db:
            row = self._db.execute(
                "SELECT character_id, end_user_id, is_saved, used_at, o.node, epoch,"
                f" coalesce(url, ''), coalesce(until, 0), {self._db.clock} FROM sessions"
                " JOIN owners o USING (session_id) LEFT JOIN nodes n ON n.node = o.node"
                f" WHERE session_id = ?{self._locked()}",
                (session_id,),
            ).fetchone()
            if row is None:
                return None
            character_id, end_user_id, is_saved, used_at, node, epoch, url, until, now = row
            away = max(0.0, now - used_at)
            outcome = decide(Act.CLAIM, Ownership(node, epoch, until), self.node, None, now)
            if outcome is Outcome.ASK_OWNER:
                return SessionOwner(node, url, until)
            if away >= (saved_ttl if is_saved else ttl):
                return None
            self._db.execute(
                "UPDATE owners SET node = ?, epoch = ?, wanted = '' WHERE session_id = ?",
                (self.node, epoch + 1, session_id),
            )
            return Claim(session_id, character_id, end_user_id, bool(is_saved), epoch + 1, away)

    def release(self, session_id: str, epoch: int) -> bool:
        """Give a session up; return whether it was this node's at that epoch."""
        with self._db:
            it = self._ownership(session_id)
            outcome = decide(Act.RELEASE, it, self.node, epoch, 0.0)
            if outcome is Outcome.FREE:
                self._db.execute(
                    "UPDATE owners SET node = '', wanted = '' WHERE session_id = ?", (session_id,)
                )
        return outcome is Outcome.FREE

    def want(self, session_id: str, by: str) -> None:
        """Ask the owner, who cannot be reached, to give a session up.

        `by` is the connection that the asking client had, or "*" for a takeover.
        """
        with self._db:
            self._db.execute(
                "UPDATE owners SET wanted = ? WHERE session_id = ?", (by or "-", session_id)
            )

    def bury(self, owner: SessionOwner) -> None:
        """Note that a node is dead, unless it has given a sign of life since."""
        with self._db:
            self._db.execute(
                "UPDATE nodes SET until = 0 WHERE node = ? AND until = ?", (owner.node, owner.until)
            )

    def find(self, node: str) -> SessionOwner | None:
        """Return a node that lives."""
        row = self._db.execute(
            f"SELECT url, until FROM nodes WHERE node = ? AND until > {self._db.clock}", (node,)
        ).fetchone()
        return None if row is None else SessionOwner(node, *row)

    def living(self) -> tuple[SessionOwner, ...]:
        """Return all nodes that live."""
        rows = self._db.execute(
            f"SELECT node, url, until FROM nodes WHERE until > {self._db.clock}"
        )
        return tuple(SessionOwner(*row) for row in rows)

    def present(self, session_ids: Iterable[str]) -> frozenset[str]:
        """Return which of some sessions have not been removed."""
        where = "SELECT session_id FROM owners WHERE session_id = ?"
        found = (self._db.execute(where, (it,)).fetchone() for it in session_ids)
        return frozenset(row[0] for row in found if row is not None)

    def _ownership(self, session_id: str) -> Ownership | None:
        row = self._db.execute(
            f"SELECT node, epoch FROM owners o WHERE session_id = ?{self._locked()}", (session_id,)
        ).fetchone()
        return None if row is None else Ownership(*row)

    def _locked(self) -> str:
        return self._db.for_update and f"{self._db.for_update} OF o"


_NO_LIVING_NODES = "node NOT IN (SELECT node FROM nodes WHERE until > ?1)"
_UNUSED = f"""
SELECT session_id FROM sessions JOIN owners o USING (session_id)
WHERE ?1 - used_at >= CASE is_saved WHEN 0 THEN ?3 ELSE ?4 END AND {_NO_LIVING_NODES}
"""
_BY_WORTH = f"""
SELECT session_id FROM owners o JOIN (
    SELECT session_id, used_at, row_number() OVER (
        PARTITION BY end_user_id ORDER BY is_saved DESC, used_at DESC
    ) AS nth FROM sessions
) AS numbered USING (session_id) WHERE {_NO_LIVING_NODES} ORDER BY nth DESC, used_at
"""


def expired(
    db: Database, now: float, ttls: tuple[float, float], keep: int | None, most: int
) -> tuple[str, ...]:
    """Return some sessions of no living node that are to end; no other node takes them now.

    Those are what was not used for so many seconds, the second number of those that are saved. If
    there are none, it is what is more than `keep`: of the player with the most sessions first, so
    that one client costs nobody else a session; of each player what is not saved, the oldest first.
    """
    db.one_at_a_time("expire")
    ids = _unowned(db, _UNUSED, now, most, *ttls)
    if not ids and keep is not None:
        (count,) = db.execute("SELECT count(*) FROM sessions").fetchone()
        ids = _unowned(db, _BY_WORTH, now, max(0, min(most, count - keep)))
    return ids


def _unowned(db: Database, found: str, now: float, most: int, *values: float) -> tuple[str, ...]:
    lock = db.for_update and f"{db.for_update} OF o SKIP LOCKED"
    return tuple(row[0] for row in db.execute(f"{found} LIMIT ?2{lock}", (now, most, *values)))
