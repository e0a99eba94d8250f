from __future__ import annotations

import pytest

from characters.headless.script import (
    FaultStep,
    LatencyStep,
    LoadSceneStep,
    RespondStep,
    SayStep,
    Script,
    SessionStep,
    SlowLinkStep,
    SpeakWavStep,
    WaitStep,
    WalkToStep,
)
from characters.session.conversation import ResumeOutcome, SessionState
from engine.toml.reader import TomlFileError
from tests.toml_text import parse_toml


def script(text: str) -> Script:
    return parse_toml(text, Script, "play.toml")


def only_step(text: str) -> object:
    (step,) = script("[[step]]\n" + text).step
    return step


def complaints(text: str) -> list[str]:
    with pytest.raises(TomlFileError) as caught:
        script(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("state", SessionState)
def test_a_wait_may_be_for_every_state_of_the_machine(state: SessionState) -> None:
    step = only_step(f'wait = {{ character = "nurse", state = "{state.name}" }}')
    assert isinstance(step, WaitStep)
    assert step.wait.state == state.name
    assert step.within == 10


def test_a_wait_may_ask_for_what_was_restored() -> None:
    step = only_step('wait = { character = "a", state = "CONNECTED", resume = "RESUMED" }')
    assert isinstance(step, WaitStep)
    assert step.wait.resume is ResumeOutcome.RESUMED


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('do = "say"\ncharacter = "a"\ntext = "Hello."', SayStep),
        ('do = "respond"\ncharacter = "a"', RespondStep),
        ('do = "speak_wav"\ncharacter = "a"\nfile = "hello.wav"', SpeakWavStep),
        ('do = "walk_to"\nposition = [10, 20]', WalkToStep),
        ('do = "retry"\ncharacter = "a"', SessionStep),
        ('do = "expire_session"\ncharacter = "a"', SessionStep),
        ('do = "cut"', FaultStep),
        ('do = "heal"\ncharacter = "a"', FaultStep),
        ('do = "load_scene"\nscene = "lobby"', LoadSceneStep),
    ],
)
def test_each_verb_is_read_as_its_own_kind_of_step(text: str, kind: type) -> None:
    assert isinstance(only_step(text), kind)


@pytest.mark.parametrize("verb", Script.VERBS)
def test_no_verb_takes_a_field_that_it_does_not_know(verb: str) -> None:
    (found, *_) = complaints(f'[[step]]\ndo = "{verb}"\nspeed = 3')[-1:]
    assert "play.toml:3:1" in found
    assert "speed" in found


def test_an_unknown_verb_is_answered_with_the_one_that_was_meant() -> None:
    (found,) = complaints('[[step]]\ndo = "sya"')
    assert "play.toml:2:" in found
    assert "Try: say" in found


def test_a_missing_text_is_named_with_its_step() -> None:
    (found,) = complaints('[[step]]\ndo = "say"\ncharacter = "a"')
    assert "step[1].text" in found


def test_every_mistake_is_found_at_once() -> None:
    text = '[[step]]\ndo = "jump"\n\n[[step]]\nwait = { character = "a", state = "HAPPY" }'
    first, second = complaints(text)
    assert "play.toml:2:" in first
    assert "play.toml:5:" in second


@pytest.mark.parametrize(
    "text",
    [
        "wait = { seconds = -1 }",
        "wait = { seconds = 1, says = 'x', character = 'a' }",
        "wait = { state = 'CONNECTED' }",
        "wait = { character = 'a' }",
        "wait = { character = 'a', says = '(' }",
        "wait = { character = 'a', state = 'ERROR', resume = 'RESUMED' }",
        "within = 3",
        "wait = { seconds = 1 }\ndo = 'quit'",
        "do = 'walk_to'",
        "do = 'say'\ncharacter = ''\ntext = 'x'",
        "do = 'walk_to'\nposition = [nan, 1.0]",
        "do = 'key'\nkey = 'e'\nseconds = inf",
        "do = 'quit'\nwithin = inf",
        "wait = { seconds = inf }",
    ],
)
def test_a_step_that_means_nothing_is_refused(text: str) -> None:
    assert complaints("[[step]]\n" + text)


def test_the_advice_for_a_number_is_within_the_bounds_of_its_step() -> None:
    (late,) = complaints('[[step]]\ndo = "latency"\nseconds = 0')
    assert "must be more than 0 (got 0). Try: seconds = 0.4" in late
    (held,) = complaints('[[step]]\ndo = "key"\nkey = "e"\nseconds = -1')
    assert "must be at least 0 (got -1). Try: seconds = 0.0" in held


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$", "(a|aa)*b", r"(\w+\s?)*$", "(x+x+)+y", "(.*a){20}", "(?>a+)+$", "(?=(a*)*b)",
        ".*.*.*x", "a?" * 30 + "a" * 30, "((a|b)c?){30}", "((^){2000}){2000}", "(^){3000}",
        "((?:a(b)?)(?(2)c*|d*)?){9}", "x" * 3_000,
    ],
)  # fmt: skip
def test_a_pattern_that_a_line_may_take_for_ever_is_refused_at_its_line(pattern: str) -> None:
    text = f"[[step]]\nwithin = 5\nwait = {{ character = 'a', says = '{pattern}' }}"
    (said,) = complaints(text)
    assert said.startswith("play.toml:3:34: step[1].wait.says: ")
    assert "repeat nothing within a repeat" in said


@pytest.mark.parametrize("pattern", ["(" * 900 + ")" * 900, "a{99999999999999999999}"])
def test_a_pattern_that_no_compiler_takes_is_refused_at_its_line(pattern: str) -> None:
    (said,) = complaints(f"[[step]]\nwait = {{ character = 'a', says = '{pattern}' }}")
    assert said.startswith("play.toml:2:34: step[1].wait.says: this regular expression does not")


@pytest.mark.parametrize(
    "pattern",
    [
        "Ada|Eve", "good (morning|day)", "name.*Ada.*blue", r"\bfine\b", "(ha)+",
        "(very |so )?good", "^(?!.*sorry).*$", "[.?!]$", r"\d+ \w+", "(red|blue) .*(cat|dog)",
        r"(?P<a>\w+) (?P=a)", r"\w{1,20} \w{1,20} \w{1,20}", "(ha|ho)+", "(?x) a + b",
        ".{0,40}x.{0,40}y.{0,40}z",
    ],
)  # fmt: skip
def test_a_pattern_of_the_usual_kind_is_taken(pattern: str) -> None:
    step = only_step(f"wait = {{ character = 'a', says = '{pattern}' }}")
    assert isinstance(step, WaitStep) and step.wait.says == pattern


def test_a_script_without_steps_is_refused() -> None:
    assert complaints("step = []")


def test_a_step_names_itself_without_what_is_said() -> None:
    step = only_step('do = "say"\ncharacter = "a"\ntext = "My secret."')
    assert str(step) == "say a"
    wait = only_step('wait = { character = "a", says = "secret" }')
    assert "secret" not in str(wait)


def test_a_line_is_late_or_slow_by_the_usual_figures_or_by_ones_own() -> None:
    assert only_step('do = "latency"\ncharacter = "ann"') == LatencyStep(
        do="latency", character="ann", seconds=0.4
    )
    assert only_step('do = "slow_link"\nbytes_per_second = 4000') == SlowLinkStep(
        do="slow_link", bytes_per_second=4000
    )
    assert "seconds" in complaints('[[step]]\ndo = "latency"\nseconds = 0')[0]


def test_a_key_of_another_step_is_not_said_to_be_meant_by_itself() -> None:
    text = '[[step]]\ndo = "say"\ncharacter = "a"\ntext = "b"\nkey = "t"\n'
    (said,) = complaints(text)
    assert said == "play.toml:5:1: step[1].key: is not a known key."
