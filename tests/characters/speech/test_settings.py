from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import fields

import pytest

from characters.speech.settings import (
    SpeechDetector,
    SpeechSettings,
    SpeechVoice,
    add_speech_flags,
    speech_settings,
)

ALL = SpeechSettings(
    recognition_url="http://127.0.0.1:8000/v1",
    recognition_model="large",
    recognition_key_env="EARS_KEY",
    recognition_language="",
    synthesis_url="https://voices.example/v1",
    synthesis_model="hd",
    synthesis_key_env="VOICE_KEY",
    synthesis_voice="nova",
    synthesis_format="pcm",
    voice=SpeechVoice.ESPEAK,
    detector=SpeechDetector.SILERO,
)


def parse(*arguments: str) -> SpeechSettings:
    parser = ArgumentParser()
    add_speech_flags(parser)
    return speech_settings(parser.parse_args(arguments))


def test_every_setting_survives_the_command_line() -> None:
    assert parse(*ALL.arguments()) == ALL
    assert parse("--whisper-folder=~/small") == SpeechSettings(whisper_folder="~/small")


def test_only_what_is_not_the_default_is_said() -> None:
    assert SpeechSettings().arguments() == () and parse() == SpeechSettings()
    assert len(ALL.arguments()) == len(fields(SpeechSettings)) - 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("recognition_url", "127.0.0.1:8000"),
        ("synthesis_url", "ftp://x"),
        ("synthesis_format", "mp3"),
        ("detector", "ear"),
        ("voice", "mouth"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_field(field: str, value: str) -> None:
    with pytest.raises(ValueError, match=field):
        SpeechSettings(**{field: value})  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("field", ["recognition_key_env", "synthesis_key_env"])
def test_a_key_in_the_place_of_its_variable_is_refused_and_not_repeated(field: str) -> None:
    with pytest.raises(ValueError, match=field) as caught:
        SpeechSettings(**{field: "sk-1234"})  # type: ignore[arg-type]  # by name
    assert "1234" not in str(caught.value)


def test_there_is_one_recogniser() -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        SpeechSettings(recognition_url="http://x", whisper_folder="y")
