from __future__ import annotations

import itertools
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from characters.headless.runner import Recorder, ScriptRunner, StepFailure
from characters.headless.script import Script
from characters.session.conversation import MicrophoneView, Resume, ResumeOutcome, SessionState
from engine.core.clock import ManualClock
from tests.characters.headless.fakes import FakeDriver, FakeSession
from tests.toml_text import parse_toml

S = SessionState


class Play:
    """A script that is played by hand, frame by frame."""

    def __init__(self, text: str) -> None:
        self.clock = ManualClock()
        self.nurse = FakeSession("nurse")
        self.driver = FakeDriver(self.nurse)
        script = parse_toml(text.replace(";", "\n"), Script)
        self.runner = ScriptRunner(script, self.driver, self.clock.now)

    def frames(self, count: int, seconds: float = 0.0) -> None:
        for _ in range(count):
            self.runner.update()
            self.clock.advance(seconds / count)

    @property
    def is_met(self) -> bool:
        return self.runner.is_over and self.runner.failure is None

    @property
    def why(self) -> str:
        assert self.runner.failure is not None
        return self.runner.failure.why


SAY = '[[step]];do = "say";character = "nurse";text = "x";'


def wait(what: str, within: float = 10) -> str:
    return f'[[step]];wait = {{ character = "nurse", {what} }};within = {within};'


def test_steps_run_one_a_frame_and_in_order() -> None:
    play = Play('[[step]];do = "cut";[[step]];do = "kill_service";')
    play.frames(1)
    assert play.driver.begun == ["cut"]
    play.frames(1)
    assert play.driver.begun == ["cut", "kill_service"]
    assert play.is_met


def test_a_step_that_takes_longer_holds_up_the_next() -> None:
    play = Play('[[step]];do = "cut";[[step]];do = "heal";')
    play.driver.busy = lambda: play.clock.now() < 2
    play.frames(10, seconds=1.9)
    assert play.driver.begun == ["cut"]
    play.frames(10, seconds=1)
    assert play.is_met


@pytest.mark.parametrize("last", [SAY, "[[step]];wait = { seconds = 1 };within = 2;"])
def test_a_script_is_not_met_while_a_line_of_it_waits_for_the_connection(last: str) -> None:
    play = Play(SAY + last)
    play.driver.is_all_said = False
    play.frames(3, 1.5)
    assert not play.runner.is_over
    play.driver.is_all_said = True
    play.frames(1)
    assert play.is_met


def test_a_line_that_waits_for_ever_fails_the_last_step() -> None:
    play = Play(SAY.replace('"x";', '"x";within = 2;'))
    play.driver.is_all_said = False
    play.frames(4, 4.0)
    assert play.why == "a line still waits for the connection after 2 s"


def test_who_quits_waits_for_no_line() -> None:
    play = Play(SAY + '[[step]];do = "quit";')
    play.driver.is_all_said = False
    play.frames(2)
    assert play.is_met


def test_a_step_that_takes_too_long_fails_with_its_number() -> None:
    play = Play('[[step]];do = "heal";[[step]];do = "cut";within = 3;')
    play.frames(1)
    play.driver.busy = lambda: True
    play.frames(10, seconds=4)
    assert play.runner.failure is not None
    assert play.runner.failure.step == 2
    assert "3 s" in play.why


def test_a_wait_is_met_by_the_present_state() -> None:
    play = Play(wait('state = "CONNECTED"'))
    play.frames(5, seconds=1)
    assert not play.runner.is_over
    play.nurse.becomes(S.CONNECTED, 1.0)
    play.frames(1)
    assert play.is_met


def test_a_state_that_lasted_less_than_a_frame_is_not_missed() -> None:
    play = Play(wait('state = "RECONNECTING"') + wait('state = "CONNECTED"'))
    play.nurse.becomes(S.CONNECTED, 1.0)
    play.nurse.becomes(S.RECONNECTING, 2.0)
    play.nurse.becomes(S.CONNECTED, 2.001)
    play.frames(2)
    assert play.is_met


def test_the_same_change_never_meets_two_waits() -> None:
    play = Play(wait('state = "RECONNECTING"') * 2)
    play.nurse.becomes(S.RECONNECTING, 1.0)
    play.nurse.becomes(S.CONNECTED, 1.1)
    play.frames(5, seconds=1)
    assert not play.runner.is_over


def test_a_change_that_came_before_a_wait_does_not_meet_it() -> None:
    play = Play(
        wait('state = "CONNECTED"')
        + "[[step]];wait = { seconds = 1 };"
        + '[[step]];do = "disconnect";character = "nurse";'
        + "[[step]];wait = { seconds = 1 };"
        + wait('state = "CONNECTED"', within=2)
    )
    for t in (1.0, 1.2, 1.4):  # more often than any wait asks for
        play.nurse.becomes(S.CONNECTED, t)
        play.nurse.becomes(S.DISCONNECTED, t + 0.1)
    play.frames(1)
    play.nurse.becomes(S.CONNECTED, 2.0)
    play.frames(10, seconds=2)
    play.nurse.becomes(S.DISCONNECTED, 3.0)
    play.frames(30, seconds=9)
    assert play.runner.failure is not None
    assert play.runner.failure.step == 5


def test_a_change_within_a_time_that_was_waited_for_is_before_the_next_wait() -> None:
    play = Play("[[step]];wait = { seconds = 1 };" + wait('state = "CONNECTED"', within=1))
    play.frames(1)
    play.nurse.becomes(S.CONNECTED, 0.1)
    play.nurse.becomes(S.ERROR, 0.2)
    play.frames(20, seconds=4)
    assert "ERROR" in play.why


def test_each_character_may_be_waited_for_after_one_fault() -> None:
    play = Play(
        '[[step]];do = "cut";'
        + wait('state = "RECONNECTING"')
        + wait('state = "RECONNECTING"').replace("nurse", "porter")
    )
    porter = play.driver.sessions["porter"] = FakeSession("porter")
    play.frames(1)
    for session in (porter, play.nurse):
        session.becomes(S.RECONNECTING, 1.0)
        session.becomes(S.CONNECTED, 1.0)
    play.frames(2)
    assert play.is_met


def test_an_answer_within_one_tick_of_the_clock_is_found_and_what_came_before_is_not() -> None:
    play = Play(SAY + wait("says = 'one'", within=1) + wait("says = 'one'", within=1))
    play.nurse.says("Number one.", t=0.0)
    play.frames(1)
    play.nurse.says("Number one again.", t=0.0)
    play.frames(1)
    assert play.runner.failure is None
    play.frames(5, seconds=2)
    assert play.runner.failure is not None and play.runner.failure.step == 3


def test_a_clock_that_goes_on_between_two_looks_fails_no_wait() -> None:
    play = Play("[[step]];wait = { seconds = 0.5 };")
    looks = iter((0.0, 0.4999999, 0.5000001, 0.6, 0.7))
    play.runner.now = lambda: next(looks)
    while not play.runner.is_over:
        play.runner.update()
    assert play.is_met


def test_a_wait_may_insist_on_what_was_restored() -> None:
    play = Play(wait('state = "CONNECTED", resume = "RESUMED"', within=2))
    play.nurse.becomes(S.CONNECTED, 1.0, Resume(ResumeOutcome.FRESH))
    play.frames(5, seconds=3)
    assert "CONNECTED, FRESH" in play.why


def test_a_line_is_found_whatever_its_capitals() -> None:
    play = Play(SAY + wait("says = 'your name is ada'"))
    play.frames(2, seconds=1)
    play.nurse.says("Why, Your name is Ada!", t=1)
    play.frames(1)
    assert play.is_met


def test_a_line_that_takes_long_to_search_is_searched_within_the_time_of_its_step() -> None:
    play = Play(SAY + wait("says = 'a.*a.*b$'", within=5))
    play.frames(1)
    play.nurse.says("a" * 500, t=1)
    times = itertools.count()
    play.runner.now = lambda: play.clock.now() + next(times) / 20.0  # each place takes that long
    play.frames(3)
    assert "none that fits" in play.why
    assert 90 < next(times) < 200  # of 500 places


def test_at_the_end_of_its_time_a_step_is_met_by_what_is_there() -> None:
    play = Play(SAY + wait("says = 'fine'", within=5))
    play.frames(2)
    play.nurse.says("I am fine.", t=1)
    play.clock.advance(60)
    play.frames(1)
    assert play.is_met


def test_an_old_line_is_no_answer() -> None:
    play = Play(SAY + wait("says = 'Ada'", within=2))
    play.nurse.says("Hello Ada.", t=-1)
    play.frames(10, seconds=4)
    assert "0 lines" in play.why


def test_a_line_that_met_a_wait_does_not_meet_the_next() -> None:
    play = Play(wait("says = 'Ada'") * 2)
    play.nurse.says("Ada.", t=1)
    play.frames(3, seconds=1)
    assert not play.runner.is_over
    play.nurse.says("Ada again.", t=2)
    play.frames(1)
    assert play.is_met


def test_the_players_own_words_are_no_answer() -> None:
    play = Play(wait("says = 'Ada'", within=1))
    play.nurse.says("I am Ada.", t=1, speaker="player")
    play.frames(5, seconds=2)
    assert play.runner.failure is not None


def test_a_failed_wait_does_not_tell_what_was_said() -> None:
    play = Play(wait("says = 'Ada'", within=1))
    play.nurse.says("My secret.", t=1)
    play.frames(5, seconds=2)
    assert "1 lines" in play.why
    assert "secret" not in play.why
    assert "Ada" not in play.why


def test_waiting_for_a_time_takes_that_time() -> None:
    play = Play("[[step]];wait = { seconds = 20 };")
    play.frames(10, seconds=19)
    assert not play.runner.is_over
    play.frames(10, seconds=2)
    assert play.is_met


def test_waiting_for_somebody_unknown_fails_at_once() -> None:
    play = Play('[[step]];wait = { character = "nobody", state = "ERROR" };')
    play.frames(1)
    assert "nobody" in play.why


def test_nothing_follows_a_quit() -> None:
    play = Play('[[step]];do = "quit";[[step]];do = "cut";')
    play.frames(5)
    assert play.driver.begun == ["quit"]
    assert play.is_met


def test_a_run_that_has_no_time_left_fails_at_the_present_step() -> None:
    play = Play(wait('state = "CONNECTED"'))
    play.frames(1)
    play.runner.fail("the run was to take 5 s")
    assert play.runner.is_over
    assert "5 s" in play.why


def watch(recorder: Recorder, session: FakeSession) -> None:
    recorder.watch({session.character_id: session})  # type: ignore[dict-item]  # a fake


def watched(session: FakeSession, start: float = 100.0) -> Recorder:
    recorder = Recorder(start)
    watch(recorder, session)
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
    watch(recorder, nurse)
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


@pytest.mark.posix("Windows has no modes")
def test_a_report_is_its_owner_s_alone_and_shows_no_whole_id(tmp_path: Path) -> None:
    path, nurse, whole = tmp_path / "report.json", FakeSession(), "0123456789abcdefghij"
    path.write_text("an older one, open to all")
    path.chmod(0o644)
    nurse.becomes(S.CONNECTED, 101.0)
    nurse.view = replace(nurse.view, session_id=whole)
    recorder = watched(nurse)
    nurse.events.emit(replace(nurse.view.timeline[-1], t=102.0, session_id=whole))
    recorder.write(path, 60, None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(json.loads(path.read_text())["characters"]["nurse"]["states"]) == 2
    assert whole not in path.read_text()


@pytest.mark.posix("Windows has no pipes in folders")
def test_a_pipe_in_the_place_of_a_report_is_told_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "report.json")
    with pytest.raises(OSError, match=r"report\.json is a pipe"):
        watched(FakeSession()).write(tmp_path / "report.json", 60, None)
