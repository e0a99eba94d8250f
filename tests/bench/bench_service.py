"""The embedded service: how soon somebody is ready, answers, and has it on disk."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

NET = "tests.bench.net_contenders"
JOIN = "aiohttp: a request, a socket, an echo"
ECHO = "aiohttp, WebSocket echo"
KEPT = "aiohttp, WebSocket echo of what SQLite has on disk"
READY = "connect to ready, a new session"
WORD = "typed line to the first word"
DURABLE = "typed line to the end of the turn, on disk"
OPENS = "aiohttp: a request, a socket, an echo, each of many"
TALKS = "connect to ready, a new session, each of many"
MODEL = "typed line to the first word of a model that answers at once"
BARE = "bare request to that model, to its first word"
CUT = "line typed into a model's answer to the end of that answer"
CROWD = 5.0


def cases(quick: bool) -> list[Case]:
    """Return the cases of a talk with nothing paced, so that only our own time counts."""
    contenders = (
        Contender(JOIN, f"{NET}:open_and_echo", is_floor=True),
        Contender(ECHO, f"{NET}:aiohttp_echo", is_floor=True),
        Contender(KEPT, f"{NET}:kept_echo", is_floor=True),
        Contender(READY, f"{NET}:connect_to_ready", is_ours=True),
        Contender(WORD, f"{NET}:line_to_first_word", is_ours=True),
        Contender(DURABLE, f"{NET}:line_to_turn_completed", is_ours=True),
    )
    why = (
        "Each beside the barest server of the same library that does as much: answers a request "
        "and opens a socket, sends a line back, or sends it back once it is on disk."
    )
    aims = (Aim(READY, 8.0), Aim(WORD, 30.0, floor=ECHO), Aim(DURABLE, 15.0, floor=KEPT))
    rounds = 4 if quick else 15
    with_model = (
        Contender(MODEL, f"{NET}:model_to_first_word", needs="openai", is_ours=True),
        Contender(BARE, f"{NET}:bare_model_request", is_floor=True),
    )
    crowd = (
        Contender(OPENS, f"{NET}:open_and_echo", {"many": True}, is_floor=True),
        Contender(TALKS, f"{NET}:connect_to_ready", {"many": True}, is_ours=True),
    )
    of_crowd = (
        "Forty-eight new talks, eight at a time, in two processes: how many a second is 1000 by "
        "each one's share. A persona or a pattern that were read for each of them would double it."
    )
    cut = (Contender(CUT, f"{NET}:answer_cut_short", needs="openai", is_ours=True),)
    of_cut = "Twenty lines a round, each half a second after an answer began; the slowest counts."
    ends = (Aim(CUT, 100.0, "max", kind="policy_seconds"),)
    of_model = "The same request to the same model, with nobody between: what a mind adds to it."
    return [
        Case("A talk", contenders, rounds, "ms", 1e3, aims, why),
        Case("Talks a second", crowd, rounds, "ms", 1e3, (Aim(TALKS, CROWD),), of_crowd),
        Case("A talk with a model", with_model, rounds, "ms", 1e3, (Aim(MODEL, 20.0),), of_model),
        Case("An answer cut short", cut, 1 if quick else 3, "ms", 1e3, ends, of_cut),
    ]
