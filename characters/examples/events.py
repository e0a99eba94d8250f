"""What happens to a character, printed: states, words, moods and actions."""

import time
from contextlib import closing

from characters import (
    ActionResponse,
    BotEmotion,
    Character,
    CharacterManager,
    SessionStateChanged,
    TranscriptChanged,
)
from engine import Component, Scene

__all__ = ["Diary", "main"]


class Diary(Component):
    """Writes down what happens to the character on the same object."""

    lines: int = 0  # printed so far

    def start(self) -> None:
        """Listen; everything arrives on the main thread, during `scene.update`."""
        self.require_component(Character).events.subscribe(self.note)

    def note(self, event: object) -> None:
        """Print one event."""
        match event:
            case SessionStateChanged():
                outcome = event.resume.outcome if event.resume else ""
                print(f"{event.old_state.name} -> {event.new_state.name}", outcome)
            case TranscriptChanged():
                for turn in event.turns[self.lines :]:
                    if not turn.final:  # still being said
                        break
                    print(f"{turn.speaker}: {turn.text}")
                    self.lines += 1
            case BotEmotion():
                print(f"feels {event.emotion}, scale {event.scale}")
            case ActionResponse():
                print("does", event.actions[0].name)


def main() -> None:
    """Say one line to the nurse, and stop when she has answered."""
    with closing(Scene()) as scene:
        scene.add(CharacterManager(sound=False))
        nurse = scene.create("Nurse Okafor")
        character, diary = nurse.add(Character("nurse-21c4")), nurse.add(Diary())
        scene.update(0.0)  # everything starts in the first frame
        character.session.send_text("I'm Ada. How are you?")  # waits until she is ready
        while diary.lines < 3:  # the greeting, that line and the answer
            time.sleep(1 / 60)
            scene.update(1 / 60)


if __name__ == "__main__":
    main()
