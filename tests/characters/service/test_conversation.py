from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.agents.agent import Arrived, Do, Event, Feel, Part, PlayerSaid, Prompt, Say, Silence
from characters.protocol.messages import (
    USER_TEXT,
    USER_VOICE,
    Action,
    ActionResponse,
    BotEmotion,
    BotLlmText,
    BotTurnCompleted,
    LlmNoResponse,
    RespondMode,
    UserIdleWarning,
)
from characters.service.conversation import (
    MAX_UNANSWERED,
    MAX_WAITING,
    AgentTurn,
    Effects,
    End,
    Generate,
    IdleTimer,
    Note,
    PendingReply,
    PersistEntry,
    PlayerLine,
    RepeatAnswer,
    ResolveReply,
    RoomConversation,
    Send,
    SpeakText,
    StopSpeaking,
    TimingConfig,
    TurnRequest,
    pieces,
)

PACE = TimingConfig(words_per_second=10.0, think_seconds=0.0, idle_timeout=100.0, idle_warning=20.0)
AT_ONCE = TimingConfig(words_per_second=0.0, think_seconds=0.0)


def types(effects: Effects) -> list[str]:
    return [e.message.TYPE if isinstance(e, Send) else type(e).__name__ for e in effects]


def said(effects: Effects) -> str:
    texts = (
        e.message.text for e in effects if isinstance(e, Send) and isinstance(e.message, BotLlmText)
    )
    return "".join(texts)


def answer(talk: RoomConversation, *parts: Part, now: float = 0.0) -> Effects:
    """Let the mind answer the turn that is open."""
    number = talk._turns
    effects = [effect for part in parts for effect in talk.part(number, part, now)]
    return effects + talk.told(number) + talk.thought_out(number, now)


def completed(effects: Effects) -> list[bool]:
    ends = (e.message for e in effects if isinstance(e, Send))
    return [m.was_interrupted for m in ends if isinstance(m, BotTurnCompleted)]


def test_a_turn_runs_from_started_to_completed() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    assert talk.player_said("hi", 0.0) == [Generate(1, PlayerSaid("hi"))]
    assert types(answer(talk, Say("Good day."))) == [
        "bot-llm-started",
        "bot-llm-text",
        "bot-llm-text",
        "PersistEntry",
        "bot-llm-stopped",
        "bot-turn-completed",
        "PersistEntry",
    ]
    assert not talk.is_busy


def test_what_the_player_said_is_kept_once_when_the_mind_has_taken_it_in() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    assert talk.player_said("hi", 0.0, "m1") == [Generate(1, PlayerSaid("hi", "m1"))]
    talk.part(1, Say("Good day."), 0.0)
    decided = PendingReply(("m1",), (Say("Good day."),))
    assert talk.told(1) == [PersistEntry("player", "hi", "m1"), decided]
    assert talk.told(1) == []
    kept = [effect for effect in answer(talk) if isinstance(effect, PersistEntry)]
    assert kept == [PersistEntry("character", "Good day.", answers="m1")]


def test_what_the_player_said_is_kept_before_an_answer_that_is_cut_short() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    talk.player_said("hi", 0.0, "m1")
    talk.part(1, Say("Good day."), 0.0)
    kept = [effect for effect in talk.interrupt(0.0) if isinstance(effect, PersistEntry)]
    assert kept == [
        PersistEntry("player", "hi", "m1"),
        PersistEntry("character", "Good day.", answers="m1"),
    ]


def test_an_answer_that_the_player_cut_short_is_not_owed() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("hi", 0.0, "m1")
    assert ResolveReply("m1") not in answer(talk, Say("A b c d e f g"))
    assert ResolveReply("m1") in talk.player_said("stop", 0.2, "m2")


def test_a_completed_turn_names_the_line_that_it_answers() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    talk.player_said("hi", 0.0, "m1")
    effects = answer(talk, Do((Action("wave"),)), Say("Good day."))
    sent = [e.message for e in effects if isinstance(e, Send)]
    assert ActionResponse((Action("wave"),), "m1") in sent
    assert sent[-1] == BotTurnCompleted(message_id="m1")


# --- what an earlier room left -----------------------------------------------------------------

LEFT = ((PlayerLine("hi", "m1", is_kept=True), (Feel("joy", 2), Say("Good day. Sit down."))),)


def test_an_answer_that_was_left_is_told_after_the_greeting_and_no_mind_is_asked() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.arrive(3.0, 0.0)
    assert talk.take_up(LEFT, 0.0) == []
    effects = answer(talk, Say("You are back."))
    assert said(effects + talk.tick(9.0)) == "You are back.Good day. Sit down."
    assert not any(isinstance(effect, Generate | PendingReply) for effect in effects)


def test_an_answer_that_was_left_is_told_at_once_by_somebody_who_does_not_greet() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    effects = talk.take_up(LEFT, 0.0)
    assert types(effects)[0] == "bot-emotion"
    assert effects[-2:] == [
        Send(BotTurnCompleted(message_id="m1")),
        PersistEntry("character", "Good day. Sit down.", answers="m1"),
    ]


def test_an_answer_that_is_told_again_is_given_out_whole_when_the_player_types_into_it() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.take_up(LEFT, 0.0)
    effects = talk.player_said("And then?", 0.1, "m2")
    assert completed(effects) == [False]
    assert ResolveReply("m1") not in effects


# --- when the game decides ----------------------------------------------------------------------


def manual(*lines: str) -> tuple[RoomConversation, Effects]:
    talk = RoomConversation(0.0, AT_ONCE)
    talk.set_modes(RespondMode.MANUAL.lanes)
    said = [talk.player_said(line, 0.0, f"m{n}") for n, line in enumerate(lines, 1)]
    return talk, [effect for effects in said for effect in effects]


def test_a_character_that_waits_to_be_asked_notes_what_is_said_and_is_silent() -> None:
    talk, effects = manual("I am Ada.")
    assert effects == [
        Note("I am Ada."),
        PersistEntry("player", "I am Ada.", "m1"),
        PendingReply(("m1",), None),
    ]
    assert not talk.is_busy


def test_who_is_asked_answers_all_that_was_said_since() -> None:
    talk, _ = manual("I am Ada.", "Who are you?")
    assert talk.respond(1.0) == [Generate(1, PlayerSaid("I am Ada. Who are you?", "m2"))]
    effects = answer(talk, Say("Bram."))
    assert PendingReply(("m1", "m2"), (Say("Bram."),)) in effects
    assert not any(isinstance(e, PersistEntry) and e.speaker == "player" for e in effects)


def test_a_line_whose_answer_was_asked_for_is_not_answered_again() -> None:
    talk, _ = manual("Who are you?")
    talk.respond(1.0, message_id="m1")
    answer(talk, Say("Bram."))
    assert talk.respond(1.0, message_id="m1") == []


@pytest.mark.parametrize(("about", "wanted"), [("", Silence()), ("fire", Event("context", "fire"))])
def test_who_is_asked_to_speak_when_nothing_was_said_says_something(
    about: str, wanted: Prompt
) -> None:
    talk, _ = manual()
    assert talk.respond(1.0, about) == [Generate(1, wanted)]


def test_each_lane_has_its_own_mode() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    assert talk.set_mode(USER_VOICE, "silent") == {USER_VOICE: "silent"}
    assert talk.player_said("spoken", 0.0, "m1", USER_VOICE)[0] == Note("spoken")
    both = PlayerSaid("spoken typed", "m2")
    assert talk.player_said("typed", 0.0, "m2", USER_TEXT) == [Generate(1, both)]


def test_lines_that_an_earlier_room_left_unanswered_wait_on() -> None:
    talk, _ = manual()
    assert talk.take_up([(PlayerLine("Who are you?", "m1", is_kept=True), None)], 0.0) == []
    assert talk.respond(1.0, message_id="m1") == [Generate(1, PlayerSaid("Who are you?", "m1"))]


def test_lines_that_nobody_asks_an_answer_to_are_bounded() -> None:
    talk, effects = manual(*["Hm."] * (MAX_UNANSWERED + 1))
    assert ResolveReply("m1") in effects
    asked = PlayerSaid(" ".join(["Hm."] * MAX_UNANSWERED), f"m{MAX_UNANSWERED + 1}")
    assert talk.respond(1.0) == [Generate(1, asked)]


def test_who_waits_to_be_asked_makes_no_remarks() -> None:
    talk, _ = manual("Hm.")
    assert talk.tick(AT_ONCE.remark_after + 1.0) == []


def test_what_is_said_to_somebody_who_has_too_much_to_answer_is_kept() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    for _ in range(1 + MAX_WAITING):
        assert not any(isinstance(effect, PersistEntry) for effect in talk.player_said("hi", 0.0))
    assert talk.player_said("lost?", 0.0) == [PersistEntry("player", "lost?")]


def test_the_pieces_join_to_what_was_said() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    talk.player_said("hi", 0.0)
    text = "Well,  hello there!\nMind the   tile. "
    assert said(answer(talk, Say(text))) == text


def test_words_come_at_the_pace_of_speech() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("hi", 0.0)
    assert said(answer(talk, Say("one two three four"))) == "one"
    assert talk.deadline() == pytest.approx(0.1)
    assert said(talk.tick(0.1)) == " two"
    assert said(talk.tick(0.21)) + said(talk.tick(0.31)) == " three four"


def test_a_late_tick_says_all_that_is_due() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("hi", 0.0)
    answer(talk, Say("one two three four"))
    assert said(talk.tick(5.0)) == " two three four"


def test_a_sentence_is_followed_by_a_breath() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("hi", 0.0)
    answer(talk, Say("Stop. Now"))
    assert talk.deadline() == pytest.approx(0.4)


def test_moods_and_deeds_are_told_at_once() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("hi", 0.0)
    wave = Do((Action("Wave"),))
    effects = talk.part(1, Feel("joy", 2), 0.0) + talk.part(1, wave, 0.0)
    assert effects == [Send(BotEmotion("joy", 2)), Send(ActionResponse(wave.actions))]


def test_an_interruption_ends_the_turn_with_what_was_said_so_far() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("hi", 0.0)
    answer(talk, Say("one two three"))
    effects = talk.interrupt(0.05)
    assert effects[0] == StopSpeaking(1)
    assert completed(effects) == [True]
    assert PersistEntry("character", "one") in effects


def test_what_the_mind_adds_to_an_interrupted_turn_is_dropped() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("hi", 0.0)
    talk.interrupt(0.0)
    assert talk.part(1, Say("too late"), 0.1) == []
    assert talk.thought_out(1, 0.1) == []
    assert talk.voice_started(1) == []


def test_interrupting_nobody_does_nothing() -> None:
    assert RoomConversation(0.0, PACE).interrupt(1.0) == []


def test_a_player_who_types_on_cuts_the_answer() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("one", 0.0)
    answer(talk, Say("a long answer"))
    effects = talk.player_said("two", 0.05)
    assert completed(effects) == [True]
    assert Generate(2, PlayerSaid("two")) in effects


def test_a_greeting_is_given_out_whole_when_the_player_types_into_it() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.arrive(60.0, 0.0)
    answer(talk, Say("Welcome back, Ada. It has been a while."))
    effects = talk.player_said("hello", 0.05)
    assert said(effects).endswith("It has been a while.")
    assert completed(effects) == [False]


def test_a_mind_that_thinks_is_let_finish_and_then_hears_the_rest() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("one", 0.0)
    assert talk.player_said("two", 0.0) == []
    effects = answer(talk, Say("a long answer"))
    assert said(effects) == "a long answer"
    assert completed(effects) == [False]
    assert effects[-1] == Generate(2, PlayerSaid("two"))


def test_what_waits_for_a_thinking_mind_is_bounded() -> None:
    talk = RoomConversation(0.0, PACE)
    for number in range(20):
        talk.player_said(str(number), 0.0)
    assert talk.is_full
    assert len(talk._waiting) == 8


def test_an_interruption_of_a_thinking_mind_lets_the_next_one_have_the_turn() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("one", 0.0)
    talk.player_said("two", 0.0)
    assert talk.interrupt(0.0)[-1] == Generate(2, PlayerSaid("two"))


def test_a_mind_with_nothing_to_say_says_so() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    talk.player_said("hi", 0.0)
    assert answer(talk) == [
        PersistEntry("player", "hi"),
        Send(LlmNoResponse("abstain")),
        Send(BotTurnCompleted(False)),
    ]


def test_a_mind_that_breaks_down_aborts_the_turn() -> None:
    talk = RoomConversation(0.0, AT_ONCE)
    talk.player_said("hi", 0.0)
    assert Send(BotTurnCompleted(False, True, "dialogue_failed")) in talk.failed(1, 0.0)


def test_with_a_voice_the_turn_lasts_until_the_last_sound() -> None:
    talk = RoomConversation(0.0, AT_ONCE, voice=True)
    talk.player_said("hi", 0.0)
    effects = answer(talk, Say("Hello."))
    assert [e for e in effects if isinstance(e, SpeakText)] == [
        SpeakText(1, "Hello."),
        SpeakText(1, None),
    ]
    assert talk.is_busy
    assert types(talk.voice_started(1)) == ["bot-tts-started", "bot-started-speaking"]
    assert types(talk.voice_ended(1, 2.0)) == [
        "bot-stopped-speaking",
        "bot-turn-completed",
        "PersistEntry",
    ]


def test_an_interrupted_voice_stops_before_the_turn_is_completed() -> None:
    talk = RoomConversation(0.0, AT_ONCE, voice=True)
    talk.player_said("hi", 0.0)
    answer(talk, Say("Hello."))
    talk.voice_started(1)
    assert types(talk.interrupt(0.5)) == [
        "StopSpeaking",
        "bot-stopped-speaking",
        "bot-turn-completed",
        "PersistEntry",
    ]


def test_llm_stopped_comes_once_even_when_the_voice_goes_on() -> None:
    talk = RoomConversation(0.0, AT_ONCE, voice=True)
    talk.player_said("hi", 0.0)
    effects = answer(talk, Say("Hello.")) + talk.voice_started(1) + talk.tick(1.0)
    assert types(effects + talk.voice_ended(1, 2.0)).count("bot-llm-stopped") == 1


def test_a_silent_player_is_warned_once_and_then_the_talk_ends() -> None:
    talk = RoomConversation(0.0, PACE)
    assert talk.deadline() == 80.0
    assert talk.tick(79.9) == []
    assert talk.tick(80.0) == [Send(UserIdleWarning(20.0, "Are you still there?"))]
    assert talk.tick(90.0) == []
    assert talk.tick(100.0) == [End("idle-timeout")]


def test_any_activity_puts_the_warning_off() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.tick(80.0)
    talk.active(90.0)
    assert talk.deadline() == 170.0


def test_nobody_is_idle_who_is_not_there() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.set_present(False, 10.0)
    assert talk.tick(10_000.0) == []
    talk.set_present(True, 10_000.0)
    assert talk.deadline() == 10_080.0


def test_one_remark_breaks_a_silence_and_does_not_count_as_activity() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.player_said("hi", 0.0)
    answer(talk, Say("yes"))
    talk.tick(0.5)
    assert talk.tick(45.0) == [Generate(2, Silence())]
    answer(talk, Say("hm"), now=45.0)
    talk.tick(50.0)
    assert talk.deadline() == 80.0


def test_a_character_that_was_never_spoken_to_makes_no_remarks() -> None:
    talk = RoomConversation(0.0, PACE)
    talk.arrive(None, 0.0)
    answer(talk, Say("Hello."))
    talk.tick(1.0)
    assert talk.tick(60.0) == []


def test_arriving_tells_how_long_it_was() -> None:
    assert RoomConversation(0.0, PACE).arrive(9.0, 0.0) == [Generate(1, Arrived(9.0))]


PACE_TURN = TimingConfig(words_per_second=10.0, think_seconds=0.0)
LINES = (PlayerLine("I am", "m1", is_kept=True), PlayerLine("Ada."), PlayerLine("Hello?", "m2"))


def turn(wish: TurnRequest) -> AgentTurn:
    return AgentTurn(1, wish, PACE_TURN, 0.0, voice=False)


def test_lines_are_kept_once_and_owed_by_their_ids() -> None:
    it = turn(TurnRequest(PlayerSaid("I am Ada. Hello?"), LINES))
    it.part(Say("Good day."), 0.0)
    assert it.told() == [
        PersistEntry("player", "Ada."),
        PersistEntry("player", "Hello?", "m2"),
        PendingReply(("m1", "m2"), (Say("Good day."),)),
    ]
    assert it.told() == []


def test_what_has_no_id_is_owed_no_answer() -> None:
    assert turn(TurnRequest(PlayerSaid("Hi"), (PlayerLine("Hi"),))).told() == [
        PersistEntry("player", "Hi")
    ]


def test_a_greeting_and_an_answer_told_again_are_given_out_whole() -> None:
    wishes = (TurnRequest(Arrived()), TurnRequest(RepeatAnswer(())), TurnRequest(PlayerSaid("Hi")))
    assert [turn(wish).is_given_whole for wish in wishes] == [True, True, False]


def test_a_turn_is_over_when_thought_and_words_are_out() -> None:
    it = turn(TurnRequest(PlayerSaid("Hi")))
    it.part(Say("Good day."), 0.0)
    it.thought_out()
    assert (it.is_over, it.next_at) == (False, 0.1)
    it.let_out(0.1)
    assert (it.is_over, it.next_at) == (True, None)


PACE_PATIENCE = TimingConfig(idle_timeout=100.0, idle_warning=20.0, remark_after=30.0)


def test_a_silence_leads_to_a_warning_and_to_the_end() -> None:
    patience = IdleTimer(PACE_PATIENCE, 0.0)
    assert patience.deadline(is_busy=False) == 80.0
    assert patience.warning(80.0) == 20.0
    assert patience.warning(90.0) is None
    assert patience.deadline(is_busy=False) == 100.0
    assert patience.is_over(100.0)


def test_a_remark_is_made_once_for_each_that_is_allowed() -> None:
    patience = IdleTimer(PACE_PATIENCE, 0.0)
    assert not patience.takes_remark(40.0)
    patience.allow_remark()
    assert patience.deadline(is_busy=True) == 80.0
    assert patience.deadline(is_busy=False) == 30.0
    assert [patience.takes_remark(40.0) for _ in range(2)] == [True, False]


def test_nobody_is_waited_for_who_is_not_there() -> None:
    patience = IdleTimer(PACE_PATIENCE, 0.0)
    patience.set_present(False, 0.0)
    assert patience.deadline(is_busy=False) == math.inf
    assert not patience.is_over(1000.0)


@given(st.text("ab .\n\t\u00e9", max_size=40))
def test_the_pieces_of_a_text_join_again(text: str) -> None:
    assert "".join(pieces(text)) == text


def test_a_piece_is_a_word_with_the_space_before_it() -> None:
    assert pieces("One, two  three. ") == ["One,", " two", "  three. "]


@pytest.mark.parametrize(
    ("piece", "seconds"), [("word", 0.1), ("so,", 0.2), ("end.", 0.4), (" ?", 0.4)]
)
def test_a_breath_follows_a_sentence(piece: str, seconds: float) -> None:
    assert TimingConfig(words_per_second=10.0).seconds_for(piece) == pytest.approx(seconds)


def test_without_a_pace_everything_comes_at_once() -> None:
    assert TimingConfig(words_per_second=0.0).seconds_for("end.") == 0.0
