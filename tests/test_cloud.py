"""Whole games on a cloud: LiveKit's client at both ends, our service as the agent."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from characters.protocol.messages import OWN_FIELDS
from tests.audio.devices import require
from tests.cloud import GO, KEY, Cloud, running_cloud, running_livekit
from tests.running import do, hear, met, play, running_service, say, until

NURSE = "nurse-21c4"
TALK = until(NURSE) + say(NURSE, "My name is Ada.") + hear(NURSE, "Ada")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVAI_API_KEY", KEY)


def both_are_told(cloud: Cloud) -> None:
    """Check that the end of each character's talk was told; one that was given up has no id."""
    assert set(cloud.ended) <= set(cloud.opened) and len(cloud.ended) >= 2


def test_a_whole_game_talks_through_livekit_and_its_own_fields_stay_with_our_service(
    tmp_path: Path, service_url: str
) -> None:
    with running_cloud(service_url) as cloud:
        run = met(play(tmp_path, TALK, endpoint=cloud.url))
    assert run.states(NURSE) == ["CONNECTING", "CONNECTED"]
    assert not any(OWN_FIELDS & request.keys() for request in cloud.requests)
    both_are_told(cloud)


@pytest.mark.slow
def test_an_agent_that_leaves_is_called_back_and_knows_what_was_said(
    tmp_path: Path, service_url: str
) -> None:
    script = TALK + say(NURSE, GO) + until(NURSE, "RECONNECTING") + until(NURSE)
    script += say(NURSE, "What is my name?") + hear(NURSE, "Ada")
    with running_cloud(service_url) as cloud:
        run = met(play(tmp_path, script, endpoint=cloud.url))
    assert run.connected(NURSE)[1]["resume"] == "RESUMED"
    both_are_told(cloud)


def test_a_wrong_key_is_told_at_once(
    tmp_path: Path, service_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVAI_API_KEY", "another")
    with running_cloud(service_url) as cloud:
        run = met(play(tmp_path, until(NURSE, "ERROR"), endpoint=cloud.url))
    assert run.errors(NURSE) == ["connection.invalid_api_key"]


@pytest.mark.slow
def test_a_spoken_question_is_understood_and_answered_by_voice_through_livekit(
    tmp_path: Path,
) -> None:
    require("espeak-ng")
    wav, words = str(tmp_path / "question.wav"), "where does it hurt"
    subprocess.run(["espeak-ng", "-w", wav, words], check=True, timeout=10)
    patient = "patient-7f3a"
    script = until(patient) + hear(patient, ".")
    script += do("speak_wav", character=patient, file="question.wav") + hear(patient, ".")
    with (
        running_service(tmp_path / "service", ("--seed", "1")) as service,
        running_cloud(service.url) as cloud,
    ):
        run = met(play(tmp_path, script, endpoint=cloud.url))
    assert words in run.said_by("player", patient)


@pytest.mark.slow
def test_a_whole_game_talks_through_livekit_s_own_server(tmp_path: Path, service_url: str) -> None:
    with running_livekit() as livekit, running_cloud(service_url, livekit) as cloud:
        run = met(play(tmp_path, TALK, endpoint=cloud.url))
    assert run.states(NURSE) == ["CONNECTING", "CONNECTED"]
