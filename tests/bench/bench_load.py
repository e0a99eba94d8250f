"""The service as a host: how many one node holds, beside a bare echo; and how it says no."""

from __future__ import annotations

import sys

from tests.bench.case import Aim, Case, Contender
from tests.bench.report import Verdict

__all__ = ["cases", "models"]

LOAD, CLUSTER = "tests.bench.load_contenders", "tests.bench.cluster_contenders"
ECHO_PING, ECHO_CPU = "aiohttp, WebSocket echo: a ping", "aiohttp, WebSocket echo: CPU"
PING, CPU = "the service: a ping", "the service: CPU of a session and second"
ECHO, SERVICE = "aiohttp, WebSocket echo", "the service"
ALONE, CROWDED = "a ping, eight inside", "a ping, twice as many at the door as it holds"
ONE_AFTER, EIGHT = "one talk after another", "eight talks at a time"
# What a node of two cores holds of open microphones: more than one process takes in.
MANY, TOO_MANY = 240, 600
MAX_LAG = 0.005


def cases(quick: bool) -> list[Case]:
    """Return the cases; they read what a process uses from Linux's /proc."""
    if sys.platform != "linux":
        return []
    return [_microphones(quick), _idle(quick), _talks(quick), _crowd(quick), _database(quick)]


def _microphones(quick: bool) -> Case:
    count = 60 if quick else MANY
    contenders = (
        Contender(
            ECHO, f"{LOAD}:microphones", {"kind": "echo", "sessions": count},
            rows=(ECHO_PING, ECHO_CPU), is_floor=True,
        ),
        Contender(
            SERVICE, f"{LOAD}:microphones", {"kind": "service", "sessions": count},
            rows=(PING, CPU), is_ours=True,
        ),
    )  # fmt: skip
    aims = (
        Aim(PING, 3.0, "p99", floor=ECHO_PING),
        # 0.7 of the echo's sessions: a session may cost so much more.
        Aim(CPU, 1 / 0.7, floor=ECHO_CPU),
    )
    why = (
        f"{count} open microphones, 50 frames a second each, in a process of their own; eight "
        "other sessions ping. The echo sends each frame back; the service has no speech here, and "
        "listens to none."
    )
    return Case("Open microphones", contenders, 3 if quick else 6, "ms", 1e3, aims, why)


def _idle(quick: bool) -> Case:
    count = 200 if quick else 1000
    contenders = tuple(
        Contender(
            name, f"{LOAD}:idle_sessions", {"kind": kind, "sessions": count},
            is_floor=kind == "echo", is_ours=kind == "service",
        )
        for name, kind in ((ECHO, "echo"), (SERVICE, "service"))
    )  # fmt: skip
    aims = (Aim(SERVICE, 80.0, kind="count"),)
    why = f"Resident memory that {count} sessions add, each greeted once, one ping a second."
    return Case("Memory of a session", contenders, 1 if quick else 3, "KB", 1e-3, aims, why)


def _talks(quick: bool) -> Case:
    floor, ours = "aiohttp: a request, a socket, an echo", "the service: a whole talk"
    contenders = (
        Contender(
            floor, f"{LOAD}:talks", {"kind": "echo"}, is_floor=True,
            rows=(f"{floor}, {ONE_AFTER}", f"{floor}, {EIGHT}"),
        ),
        Contender(
            ours, f"{LOAD}:talks", {"kind": "service"}, is_ours=True,
            rows=(f"{ours}, {ONE_AFTER}", f"{ours}, {EIGHT}"),
        ),
    )  # fmt: skip
    aims = (Aim(f"{ours}, {EIGHT}", 25.0, floor=f"{floor}, {EIGHT}"),)
    why = (
        "The wall's time of one: connect, enter, a greeting, a typed line and its answer on disk. "
        "The inverse is talks a second."
    )
    return Case("Talks", contenders, 3 if quick else 8, "ms", 1e3, aims, why)


def _crowd(quick: bool) -> Case:
    count = 250 if quick else TOO_MANY
    contender = Contender(
        SERVICE, f"{LOAD}:twice_the_load", {"sessions": count, "max_lag": MAX_LAG},
        rows=(ALONE, CROWDED), is_floor=True, is_ours=True,
    )  # fmt: skip
    aims = (Aim(CROWDED, 5.0, "p99", floor=ALONE),)
    why = (
        f"{count} clients with open microphones come at once; with `--max-lag {MAX_LAG:g}` the "
        "node sends some away, and they come back when they are told to."
    )
    return Case("Too many at once", (contender,), 3 if quick else 6, "ms", 1e3, aims, why)


def _database(quick: bool) -> Case:
    acts = ("a bare update", "a save with a line", "a beat", "a claim")
    rows = tuple(f"{act}, {how}" for how in ("one connection", "eight") for act in acts)
    contender = Contender(
        "PostgreSQL", f"{CLUSTER}:database", {}, "psql", rows=rows, is_floor=True, is_ours=True
    )
    bare, save, _, claim, *_ = rows
    aims = (Aim(save, 10.0, floor=bare), Aim(claim, 3.0, floor=bare))
    why = (
        "The wall's time of one, each a durable transaction; of eight connections together. The "
        "inverse is how many a second."
    )
    return Case("The database", (contender,), 2 if quick else 5, "ms", 1e3, aims, why)


# Of one connection to PostgreSQL 15 on two cores, with its default durability: a second.
CLAIMS, SAVES, BEAT_SECONDS = 1120.0, 192.0, 0.00137
BEATS = 2.0  # of a node, a second
TURN_EVERY = 10.0  # seconds, of a player who talks
SAVES_A_TURN = 2.0  # the player's line, the answer
STAYS = 1200.0  # seconds, and then another player comes


def models() -> tuple[str, list[Verdict]]:
    """Return what several nodes ask of their database, on paper."""
    rows = [
        "### Ten and a hundred nodes, on paper",
        "",
        f"Each with {MANY} players who all talk, a turn every {TURN_EVERY:g} s of {SAVES_A_TURN:g} "
        f"saves, and stay {STAYS / 60:g} minutes. Measured, one connection at a time, on two "
        f"cores: {CLAIMS:g} claims a second, {SAVES:g} saves (fenced, with a turn), a beat "
        f"{BEAT_SECONDS * 1e3:g} ms. The last but one column is how many such connections are "
        "always busy; the last, how long the database needs to give one dead node's players away.",
        "",
        "| nodes | players | saves a second | claims | beats | busy connections | a dead node, s |",
        "|---|---|---|---|---|---|---|",
        *(_row(nodes) for nodes in (1, 3, 10, 100)),
        "",
        "Eight connections together did 400 saves and 3,450 claims a second on two cores, which "
        "the clients shared. So ten nodes, 480 saves a second, ask for a database with cores of "
        "its own; a hundred, 4,800 a second, for twelve times those two cores and a disk that is "
        "measured first. Memory: a "
        "session is 50 KB, 240 of them 12 MB of a node. Not in it: models and voices, which are "
        "by far the larger part of what a talk costs.",
        "",
    ]
    return "\n".join(rows), []


def _row(nodes: int) -> str:
    players = MANY * nodes
    saves, claims = players / TURN_EVERY * SAVES_A_TURN, players / STAYS
    beats = BEATS * nodes
    busy = saves / SAVES + claims / CLAIMS + beats * BEAT_SECONDS
    figures = (nodes, players, saves, claims, beats)
    plain = " | ".join(
        f"{figure:,.4g}" if figure < 1000 else f"{figure:,.0f}" for figure in figures
    )
    return f"| {plain} | {busy:.2f} | {MANY / CLAIMS:.2f} |"
