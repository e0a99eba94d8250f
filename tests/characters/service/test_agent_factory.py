"""Which model a service takes for a character, and whose key goes to it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from random import Random

import pytest

from characters.agents.persona import Persona
from characters.protocol.messages import ConnectRequest
from characters.protocol.model_settings import ModelSettings, model_request
from characters.service.agent_factory import MOST_CLIENTS, ModelPool, PersonaAgentFactory
from characters.service.registry import RefusalError

PERSONA = {
    "name": "Ann",
    "about": "A guard.",
    "fallback": ["?"],
    "greeting": {"first": ["Hi."]},
    "topic": [{"id": "who", "says": ["who are you"], "lines": ["Ann."]}],
}
LEVEL, FLAGS, PERSONAS, OWN = (
    ModelSettings(url=f"http://{name}.example/v1", name=name)
    for name in ("level", "flags", "persona", "own")
)


def chosen(
    *,
    level: ModelSettings | None = None,
    flags: ModelSettings | None = None,
    persona: ModelSettings | None = None,
    own: ModelSettings | None = None,
    by_request: bool = True,
) -> ModelSettings:
    async def choose() -> ModelSettings:
        pool = ModelPool(flags, by_request=by_request)
        request = ConnectRequest("ann", model=model_request(level, own, {}))
        choice = pool.choose(request, Persona.model_validate({**PERSONA, "model": persona}))
        await pool.close()
        assert (choice.client is not None) is choice.settings.is_set
        return choice.settings

    return asyncio.run(choose())


def test_what_is_nearest_to_the_character_names_its_model() -> None:
    assert chosen(level=LEVEL).name == "level"
    assert chosen(level=LEVEL, flags=FLAGS).name == "flags"
    assert chosen(level=LEVEL, flags=FLAGS, persona=PERSONAS).name == "persona"
    assert chosen(level=LEVEL, flags=FLAGS, persona=PERSONAS, own=OWN).name == "own"
    assert not chosen().is_set


def test_one_character_stays_scripted_whatever_the_level_says() -> None:
    assert not chosen(level=LEVEL, flags=FLAGS, own=ModelSettings.SCRIPT).is_set


def test_a_service_for_anybody_sends_words_to_no_address_that_a_request_names() -> None:
    assert not chosen(level=LEVEL, own=OWN, by_request=False).is_set
    assert chosen(level=LEVEL, flags=FLAGS, own=OWN, by_request=False).name == "flags"


@pytest.mark.parametrize(
    ("named_by_the_service", "key"), [(True, "k3y"), (False, "")], ids=["its own", "a request's"]
)
def test_a_variable_of_the_service_is_no_key_for_an_address_that_a_request_names(
    named_by_the_service: bool, key: str
) -> None:
    async def choose() -> None:
        settings = ModelSettings(url="http://there.example/v1", name="m", key_env="THE_KEY")
        flags = settings if named_by_the_service else None
        pool = ModelPool(flags, by_request=True, environment={"THE_KEY": "k3y"})
        raw = {"own": settings.changes()}  # with the variable's name, and without its value
        choice = pool.choose(ConnectRequest("ann", model=raw), Persona.model_validate(PERSONA))
        assert bool(choice.problem) is not bool(key)
        assert [brought for _, brought in pool._clients] == [key]
        await pool.close()

    asyncio.run(choose())


def test_settings_without_sense_are_refused_with_their_layer() -> None:
    request = ConnectRequest("ann", model={"level": {"url": "ftp://x"}})
    with pytest.raises(RefusalError) as refused:
        ModelPool(by_request=True).choose(request, Persona.model_validate(PERSONA))
    assert "level" in str(refused.value.detail)


@pytest.mark.parametrize("field", [item.name for item in fields(ModelSettings)])
@pytest.mark.parametrize("value", [None, 5, [], ["x"], {"a": [1]}, "http://[::1"], ids=repr)
def test_settings_of_another_kind_are_taken_or_refused_with_a_sentence(
    field: str, value: object
) -> None:
    said = {"url": "http://x.example/v1", field: value}
    request = ConnectRequest("ann", model={"own": said})
    with suppress(RefusalError):
        choice = ModelPool(by_request=True).choose(request, Persona.model_validate(PERSONA))
        told = getattr(choice.settings, field)
        assert told == value and isinstance(told, type(getattr(ModelSettings(), field)) | float)


@pytest.mark.parametrize("file", ["~nobody-of-that-name/m", "m" * 5000, "a\0b", "missing", "."])
def test_what_is_no_file_of_a_model_is_told(file: str) -> None:
    request = ConnectRequest("ann", model={"own": {"file": file}})
    choice = ModelPool(by_request=True).choose(request, Persona.model_validate(PERSONA))
    assert choice.problem and choice.client is None


def test_of_the_servers_that_requests_name_only_so_many_are_remembered() -> None:
    pool, persona = ModelPool(by_request=True), Persona.model_validate(PERSONA)
    for number in range(MOST_CLIENTS + 5):
        said = {
            "level": {"url": "http://level.example"},
            "own": {"url": f"http://{number}.example"},
        }
        pool.choose(ConnectRequest("ann", model=said), persona)
    assert len(pool._clients) == MOST_CLIENTS


@pytest.mark.parametrize(
    ("package", "level", "extra"),
    [
        ("openai", LEVEL, "model"),
        ("openai", ModelSettings(file="model.gguf"), "model"),
        ("xllamacpp", ModelSettings(file="model.gguf"), "local-model"),
    ],
)
def test_a_package_that_is_missing_is_named_by_its_extra(
    monkeypatch: pytest.MonkeyPatch, package: str, level: ModelSettings, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed

    async def problem() -> str:
        pool = ModelPool(None, by_request=True)
        request = ConnectRequest("ann", model=model_request(level, None, {}))
        choice = pool.choose(request, Persona.model_validate(PERSONA))
        await pool.close()
        return choice.problem

    assert f"[{extra}]" in asyncio.run(problem())


@pytest.mark.posix("on Windows a link takes a right that players lack")
def test_a_link_that_leads_in_a_circle_is_no_persona_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "personas").mkdir()
    for circle in (tmp_path / "circle", tmp_path / "personas" / "ann.toml"):
        circle.symlink_to(circle)

    async def ask() -> int:
        factory = PersonaAgentFactory([tmp_path / "circle", tmp_path], Random)
        with pytest.raises(RefusalError) as refused:
            await factory.prepare(ConnectRequest("ann"))
        await factory.close()
        return refused.value.status

    assert asyncio.run(ask()) == 404
