from __future__ import annotations

from pathlib import Path

import pocketsphinx

from characters.service.speech.names import GIVEN_NAMES


def test_every_name_can_be_pronounced_by_the_dictionary_that_comes_with_the_recogniser() -> None:
    dictionary = Path(pocketsphinx.get_model_path()) / "en-us" / "cmudict-en-us.dict"
    words = {line.split(" ", 1)[0] for line in dictionary.read_text().splitlines()}
    assert [name for name in GIVEN_NAMES if name not in words] == []


def test_no_name_is_listed_twice() -> None:
    assert len(GIVEN_NAMES) == len(set(GIVEN_NAMES))
