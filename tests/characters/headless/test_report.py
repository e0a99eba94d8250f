from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from characters.core.state import MicrophoneView, Resume, ResumeOutcome, SessionState
from characters.headless.report import Recorder, StepFailure
from tests.characters.headless.fakes import FakeSession

S = SessionState


def watched(session: FakeSession, start: float = 100.0) -> Recorder:
    recorder = Recorder(start)
    recorder.watch({session.character_id: session})
    return recorder


def test_each_change_of_state_is_written_down_in_order() -> None:
    nurse = FakeSession()
    recorder = watched(nurse)
    nurse.becomes(S.CONNECTING, 100.5)
    nurse.becomes(S.CONNECTED, 101.0, Resume(ResumeOutcome.RESUMED))
    first, second = recorder.report(1, None)["characters"]["nurse"]["states"]
    assert (first["from"], first["to"], first["t"]) == ("DISCONNECTED", "CONNECTING", 0.5)
    assert (second["to"], second["resume"]) == ("CONNECTED", "RESUMED")


def test_what_happened_before_the_first_look_is_in_the_report_once() -> None:
    nurse = FakeSession()
    nurse.becomes(S.CONNECTING, 100.5)
    recorder = watched(nurse)
    recorder.watch({"nurse": nurse})
    nurse.becomes(S.CONNECTED, 101.0)
    states = recorder.report(1, None)["characters"]["nurse"]["states"]
    assert [state["to"] for state in states] == ["CONNECTING", "CONNECTED"]


def test_more_changes_than_a_view_keeps_are_all_written_down() -> None:
    nurse = FakeSession()
    recorder = watched(nurse)
    for count in range(200):
        nurse.becomes(S.RECONNECTING if count % 2 else S.CONNECTED, 100.0 + count)
    assert len(recorder.report(1, None)["characters"]["nurse"]["states"]) == 200


def test_both_sides_of_the_talk_are_in_the_report() -> None:
    nurse = FakeSession()
    recorder = watched(nurse)
    nurse.says("Hello.", 101.0, speaker="player")
    nurse.says("Good day.", 101.5)
    lines = recorder.report(1, None)["characters"]["nurse"]["transcript"]
    assert lines == [
        {"t": 1.0, "speaker": "player", "text": "Hello."},
        {"t": 1.5, "speaker": "character", "text": "Good day."},
    ]


def test_the_microphone_counts_from_the_same_moment() -> None:
    nurse = FakeSession()
    nurse.view = replace(nurse.view, microphone=MicrophoneView(101.0, 102.0, 7, 0))
    microphone = watched(nurse).report(1, None)["characters"]["nurse"]["microphone"]
    assert microphone == {
        "ready_at": 1.0,
        "opened_at": 2.0,
        "frames_sent": 7,
        "frames_before_open": 0,
    }


def test_a_run_without_a_failure_is_ok() -> None:
    report = watched(FakeSession()).report(60, None)
    assert report["ok"] is True
    assert report["failed_step"] is None
    assert report["frames"] == 60


def test_a_failure_names_the_step_and_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.json"
    watched(FakeSession()).write(path, 60, StepFailure(3, "say nurse", "nobody is there"))
    report = json.loads(path.read_text(encoding="utf-8"))
    assert (report["ok"], report["failed_step"]) == (False, 3)
    assert report["failure"] == {"what": "say nurse", "why": "nobody is there"}
