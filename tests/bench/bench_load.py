"""The service as a host: how many one node holds, beside a bare echo; and how it says no."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tests.bench.case import Aim, Case, Contender, Figures
from tests.bench.report import Verdict

__all__ = ["cases", "models"]

LOAD, CLUSTER = "tests.bench.load_contenders", "tests.bench.cluster_contenders"
ECHO, SERVICE = "aiohttp, WebSocket echo", "the service"
NODE, NODES, RELAYED = "one node", "three nodes", "three nodes, each room relayed"
KINDS = {ECHO: "echo", SERVICE: "service", NODE: "node", NODES: "nodes", RELAYED: "nodes"}
ALONE, CROWDED = "a ping, nine inside", "a ping, twice as many at the door as it holds"
ONE_AFTER, EIGHT = "one talk after another", "eight talks at a time"
# What a node of two cores holds of open microphones: more than one process takes in.
MANY, TOO_MANY = 240, 600
SPEAKERS = 10
NO_LESS = 1.0  # three nodes carry what one does, or more, on the same two cores
A_TENTH = 0.1  # that rounds differ by: one node uses both cores for speech, three can do no better
A_BALANCER = "Who comes to several nodes goes to each by turns, by a balancer that costs nothing."
MAX_LAG = 0.005


def cases(quick: bool) -> list[Case]:
    """Return the cases; they read what a process uses from Linux's /proc."""
    if sys.platform != "linux":
        return []
    tables = (_microphones, _idle, _talks, _speakers, _crowd, _database)
    return [table(quick) for table in tables]


def _contender(
    name: str, function: str, rows: tuple[str, ...] = (), **arguments: object
) -> Contender:
    """Return one of `KINDS`; the echo is a floor, one node is that of several."""
    given = {"kind": KINDS[name], **arguments}
    return Contender(
        name, f"{LOAD}:{function}", given, "" if KINDS[name] in ("echo", "service") else "psql",
        rows=tuple(f"{name}: {row}" for row in rows),
        is_floor=name in (ECHO, NODE), is_ours=name in (SERVICE, NODES),
    )  # fmt: skip


def _microphones(quick: bool) -> Case:
    count, seconds = (60, 2.0) if quick else (MANY, 4.0)
    ping, cpu = "a ping", "CPU of a session and second"
    contenders = [
        _contender(name, "microphones", (ping, cpu), sessions=count, seconds=seconds)
        for name in (ECHO, SERVICE, NODE, NODES)
    ]
    if not quick:
        # A third of them: each goes through two nodes, and all would be more than two cores do.
        more = {"sessions": count // 3, "seconds": seconds, "is_relayed": True}
        contenders.append(_contender(RELAYED, "microphones", (ping, cpu), **more))
    aims = (
        Aim(f"{SERVICE}: {ping}", 3.0, "p99", floor=f"{ECHO}: {ping}"),
        # 0.7 of the echo's sessions: a session may cost so much more.
        Aim(f"{SERVICE}: {cpu}", 1 / 0.7, floor=f"{ECHO}: {cpu}"),
        # One node has one of two cores for its frames, three have both.
        Aim(f"{NODES}: {cpu}", 2.0 * NO_LESS, floor=f"{NODE}: {cpu}"),
    )
    why = (
        f"{count} open microphones, 50 frames a second each, in a process of their own; nine "
        "other sessions ping. The echo sends each frame back; the service has no speech here, and "
        f"listens to none. {A_BALANCER} CPU is that of all nodes together; where each room is "
        "relayed, a third as many speak."
    )
    return Case("Open microphones", tuple(contenders), 2 if quick else 6, "ms", 1e3, aims, why)


def _idle(quick: bool) -> Case:
    count = 200 if quick else 1000
    names = (ECHO, SERVICE) if quick else (ECHO, SERVICE, NODE, NODES)
    contenders = tuple(_contender(name, "idle_sessions", sessions=count) for name in names)
    aims = tuple(Aim(name, 80.0, kind="count") for name in (SERVICE, NODES) if name in names)
    why = (
        f"Resident memory that {count} sessions add, each greeted once, one ping a second. "
        f"{A_BALANCER}"
    )
    return Case("Memory of a session", contenders, 1 if quick else 2, "KB", 1e-3, aims, why)


def _talks(quick: bool) -> Case:
    rows = (ONE_AFTER, EIGHT)
    contenders = tuple(_contender(name, "talks", rows) for name in (ECHO, SERVICE, NODE, NODES))
    aims = (
        Aim(f"{SERVICE}: {EIGHT}", 25.0, floor=f"{ECHO}: {EIGHT}"),
        Aim(f"{NODES}: {EIGHT}", NO_LESS, floor=f"{NODE}: {EIGHT}"),
    )
    why = (
        "The wall's time of one: connect, enter, a greeting, a typed line and its answer on disk; "
        "of the echo a request, a socket and an echo. The inverse is talks a second. "
        f"{A_BALANCER}"
    )
    return Case("Talks", contenders, 2 if quick else 8, "ms", 1e3, aims, why)


def _speakers(quick: bool) -> Case:
    people, seconds = (4, 3.0) if quick else (SPEAKERS, 9.0)
    all_of_them = f"{people} speak"
    parts = ("a ping", "words after a voice", "between two that are understood")
    rows = tuple(f"{part}, {who}" for who in ("one speaks", all_of_them) for part in parts)
    contenders = (
        _contender(
            ECHO, "microphones", (f"a ping, {all_of_them}", "CPU of a session and second"),
            sessions=people, seconds=seconds,
        ),
        *(
            _contender(name, "at_once", rows, people=people, seconds=seconds)
            for name in (SERVICE, NODES)
        ),
    )  # fmt: skip
    aims = (
        Aim(f"{SERVICE}: a ping, {all_of_them}", 5.0, "p99", f"{SERVICE}: a ping, one speaks"),
        Aim(f"{NODES}: {rows[-1]}", NO_LESS + A_TENTH, floor=f"{SERVICE}: {rows[-1]}"),
    )
    why = (
        f"{people} people in rooms of their own say a sentence again and again, all at the same "
        "moment, and one of them alone; the service hears them (pocketsphinx), and its voice "
        f"answers. Pings are those of all {people}. {A_BALANCER}"
    )
    return Case("Speakers at once", contenders, 2 if quick else 3, "ms", 1e3, aims, why)


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
    return Case("Too many at once", (contender,), 2 if quick else 6, "ms", 1e3, aims, why)


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


BEATS = 2.0  # of a node, a second
TURN_EVERY = 10.0  # seconds, of a player who talks
SAVES_A_TURN = 2.0  # the player's line, the answer
STAYS = 1200.0  # seconds, and then another player comes


SAVES, CLAIMS = MANY / TURN_EVERY * SAVES_A_TURN, MANY / STAYS  # of a node, a second


def models(measured: Mapping[str, Figures]) -> tuple[str, list[Verdict]]:
    """Return what several nodes ask of their database, on paper; nothing if it was not measured."""
    names = [f"{act}, eight" for act in ("a save with a line", "a claim", "a beat")]
    found = [measured.get(name, Figures()) for name in names]
    if not all(figures.rounds for figures in found):
        return "", []
    save, claim, beat = (1 / figures.statistic("median") for figures in found)  # a second
    share = SAVES / save + CLAIMS / claim + BEATS / beat
    rows = [
        "### Ten and a hundred nodes, on paper",
        "",
        f"A node has {MANY} players who all talk, with a turn of {SAVES_A_TURN:g} saves every "
        f"{TURN_EVERY:g} s, and stay {STAYS / 60:g} minutes; it beats {BEATS:g} times a second. "
        "Eight connections to a database, measured above, did together, on two cores that they "
        f"shared with it, {save:,.0f} saves a second, {claim:,.0f} claims or {beat:,.0f} beats. So "
        f"a node takes {SAVES:g} / {save:,.0f} + {CLAIMS:g} / {claim:,.0f} + {BEATS:g} / "
        f"{beat:,.0f} = {share:.3f} of such a database, and {1 / share:.0f} nodes take all of it.",
        "",
        "| nodes | players | saves a second | claims | beats | such databases |",
        "|---|---|---|---|---|---|",
        *(_row(nodes, share) for nodes in (1, 3, 10, 100)),
        "",
        f"The players of a node that dies are taken over in {MANY} / {claim:,.0f} = "
        f"{MANY / claim:.2f} s. A hundred nodes ask for {100 * share:.0f} times those two cores, "
        "and for a disk that is measured first: each save waits for a write. Not in it: models and "
        "voices, which are by far the larger part of what a talk costs.",
        "",
    ]
    return "\n".join(rows), []


def _row(nodes: int, share: float) -> str:
    figures = (nodes * figure for figure in (MANY, SAVES, CLAIMS, BEATS))
    plain = " | ".join(f"{it:,.4g}" if it < 1000 else f"{it:,.0f}" for it in figures)
    return f"| {nodes} | {plain} | {nodes * share:.2f} |"
