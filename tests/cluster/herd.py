"""A node with hundreds of players dies: they are back at the others, and no herd.

    python -m tests.cluster.herd URL COUNT

is the players, in a process of their own, with the product's own client. It prints a JSON line when
all are in, and one when all are back: the seconds of each, and how many gave up.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from characters.client import runtime as runtime_module
from characters.client.config import CharacterEvent, SessionConfig
from characters.client.context import ConnectLimiter
from characters.client.runtime import Runtime, RuntimeBuilder
from characters.session.conversation import ResumeOutcome, SessionState, SessionStateChanged
from characters.storage.sessions import KeyValueSessionPersistence, MemoryStore
from tests.bench.case import percentile
from tests.cluster.harness import Cluster, running_cluster
from tests.faults.harness import wait_for
from tests.faults.row import Row
from tests.postgres import PostgresServer

__all__ = ["run_herd"]

AT_THE_DOOR = 16  # of those who come in before the node dies
SECONDS = 300.0
FRAME_SECONDS = 0.02
FLAGS = ("--no-speech", "--seed", "1", "--max-rooms", "2000", "--remark-after", "3600")


class Member:
    """A session that notes when it lost its room, and when it was back."""

    def __init__(self, runtime: Runtime, url: str, number: int) -> None:
        config = SessionConfig(
            "porter-3e8f", session_key=f"player {number}", end_user_id=f"player {number}",
            endpoint=url, persona="personas/porter-3e8f.toml",
        )  # fmt: skip
        self.handle = runtime.open_session(config)
        self.handle.events.subscribe(self._heard)
        self.state = SessionState.DISCONNECTED
        self.lost_at: float | None = None
        self.back_after: float | None = None
        self.is_fresh = False

    def _heard(self, event: CharacterEvent) -> None:
        if not isinstance(event, SessionStateChanged):
            return
        if self.is_in and self.lost_at is None:
            self.lost_at = event.t
        self.state, self.back_after = event.new_state, None
        if self.is_in and self.lost_at is not None:
            self.back_after = event.t - self.lost_at
            self.is_fresh = event.resume is None or event.resume.outcome is ResumeOutcome.FRESH

    @property
    def is_in(self) -> bool:
        return self.state is SessionState.CONNECTED

    @property
    def gave_up(self) -> bool:
        return self.state is SessionState.ERROR


def play(url: str, count: int) -> None:
    """Be so many players: come in, lose the room, come back."""
    # These are as many games, not the characters of one, who connect one after another.
    vars(runtime_module)["ConnectLimiter"] = partial(
        ConnectLimiter, most_in_flight=count, interval_seconds=0.0001
    )
    store = KeyValueSessionPersistence(MemoryStore())
    runtime = RuntimeBuilder().use_persistence(store).build()
    runtime.start()
    members = [Member(runtime, url, number) for number in range(count)]
    outside, pause = list(members), threading.Event()

    def draw() -> None:
        runtime.dispatcher.drain()
        pause.wait(FRAME_SECONDS)

    def let_in() -> None:
        draw()
        inside = sum(it.is_in for it in members)
        while outside and count - len(outside) - inside < AT_THE_DOOR:
            outside.pop().handle.connect()

    wait_for(lambda: all(it.is_in for it in members), SECONDS, let_in)
    print(json.dumps({"in": count}), flush=True)
    wait_for(lambda: all(it.gave_up or it.back_after for it in members), SECONDS, draw)
    told = {
        "back": [it.back_after for it in members if it.back_after is not None],
        "gave_up": sum(it.gave_up for it in members),
        "fresh": sum(it.is_fresh for it in members),
    }
    print(json.dumps(told), flush=True)
    runtime.close()


def run_herd(server: PostgresServer, count: int, within: float) -> Row:
    """Kill a node with so many sessions while two others run; return when they were back."""
    with (
        TemporaryDirectory() as folder,
        running_cluster(server, Path(folder), 1, arguments=FLAGS, has_own_rooms=True) as cluster,
    ):
        told = _herd(cluster, count)
        ((stale,),) = cluster.query("SELECT count(*) FROM stale")
    back = told["back"]
    middle, most = percentile(back, 0.5), percentile(back, 0.99)
    figure = (
        f"{len(back)} of {count} back at two nodes in {middle:.2f} / {most:.2f} s, at most"
        f" {max(back):.2f} (promised {within:g}); gave up {told['gave_up']}, without their past"
        f" {told['fresh']}, stale writes {stale}"
    )
    is_right = most <= within and not (told["gave_up"] or told["fresh"] or stale)
    return Row(9, f"a node with {count} sessions is killed (p50 / p99)", figure, is_right)


def _herd(cluster: Cluster, count: int) -> dict[str, list[float]]:
    command = (sys.executable, "-m", "tests.cluster.herd", cluster.balancer.url, str(count))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as players:
        assert players.stdout is not None
        try:
            assert json.loads(players.stdout.readline()) == {"in": count}
            others = [cluster.add(), cluster.add()]
            for node in others:
                cluster.launch(node)
            cluster.until_ready(*others)
            cluster.nodes[0].kill()
            told: dict[str, list[float]] = json.loads(players.stdout.readline())
            return told
        finally:
            players.kill()


if __name__ == "__main__":
    play(sys.argv[1], int(sys.argv[2]))
