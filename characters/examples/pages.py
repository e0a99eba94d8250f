"""A talk that goes on where another page begins, for who comes from Soul Machines' web SDK.

On the first page the player presses a button; on the next one nobody has to.
"""

import time
from contextlib import closing

from characters import (
    Character,
    CharacterManager,
    ConnectMode,
    LevelPolicy,
    Persist,
    Runtime,
    RuntimeBuilder,
    SessionState,
)
from engine import Scene

__all__ = ["main"]


def page(runtime: Runtime, name: str) -> None:
    """Show one page: a scene that ends, while the runtime keeps the session."""
    with closing(Scene(name)) as scene:
        scene.provide(runtime)
        scene.add(CharacterManager())
        character = Character(
            "kiosk-90ab",
            connect=ConnectMode.WHEN_RESUMABLE,  # waits, unless there is a talk to go on with
            level_policy=LevelPolicy.SUSPEND,  # what the end of the page does
            persist=Persist.UNTIL_DISCONNECT,  # disconnect() forgets the talk
        )
        host = scene.create("Host").add(character)
        scene.update(0.0)
        if not host.session.has_stored_session:
            host.session.connect()  # the player's button
        while not host.is_connected:
            time.sleep(1 / 60)
            scene.update(1 / 60)
        print(f"{name}: resumed: {host.session.is_resumed_session}")
    while host.session.view.state is not SessionState.DISCONNECTED:
        time.sleep(1 / 60)  # the next page loads


def main() -> None:
    """Walk from page to page, in one tab."""
    with closing(RuntimeBuilder().build()) as runtime:
        runtime.start()
        page(runtime, "first page")
        page(runtime, "second page")


if __name__ == "__main__":
    main()
