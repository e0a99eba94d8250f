from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from characters.core.messages import ConnectRequest
from characters.service.dialogue.cast import PersonaCast
from characters.service.rooms import RefusalError

BO = """name = "Bo"
fallback = ["Pardon?"]
voice = { variant = "m3", pitch = 30 }
[greeting]
first = ["Hello."]
[[topic]]
id = "a"
says = ["cat"]
ask = ["tell me about the cat"]
lines = ["A cat."]
"""


@pytest.fixture
def cast(tmp_path: Path) -> PersonaCast:
    (tmp_path / "assets" / "personas").mkdir(parents=True)
    (tmp_path / "assets" / "personas" / "bo-1.toml").write_text(BO)
    (tmp_path / "assets" / "personas" / "broken.toml").write_text("name = 5")
    (tmp_path / "outside.toml").write_text(BO)
    return PersonaCast(tmp_path / "assets", lambda: Random(1))


def refused(cast: PersonaCast, ask: ConnectRequest) -> int:
    with pytest.raises(RefusalError) as caught:
        cast.mind(ask, {})
    return caught.value.status


def test_a_character_is_found_by_its_id(cast: PersonaCast) -> None:
    mind = cast.mind(ConnectRequest("bo-1"), {})
    assert "tell me about the cat" in tuple(mind.phrases())


def test_a_character_is_found_by_the_persona_that_is_asked_for(cast: PersonaCast) -> None:
    voice = cast.voice(ConnectRequest("other", persona="personas/bo-1.toml"))
    assert voice is not None
    assert (voice.variant, voice.pitch) == ("m3", 30)


def test_who_has_no_file_is_not_found(cast: PersonaCast) -> None:
    assert refused(cast, ConnectRequest("nobody")) == 404
    assert refused(cast, ConnectRequest("x", persona="personas/nobody.toml")) == 404


@pytest.mark.parametrize(
    "path", ["../outside.toml", "/etc/passwd", "personas/../../outside.toml", "personas", "x.txt"]
)
def test_nothing_outside_the_assets_is_read(cast: PersonaCast, path: str) -> None:
    assert refused(cast, ConnectRequest("x", persona=path)) == 422


@pytest.mark.parametrize("character_id", ["../../outside", "/etc/passwd", "..", "../personas/bo-1"])
def test_an_id_is_no_path(cast: PersonaCast, character_id: str) -> None:
    with pytest.raises(RefusalError):
        cast.mind(ConnectRequest(character_id), {})


def test_a_broken_persona_is_refused_with_its_mistakes(cast: PersonaCast) -> None:
    with pytest.raises(RefusalError) as caught:
        cast.mind(ConnectRequest("broken"), {})
    assert caught.value.status == 422
    assert "broken.toml:1" in str(caught.value.detail)
