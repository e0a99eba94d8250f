"""Three characters lose their connection, and each comes back as its policy says."""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial

from characters import (
    Character,
    CharacterManager,
    ReconnectPolicy,
    ResumePolicy,
    SessionStateChanged,
)
from engine import Scene

__all__ = ["main"]

POLICIES = {
    # A patient: two minutes to rejoin the same room, five attempts.
    "patient-7f3a": ReconnectPolicy(room_rejoin_ttl_seconds=120, max_reconnect_attempts=5),
    "kiosk-90ab": ReconnectPolicy.ALWAYS_CREATE_NEW,  # a new conversation each time
    # An examiner: the same conversation, or an error that somebody has to look at.
    "examiner-5d2e": ReconnectPolicy(resume_policy=ResumePolicy.ALWAYS_RESUME),
}


def tell(who: str, lost: set[str], event: object) -> None:
    """Print the changes of state, and note who has lost the line."""
    if isinstance(event, SessionStateChanged):
        lost |= {who} if event.new_state.name == "RECONNECTING" else set()
        outcome = f" {event.resume.outcome}" if event.resume else ""
        print(f"{who}: {event.old_state.name} -> {event.new_state.name}{outcome}")


def main() -> None:
    """Connect, cut all lines, and wait until everybody is back."""
    with closing(Scene()) as scene:

        def run(until: Callable[[], bool]) -> None:
            while not until():
                time.sleep(1 / 60)
                scene.update(1 / 60)

        scene.add(CharacterManager(sound=False))
        people = [
            scene.create(name).add(Character(name, reconnect_policy=policy))
            for name, policy in POLICIES.items()
        ]
        lost = set[str]()
        for one in people:
            one.events.subscribe(partial(tell, one.character_id, lost))
        run(until=lambda: all(one.is_connected for one in people))
        for one in people:
            one.session.cut()  # as if the cable was pulled
        run(until=lambda: len(lost) == len(people) and all(one.is_connected for one in people))


if __name__ == "__main__":
    main()
