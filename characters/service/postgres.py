"""PostgreSQL behind the store of several nodes: a connection, and the tables of now.

The tables are SQLite's (`database`) in PostgreSQL's words, and those of the nodes. They have the
same version: older ones are brought forward in one transaction, newer ones are refused.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from characters.service.database import SCHEMA, VERSION
from characters.service.directory import DIRECTORY_SCHEMA
from characters.service.memory import PINNED_COLUMN
from characters.service.tables import Rows, StoreError
from engine.core.errors import install_command

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresDatabase", "prepare"]

T = TypeVar("T")

CONNECT_SECONDS = 2
STATEMENT_SECONDS = 5
HELD_SECONDS = 1  # that a node which vanished in a transaction holds a session: others want it
DOUBT_SECONDS = 20.0  # until the end of a commit is known whose answer was lost
MIGRATION_LOCK = 7_310_421  # any number, the same for all nodes
# What bring tables of a version forward, to the next one.
STEPS: Mapping[int, str] = {2: f"ALTER TABLE learnt ADD COLUMN {PINNED_COLUMN};"}


class PostgresDatabase:
    """A `Database` at a URL (postgresql://...), for one thread; connects when it is first used.

    A connection that was lost is made again for the next transaction; `name` is what the server
    calls it. Raises StoreError.
    """

    for_update = " FOR UPDATE"
    clock = "extract(epoch FROM clock_timestamp())::float8"

    def __init__(self, url: str, name: str = "troupe") -> None:
        try:
            import psycopg
        except ImportError:
            raise StoreError(
                f"--store needs the extra `cluster`: {install_command('cluster')}"
            ) from None
        self._psycopg = psycopg
        self._url = url
        self._name = name
        self._connection: psycopg.Connection | None = None
        self._is_in_transaction = False
        self._proof: tuple[str, tuple[object, ...]] | None = None

    # --- statements ---

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        """Execute a statement; outside of a transaction it is tried again on a new connection."""

        def run(connection: psycopg.Connection) -> Rows:
            return connection.execute(_translated(sql), _parameters(values))

        return self._run(run)

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> None:
        """Execute a statement with each row of values, in a transaction."""
        for row in values:
            self.execute(sql, row)

    def _run(self, work: Callable[[psycopg.Connection], T]) -> T:
        is_new = self._connection is None
        try:
            try:
                return work(self._connected())
            except self._psycopg.OperationalError:
                if self._is_in_transaction or is_new:
                    raise
                self._drop()
                return work(self._connected())
        except self._psycopg.Error as error:
            raise self._failed(error) from None

    def _failed(self, error: psycopg.Error) -> StoreError:
        if self._connection is not None and self._connection.broken:
            self._drop()
        # No message of the error: it may hold what a player said.
        return StoreError(f"PostgreSQL: {type(error).__name__} {error.sqlstate or ''}".rstrip())

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = self._psycopg.connect(
                self._url,
                autocommit=True,
                application_name=self._name,
                cursor_factory=self._psycopg.ClientCursor,
                connect_timeout=CONNECT_SECONDS,
                # A server that vanished is noticed, and one that is stuck does not hold us up.
                keepalives_idle=2,
                keepalives_interval=1,
                keepalives_count=2,
                tcp_user_timeout=1000 * STATEMENT_SECONDS,
                options=f"-c statement_timeout={1000 * STATEMENT_SECONDS}"
                f" -c idle_in_transaction_session_timeout={1000 * HELD_SECONDS}",
            )
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # --- transactions ---

    def __enter__(self) -> PostgresDatabase:
        self._run(lambda connection: connection.execute("BEGIN"))
        self._is_in_transaction, self._proof = True, None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object, /) -> None:
        self._is_in_transaction = False
        if kind is not None:
            self._roll_back()
            return
        assert self._connection is not None
        try:
            self._connection.execute("COMMIT")
        except self._psycopg.Error as problem:
            failed = self._failed(problem)
            if not self._was_committed():
                raise failed from None

    def _roll_back(self) -> None:
        try:
            if self._connection is not None:
                self._connection.execute("ROLLBACK")
        except self._psycopg.Error:
            self._drop()

    def proven_by(self, sql: str, values: tuple[object, ...]) -> None:
        """Name a SELECT that finds a row if the present transaction was committed, else none."""
        self._proof = sql, values

    def _was_committed(self) -> bool:
        """Tell whether a transaction was committed although no answer came.

        FOR UPDATE waits until the server has ended it, one way or the other.
        """
        if self._proof is None:
            return False
        sql, values = self._proof
        until = time.monotonic() + DOUBT_SECONDS
        while True:
            try:
                return self.execute(f"{sql} FOR UPDATE", values).fetchone() is not None
            except StoreError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    # --- the rest ---

    def one_at_a_time(self, what: str) -> None:
        """Let nobody else pass this with the same `what` until the transaction is over."""
        self.execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (what,))

    def purge(self) -> None:
        """Do nothing: the server overwrites what is deleted in its own time."""

    def close(self) -> None:
        """Close the connection."""
        self._drop()


@lru_cache(1000)
def _translated(sql: str) -> str:
    """Return a statement with its parameters in psycopg's words."""
    names = iter(range(1, 1000))
    return re.sub(r"\?(\d*)", lambda mark: f"%(p{mark[1] or next(names)})s", sql)


def _parameters(values: Sequence[Any]) -> dict[str, Any]:
    return {f"p{number}": _value(value) for number, value in enumerate(values, 1)}


def _value(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)  # the columns are those of SQLite, which knows no other
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


WORDS = (
    (r"\) STRICT(, WITHOUT ROWID)?", ")"),
    (r"INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
    (r"\bINTEGER\b", "BIGINT"),
    (r"\bREAL\b", "DOUBLE PRECISION"),
    (r"--.*", ""),
)


def _in_our_words(script: str) -> str:
    for theirs, ours in WORDS:
        script = re.sub(theirs, ours, script)
    return script


def prepare(db: PostgresDatabase, steps: Mapping[int, str] = STEPS, version: int = VERSION) -> None:
    """Make the tables, or bring them forward; all or nothing, one node at a time.

    Raises StoreError for a newer version than `version`.
    """
    with db:
        db.execute("SELECT pg_advisory_xact_lock(?)", (MIGRATION_LOCK,))
        db.execute("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)")
        row = db.execute("SELECT version FROM schema_version").fetchone()
        found = None if row is None else int(row[0])
        if found is not None and found > version:
            raise StoreError(f"the tables are of version {found}, this service knows {version}")
        if found is None:
            _script(db, SCHEMA + DIRECTORY_SCHEMA)
            db.execute("INSERT INTO schema_version VALUES (?)", (version,))
        for step in range(version if found is None else found, version):
            _script(db, steps[step])
        db.execute("UPDATE schema_version SET version = ?", (version,))


def _script(db: PostgresDatabase, script: str) -> None:
    for statement in _in_our_words(script).split(";"):
        if statement.strip():
            db.execute(statement)
