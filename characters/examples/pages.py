"""A talk that goes on where another page begins, for who comes from Soul Machines' web SDK.

On the first page the player presses a button to connect. On the next one nobody has to.
"""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

from characters import Character, CharacterManager, ConnectMode
from engine import Scene

__all__ = ["main"]


def page(folder: Path, name: str, *, is_last: bool = False) -> None:
    """Show one page: a scene that ends, while the session is kept."""
    with closing(Scene(name)) as scene:

        def run(until: Callable[[], bool]) -> None:
            while not until():
                time.sleep(1 / 60)
                scene.update(1 / 60)

        scene.add(CharacterManager(sound=False, data_folder=str(folder)))
        # It waits for the player, unless there is a talk to go on with.
        character = Character("kiosk-90ab", connect=ConnectMode.WHEN_RESUMABLE)
        host = scene.create("Host").add(character)
        scene.update(0.0)
        if name == "first page":
            host.session.connect()  # the player's button
        run(until=lambda: host.is_connected)
        print(f"{name}: supported: {host.session.supports_session_persistence}, ", end="")
        print(f"resumed: {host.session.is_resumed_session}")
        if is_last:
            host.session.disconnect()
            host.session.clear_session_id()  # on purpose: the next page begins anew
            run(until=lambda: not host.session.has_stored_session)
            print("forgotten")


def main() -> None:
    """Walk from page to page."""
    folder = Path(mkdtemp())
    page(folder, "first page")
    page(folder, "second page", is_last=True)


if __name__ == "__main__":
    main()
