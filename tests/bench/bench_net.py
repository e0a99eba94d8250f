"""The wire beside its floor, an echo over the same library, and its peers."""

from __future__ import annotations

from tests.bench.case import Aim, Case, Contender

__all__ = ["cases"]

NET = "tests.bench.net_contenders"
OURS = "a message and its acknowledgement (ours)"


def cases(quick: bool) -> list[Case]:
    """Return the case of a round trip between two processes."""
    contenders = (
        Contender("bare TCP echo of 640 bytes", f"{NET}:tcp_echo"),
        Contender("aiohttp, WebSocket echo", f"{NET}:aiohttp_echo", is_floor=True),
        Contender(OURS, f"{NET}:acknowledged_message", is_ours=True),
        Contender("websockets, echo", f"{NET}:websockets_echo", needs="websockets"),
    )
    aims = (Aim(OURS, 4.0),)
    why = "An echo over the library that ours uses: what any message costs on this machine."
    return [
        Case("Round trip over the loopback", contenders, 4 if quick else 15, aims=aims, why=why)
    ]
