"""The game of the demo before a cluster: whoever is talked to goes on when his node dies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cluster.harness import Cluster, running_cluster
from tests.faults.harness import wait_for
from tests.postgres import PostgresServer
from tests.running import hear, met, play_as_program, say, until

WHITLOCK = "patient-7f3a"
SLOWLY = ("--no-speech", "--words-per-second", "8", "--seed", "1")
SCRIPT = (
    until(WHITLOCK)
    + say(WHITLOCK, "My name is Ada.")
    + hear(WHITLOCK, "Ada")
    + say(WHITLOCK, "How do you sleep?")
    + hear(WHITLOCK, "sleep|night|bed|dream")
    + say(WHITLOCK, "What is my name?")
    + hear(WHITLOCK, "Ada")
)


def kill_while_he_speaks(cluster: Cluster) -> None:
    """Kill the node of his talk between his answer's decision and its end."""

    def owed() -> str:
        rows = cluster.query(
            "SELECT session_id FROM owed JOIN sessions USING (session_id) WHERE character_id = %s"
            " AND answer IS NOT NULL AND is_kept = 0 AND owed.text LIKE 'How%%'",
            WHITLOCK,
        )
        return str(rows[0][0]) if rows else ""

    wait_for(owed, within=200.0)
    cluster.owner_of(owed()).kill()


@pytest.mark.slow
@pytest.mark.posix("the server is Debian's")
def test_mr_whitlock_goes_on_when_his_node_dies_in_mid_sentence(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    with (
        running_cluster(postgres, tmp_path, arguments=SLOWLY) as cluster,
        ThreadPoolExecutor(1) as pool,
    ):
        killing = pool.submit(kill_while_he_speaks, cluster)
        run = met(
            play_as_program(tmp_path, SCRIPT, "--headless", "--endpoint", cluster.balancer.url)
        )
        killing.result(5.0)
        rows = cluster.query(
            "SELECT text FROM turns JOIN sessions USING (segment)"
            " WHERE character_id = %s AND speaker = 'player' ORDER BY number",
            WHITLOCK,
        )
    assert [text for (text,) in rows] == [
        "My name is Ada.",
        "How do you sleep?",
        "What is my name?",
    ]
    assert run.states(WHITLOCK).count("CONNECTED") == 2
