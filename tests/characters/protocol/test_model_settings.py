"""Which model answers: settings laid over one another, and the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import pytest

from characters.protocol.messages import ConnectRequest
from characters.protocol.model_settings import (
    ModelSettings,
    add_model_flags,
    host_of,
    is_on_this_machine,
    laid_over,
    model_request,
    model_settings,
)

HERE = ModelSettings(url="http://127.0.0.1:11434/v1", name="small", key_env="SOME_KEY")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"url": "127.0.0.1"}, "url must begin with http"),
        *(
            ({"url": url}, "url must name a host")
            for url in ("http://", "http:// /", "http://[::1", "http://x:y/", "http://x y/v1")
        ),
        ({"url": "https://me:secret@x.y"}, "must not hold a name or password"),
        ({"url": "http://x", "file": "a.gguf"}, "exclude each other"),
        ({"key_env": "sk-abc"}, "not the key"),
        ({"temperature": 3}, "temperature must be 0 to 2"),
        ({"max_tokens": 0}, "max_tokens must be"),
        ({"first_word_within_seconds": 0}, "first_word_within_seconds"),
        ({"extra": {"messages": []}}, "extra must not set messages"),
    ],
)
def test_settings_without_sense_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ModelSettings(**fields)


def test_a_key_that_was_written_instead_of_its_variable_is_not_repeated() -> None:
    with pytest.raises(ValueError) as caught:
        ModelSettings(key_env="sk-abc")
    assert "sk-abc" not in str(caught.value)


def test_without_a_place_settings_change_what_lies_below_and_with_one_they_stand_alone() -> None:
    assert ModelSettings(temperature=1.0).over(HERE).url == HERE.url
    there = ModelSettings(url="https://api.example.com/v1", name="large")
    assert laid_over((HERE, None, there)) == there, "above all without the other's key"


def test_script_is_the_persona_whatever_lies_below() -> None:
    assert HERE.is_set
    assert not laid_over((HERE, ModelSettings.SCRIPT)).is_set


def test_the_flags_say_what_the_settings_say() -> None:
    settings = ModelSettings(
        url="http://x/v1", name="a b", temperature=0.5, greets=True, extra={"top_p": 0.9}
    )
    parser = ArgumentParser()
    add_model_flags(parser)
    assert model_settings(parser.parse_args(settings.arguments())) == settings
    assert model_settings(parser.parse_args([])) == ModelSettings()


def test_a_request_brings_the_key_and_the_log_never_sees_it() -> None:
    request = ConnectRequest("a", model=model_request(HERE, None, {"SOME_KEY": "k3y"}))
    assert request.to_dict()["model"]["level"]["key"] == "k3y"
    assert "k3y" not in repr(request)
    assert "model" not in request.to_dict(own=False), "another's service is told of no key"


def test_nothing_is_said_of_no_model() -> None:
    assert model_request(ModelSettings(), None, {}) is None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://api.example.com/v1", "api.example.com"),
        ("http://127.0.0.1:8000/v1", "127.0.0.1"),
        ("http://[::1]:8000", "::1"),
        ("http://127.0.0.1:8000@there.example/v1", "there.example"),
        ("http://127.0.0.1\\@there.example/v1", "there.example"),
        ("local", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


def test_a_name_that_only_begins_like_an_address_of_this_machine_is_elsewhere() -> None:
    assert all(map(is_on_this_machine, ("", "localhost", "::1", "127.0.0.1", "127.8.9.10")))
    names = ("127.example.org", "127.0.0.1.example.org", "localhost.example.org", "10.0.0.1")
    assert not any(map(is_on_this_machine, names))
