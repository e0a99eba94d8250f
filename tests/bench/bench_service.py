"""The embedded service: how soon somebody is ready, answers, and has it on disk."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

NET = "tests.bench.net_contenders"
READY = "connect to ready, a new session"
WORD = "typed line to the first word"
DURABLE = "typed line to the end of the turn, on disk"
MODEL = "typed line to the first word of a model that answers at once"
BARE = "bare request to that model, to its first word"


def cases(quick: bool) -> list[Case]:
    """Return the cases of a talk with nothing paced, so that only our own time counts."""
    contenders = (
        Contender(READY, f"{NET}:connect_to_ready", is_ours=True),
        Contender(WORD, f"{NET}:line_to_first_word", is_ours=True),
        Contender(DURABLE, f"{NET}:line_to_turn_completed", is_ours=True),
    )
    aims = (Aim(READY, 50.0), Aim(WORD, 20.0), Aim(DURABLE, 50.0))
    rounds = 4 if quick else 15
    with_model = (
        Contender(MODEL, f"{NET}:model_to_first_word", needs="openai", is_ours=True),
        Contender(BARE, f"{NET}:bare_model_request", is_floor=True),
    )
    model_aims = (Aim(MODEL, 30.0, over_floor=True),)
    return [
        Case("A talk", contenders, rounds, "ms", 1e3, aims),
        Case("A talk with a language model", with_model, rounds, "ms", 1e3, model_aims),
    ]
