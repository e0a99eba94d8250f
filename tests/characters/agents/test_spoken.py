"""What of a model's answer is speech."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from characters.agents.agent import Feel, Part, Say
from characters.agents.spoken import SpokenText, merged

NAMES = ("Bram", "Arthur Whitlock")


def heard(text: str, cuts: tuple[int, ...] = (), *, holds: bool = False) -> list[Part]:
    """Return what is let out of an answer that comes in pieces of these sizes."""
    filtered, parts, at = SpokenText(NAMES, holds=holds), [], 0
    for size in (*cuts, len(text)):
        parts += filtered.feed(text[at : at + size])
        at += size
    return merged([*parts, *filtered.end()])


def spoken(text: str, *, holds: bool = False) -> str:
    return "".join(part.text for part in heard(text, holds=holds) if isinstance(part, Say))


@pytest.mark.parametrize(
    ("text", "speech"),
    [
        # thoughts
        ("<think> The user wants tea. </think> Good day.", "Good day."),
        ("<think>never closed", ""),
        ("<THINKING>So.</THINKING>Yes.", "Yes."),
        ("[THINK]hm[/THINK]Hello", "Hello"),
        ("\u25c1think\u25b7hm\u25c1/think\u25b7Hello", "Hello"),
        ("Hello <thi", "Hello"),
        # marks of templates
        ("Good day.<|im_end|>\n<|im_start|>user\nHi", "Good day."),
        ("<|im_start|>assistant\nHello.<|im_end|>", "Hello."),
        ("<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>", "Hello."),
        ("<s>[INST] x [/INST] Hi</s>", "Hi"),
        ("Hello [INST] what the user says [/INST] more", "Hello"),
        ("<start_of_turn>model\nHello<end_of_turn>\n<start_of_turn>user\nx", "Hello"),
        ("<\uff5cAssistant\uff5c>Hello<\uff5cend\u2581of\u2581sentence\uff5c>", "Hello"),
        ("Hello <|im_e", "Hello"),
        (
            "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
            "<|channel|>final<|message|>Hello.<|return|>",
            "Hello.",
        ),
        # markup
        ("**Well**, [red wine](https://y.z/a_b) and ~~no~~ `code`.", "Well, red wine and no code."),
        ("# Title\n- wine\n- bread\n\n1. one\n2. two", "Title wine, bread, one, two"),
        ("See http://x.y/z, or www.a.b/c.", "See, or."),
        ("See <https://x.y/z>, or <ada@x.y>.", "See, or."),
        ("| a | b |\n|---|---|\n| c | d |", "a b c d"),
        ("I <3 you <b>so</b> much<br/>really", "I <3 you so much really"),
        # stage directions
        ("*waves* Hello (looks up)", "Hello"),
        ("Well, *sighs* no. (quietly) Come. [leaves]", "Well, no. Come."),
        ("_smiles_ Hello", "Hello"),
        ("*sighs", ""),
        # calls and data
        ('```json\n{"a": 1}\n```', ""),
        ('{"action": "Move To", "target": "gate"} Hello', "Hello"),
        ('<tool_call>\n{"name": "wave"}\n</tool_call>Hello', "Hello"),
        ('[TOOL_CALLS] [{"name": "wave"}]', ""),
        ('<function=wave>{"a":1}</function> Hi', "Hi"),
        ('[wave(target="gate")] Hello', "Hello"),
        ("{{user}}, hello {name}!", "hello!"),
        # who speaks
        ("Arthur Whitlock: Hello there", "Hello there"),
        ("Arthur said hello", "Arthur said hello"),
        ("Hello.\nUser: and now?\nBram: Yes", "Hello."),
        # what is speech
        ("3 < 4 and 5 > 2, isn't it?", "3 < 4 and 5 > 2, isn't it?"),
        ("5*3=15 and 3 * 4", "5*3=15 and 3 * 4"),
        ("I *really* mean it. *Never* do that.", "I really mean it. Never do that."),
        ("I'm sad :( but you came :) so (I think) fine", None),
        ("He (the tall one) left, said snake_case -- well.", None),
        ("1984. It was a year; \u201cfine,\u201d she said... and smiled!", None),
        ("Hello \U0001f600 you", None),
        ("Fish &amp; chips", "Fish & chips"),
        ("Hello\n\n\nthere   you", "Hello there you"),
    ],
)
def test_only_speech_is_let_out(text: str, speech: str | None) -> None:
    assert spoken(text) == (text if speech is None else speech)


@pytest.mark.parametrize("thought", ["I should greet.", "So. " * 50, "**Plan**: [joy]"])
def test_a_thought_that_was_never_opened_is_not_let_out_of_an_answer_that_is_held(
    thought: str,
) -> None:
    assert heard(f"{thought} </think> Hello.", holds=True) == [Say("Hello.")]


def test_an_answer_that_is_held_without_a_thought_is_let_out_whole() -> None:
    assert spoken("Hello. How are you?", holds=True) == "Hello. How are you?"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[joy] Hello.", [Feel("joy", 2), Say("Hello.")]),
        ("So [very sad]!", [Say("So"), Feel("sadness", 3), Say("!")]),
        ("[emotion: angry 1] No.", [Feel("anger", 1), Say("No.")]),
    ],
)
def test_a_feeling_in_brackets_becomes_the_feeling(text: str, parts: list[Part]) -> None:
    assert heard(text) == parts


@pytest.mark.parametrize(
    ("text", "said"),
    [("Hi \ud83d\ude00!", "Hi \U0001f600!"), ("a \ud83d b", "a b"), ("a \ude00 b \ud83d", "a b")],
)
def test_halves_of_characters_join_or_go(text: str, said: str) -> None:
    assert spoken(text) == said


def test_what_is_a_call_is_kept_for_who_performs_it() -> None:
    filtered = SpokenText()
    filtered.feed('Yes. <tool_call>{"name": "wave"}</tool_call> {"name": "nod"}')
    filtered.end()
    assert len(filtered.calls) == 2


PIECES = st.sampled_from(
    [
        "<think>", "</think>", "<|im_end|>", "<|im_start|>", "assistant", "user", "[INST]",
        "[/INST]", "<tool_call>", "</tool_call>", '{"a": [1, "b}"]}', "{", "}", "[", "]", "(", ")",
        "*", "**", "_", "`", "```", "#", "-", "\n", " ", "  ", "joy", "waves", "Hello", ".", "!",
        "3 < 4", "isn't", ":)", ":(", "http://x.y", "<", ">", "|", "\ud83d", "\ude00", "\u2026",
        "<|channel|>", "analysis", "final", "<|message|>", "</s>", "User:", "Bram:", "1.", "&amp;",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join), st.lists(st.integers(1, 5)), st.booleans())
@example("a <think>b</think> c", [1] * 30, False)
def test_it_makes_no_difference_how_an_answer_is_cut(
    text: str, cuts: list[int], holds: bool
) -> None:
    whole = heard(text, holds=holds)
    if "</think>" not in text or holds:
        assert heard(text, tuple(cuts), holds=holds) == whole


@given(st.text(max_size=80))
def test_whatever_comes_no_mark_and_no_half_character_is_let_out(text: str) -> None:
    said = spoken(f"Well. {text}<|im_end|> more")
    assert "<|" not in said
    said.encode("utf-8")
