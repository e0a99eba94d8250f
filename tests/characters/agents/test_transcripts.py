"""Whole talks, line by line: what each is answered by, and that no answer comes twice in a row.

A line of a transcript is `topic | what the player says | words that the answer must hold`. The two
called first-use are what a newcomer typed, half of it off the script on purpose; the others are a
child, rude teenagers, a careful roleplayer, nervous candidates, an investigator, a grandmother, a
tourist, and visitors with little English.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.characters.agents.acting import Actor, persona_of

FOLDER = Path(__file__).parent / "transcripts"
CHARACTERS = {
    "patient": "patient-7f3a",
    "nurse": "nurse-21c4",
    "kiosk": "kiosk-90ab",
    "examiner": "examiner-5d2e",
    "porter": "porter-3e8f",
    "keeper": "keeper-1",
}
MOST_FALLBACKS = 0.2


def lines_of(path: Path) -> list[tuple[str, str, list[str]]]:
    rows = [row.split(" | ") for row in path.read_text(encoding="utf-8").splitlines()]
    return [(row[0].strip(), row[1], row[2].split("; ") if row[2:] else []) for row in rows]


def actor_of(path: Path, seed: int) -> Actor:
    actor = Actor(persona_of(CHARACTERS[path.stem.rpartition("-")[2]]), seed=seed)
    actor.greet()
    return actor


TRANSCRIPTS = pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda p: p.stem)


@TRANSCRIPTS
@pytest.mark.parametrize("seed", [1, 2])
def test_each_line_is_answered_by_what_it_is_about(path: Path, seed: int) -> None:
    actor, wrong = actor_of(path, seed), []
    for topic, line, words in lines_of(path):
        found, answer = actor.answer(line)
        if found != topic or not all(word in answer for word in words):
            wrong.append(f"{line!r}: {found} instead of {topic}: {answer}")
    assert not wrong


@TRANSCRIPTS
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 5))]
)
def test_no_answer_comes_twice_in_a_row_and_few_are_fallbacks(path: Path, seed: int) -> None:
    actor = actor_of(path, seed)
    answers = [actor.answer(line) for _, line, _ in lines_of(path)]
    said = [text for _, text in answers]
    assert not [a for a, b in pairwise(said) if a == b]
    assert not [text for text in said if text in ("", "...") or "{" in text]
    fallbacks = sum(topic == "fallback" for topic, _ in answers)
    assert fallbacks <= MOST_FALLBACKS * len(answers)


def test_what_is_said_in_other_words_is_rarely_answered_by_the_wrong_topic() -> None:
    # In a row of this file: the character, the line, the topics that it may mean ("none": no own).
    rows = (FOLDER.parent / "paraphrases.txt").read_text(encoding="utf-8").splitlines()
    right = wrong = 0
    for character, line, meant in (row.split(" | ") for row in rows):
        persona = persona_of(CHARACTERS[character])
        actor = Actor(persona)
        actor.greet()
        found, _ = actor.answer(line)
        is_open = found == "fallback" or found in {t.id for t in persona.shared if t.general}
        is_own = found in {topic.id for topic in persona.topic}
        is_right = found in meant.split() or (meant.startswith("none") and not is_own)
        right += is_right
        wrong += not is_right and not is_open
    assert right >= 0.37 * len(rows)
    assert wrong <= 0.03 * len(rows)
