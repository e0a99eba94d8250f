"""Three nodes, a real PostgreSQL, a balancer and the product's own client, broken in each way.

A short form of `make cluster`, which does each of these twenty times and holds to the seconds
that are promised. Here only what is lost counts: a machine may be busy.
"""

from __future__ import annotations

import pytest

from tests.cluster.faults import FAULTS, Fault, run_fault
from tests.cluster.herd import run_herd
from tests.postgres import PostgresServer

QUICK = FAULTS[:1]


@pytest.mark.posix("the nodes are stopped and frozen by signals, and the server is Debian's")
@pytest.mark.parametrize("fault", QUICK, ids=lambda fault: fault.name)
def test_no_line_is_lost_or_doubled_when(postgres: PostgresServer, fault: Fault) -> None:
    row = run_fault(postgres, fault, rounds=1, factor=10.0)
    assert row.is_right, row.figure


@pytest.mark.slow
@pytest.mark.posix("the nodes are stopped and frozen by signals, and the server is Debian's")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_no_line_is_lost_or_doubled_by_many(postgres: PostgresServer, fault: Fault) -> None:
    row = run_fault(postgres, fault, rounds=3, factor=10.0)
    assert row.is_right, row.figure


@pytest.mark.slow
@pytest.mark.posix("a node is killed by a signal, and the server is Debian's")
def test_a_node_that_dies_is_no_herd(postgres: PostgresServer) -> None:
    row = run_herd(postgres, 60, within=100.0)
    assert row.is_right, row.figure
