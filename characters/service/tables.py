"""What the store needs of a database, in SQL that SQLite and PostgreSQL both understand.

Parameters are written `?`, or `?1` where one is used twice. What is executed outside of a
transaction only reads: a connection that was lost is made again for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from characters.protocol.failures import CharactersError

__all__ = ["Database", "Rows", "StoreError"]


class StoreError(CharactersError):
    """The database cannot be used: it does not answer, or is of a newer version."""

    retryable = True


class Rows(Protocol):
    """The rows of a statement."""

    def fetchone(self) -> Any:
        """Return the next row, None behind the last one."""

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""

    def __iter__(self) -> Iterator[Any]: ...


class Database(Protocol):
    """One connection; as a context manager it is one transaction, all or nothing.

    `clock` is an expression for the time of the database in seconds. `for_update` ends a SELECT
    whose rows nobody else may change until the transaction is over.
    """

    clock: str
    for_update: str

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows:
        """Execute a statement."""

    def executemany(self, sql: str, values: Iterable[Sequence[Any]], /) -> object:
        """Execute a statement with each row of values."""

    def proven_by(self, sql: str, values: tuple[object, ...]) -> None:
        """Name a SELECT that finds a row if the present transaction was committed, else none."""

    def one_at_a_time(self, what: str) -> None:
        """Let nobody else pass this with the same `what` until the transaction is over."""

    def purge(self) -> None:
        """Leave nothing of what was deleted, where that is possible."""

    def close(self) -> None:
        """Close the connection."""

    def __enter__(self) -> object: ...

    def __exit__(self, kind: Any, error: Any, trace: Any, /) -> object: ...
