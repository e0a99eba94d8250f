from __future__ import annotations

import math
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.agents.agent import (
    Arrived,
    BrokenOff,
    Do,
    Event,
    Feel,
    LimitReached,
    Part,
    PlayerSaid,
    Prompt,
    Say,
    Silence,
)
from characters.protocol.messages import (
    USER_TEXT,
    USER_VOICE,
    Action,
    ActionResponse,
    BotEmotion,
    BotLlmText,
    BotTurnCompleted,
    LlmNoResponse,
    Metrics,
    ModelUsage,
    RespondMode,
    UsageLimitReached,
    UserIdleWarning,
)
from characters.service.conversation import (
    MAX_UNANSWERED,
    MAX_WAITING,
    AgentTurn,
    RepeatAnswer,
    RoomConversation,
    TurnRequest,
)
from characters.service.effects import (
    Effects,
    End,
    Generate,
    Note,
    PendingReply,
    PersistEntry,
    PlayerLine,
    ResolveReply,
    ResumeSpeaking,
    Send,
    SpeakText,
    StopSpeaking,
)
from characters.service.overlap import NOTICED_WITHIN, OverlapEvent
from characters.service.pace import IdleTimer, TimingConfig, pieces

TIMING = TimingConfig(
    words_per_second=10.0, think_seconds=0.0, idle_timeout=100.0, idle_warning=20.0
)
AT_ONCE = TimingConfig(words_per_second=0.0, think_seconds=0.0)


def types(effects: Effects) -> list[str]:
    return [e.message.TYPE if isinstance(e, Send) else type(e).__name__ for e in effects]


def said(effects: Effects) -> str:
    texts = (
        e.message.text for e in effects if isinstance(e, Send) and isinstance(e.message, BotLlmText)
    )
    return "".join(texts)


def answer(conversation: RoomConversation, *parts: Part, now: float = 0.0) -> Effects:
    """Let the agent answer the turn that is open."""
    number = conversation._turns
    effects = [effect for part in parts for effect in conversation.part(number, part, now)]
    return effects + conversation.decided(number) + conversation.completed(number, now)


def completed(effects: Effects) -> list[bool]:
    ends = (e.message for e in effects if isinstance(e, Send))
    return [m.was_interrupted for m in ends if isinstance(m, BotTurnCompleted)]


def test_a_turn_runs_from_started_to_completed() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    asked = conversation.player_said("hi", 0.0)
    assert asked == [Generate(1, PlayerSaid("hi")), PersistEntry("player", "hi")]
    assert types(answer(conversation, Say("Good day."))) == [
        "bot-llm-started",
        "bot-llm-text",
        "bot-llm-text",
        "bot-llm-stopped",
        "bot-turn-completed",
        "PersistEntry",
    ]
    assert not conversation.is_busy


def test_what_the_player_said_is_kept_once_when_the_agent_is_asked() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    lines = (PlayerLine("hi", "m1", is_kept=True),)
    assert conversation.player_said("hi", 0.0, "m1") == [
        Generate(1, PlayerSaid("hi")),
        PersistEntry("player", "hi", "m1"),
        PendingReply(lines, None),
    ]
    conversation.part(1, Say("Good day."), 0.0)
    assert conversation.decided(1) == [PendingReply(lines, (Say("Good day."),))]
    assert conversation.decided(1) == []
    kept = [effect for effect in answer(conversation) if isinstance(effect, PersistEntry)]
    assert kept == [PersistEntry("character", "Good day.", answers="m1")]


def test_what_was_said_of_an_answer_that_is_cut_short_is_kept_and_marked() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    conversation.player_said("hi", 0.0, "m1")
    conversation.part(1, Say("Good day."), 0.0)
    kept = [effect for effect in conversation.interrupt(0.0) if isinstance(effect, PersistEntry)]
    assert kept == [PersistEntry("character", "Good day.", answers="m1", was_cut=True)]


def test_an_answer_that_the_player_cut_short_is_not_pending() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("hi", 0.0, "m1")
    assert ResolveReply("m1") not in answer(conversation, Say("A b c d e f g"))
    assert ResolveReply("m1") in conversation.player_said("stop", 0.2, "m2")


def test_a_completed_turn_names_the_line_that_it_answers() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    conversation.player_said("hi", 0.0, "m1")
    effects = answer(conversation, Do((Action("wave"),)), Say("Good day."))
    sent = [e.message for e in effects if isinstance(e, Send)]
    assert ActionResponse((Action("wave"),), "m1") in sent
    assert sent[-1] == BotTurnCompleted(message_id="m1")


# --- what an earlier room left -----------------------------------------------------------------

LEFT = (
    PendingReply(
        (PlayerLine("hi", "m1", is_kept=True),), (Feel("joy", 2), Say("Good day. Sit down."))
    ),
)


def test_an_answer_that_is_pending_is_repeated_after_the_greeting_and_no_agent_is_asked() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.arrive(3.0, 0.0)
    assert conversation.resume(LEFT, 0.0) == []
    effects = answer(conversation, Say("You are back."))
    assert said(effects + conversation.tick(9.0)) == "You are back.Good day. Sit down."
    assert not any(isinstance(effect, Generate | PendingReply) for effect in effects)


def test_an_answer_that_is_pending_is_repeated_at_once_by_a_character_that_does_not_greet() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    effects = conversation.resume(LEFT, 0.0)
    assert types(effects)[0] == "bot-emotion"
    assert effects[-2:] == [
        Send(BotTurnCompleted(message_id="m1")),
        PersistEntry("character", "Good day. Sit down.", answers="m1"),
    ]


def test_an_answer_that_is_repeated_is_given_out_whole_when_the_player_types_into_it() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.resume(LEFT, 0.0)
    effects = conversation.player_said("And then?", 0.1, "m2")
    assert completed(effects) == [False]
    assert ResolveReply("m1") not in effects


# --- when the game decides ----------------------------------------------------------------------


def manual(*lines: str) -> tuple[RoomConversation, Effects]:
    conversation = RoomConversation(0.0, AT_ONCE)
    conversation.set_modes(RespondMode.MANUAL.lanes)
    said = [conversation.player_said(line, 0.0, f"m{n}") for n, line in enumerate(lines, 1)]
    return conversation, [effect for effects in said for effect in effects]


def test_a_character_that_waits_to_be_asked_notes_what_is_said_and_is_silent() -> None:
    conversation, effects = manual("I am Ada.")
    assert effects == [
        PersistEntry("player", "I am Ada.", "m1"),
        Note("I am Ada."),
        PendingReply((PlayerLine("I am Ada.", "m1", is_kept=True),), None),
    ]
    assert not conversation.is_busy


def test_who_is_asked_answers_all_that_was_said_since() -> None:
    conversation, _ = manual("I am Ada.", "Who are you?")
    asked = Generate(1, PlayerSaid("I am Ada. Who are you?"))
    assert conversation.respond(1.0)[0] == asked
    effects = answer(conversation, Say("Bram."))
    (reply,) = (effect for effect in effects if isinstance(effect, PendingReply))
    assert (reply.message_ids, reply.parts) == (("m1", "m2"), (Say("Bram."),))
    assert not any(isinstance(e, PersistEntry) and e.speaker == "player" for e in effects)


def test_a_line_whose_answer_was_asked_for_is_not_answered_again() -> None:
    conversation, _ = manual("Who are you?")
    conversation.respond(1.0, message_id="m1")
    answer(conversation, Say("Bram."))
    assert conversation.respond(1.0, message_id="m1") == []


@pytest.mark.parametrize(("about", "wanted"), [("", Silence()), ("fire", Event("context", "fire"))])
def test_who_is_asked_to_speak_when_nothing_was_said_says_something(
    about: str, wanted: Prompt
) -> None:
    conversation, _ = manual()
    assert conversation.respond(1.0, about) == [Generate(1, wanted)]


def test_each_lane_has_its_own_mode() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    assert conversation.set_mode(USER_VOICE, "silent") == {USER_VOICE: "silent"}
    assert conversation.player_said("spoken", 0.0, "m1", USER_VOICE)[1] == Note("spoken")
    both = PlayerSaid("spoken typed")
    assert conversation.player_said("typed", 0.0, "m2", USER_TEXT)[0] == Generate(1, both)


def test_lines_that_an_earlier_room_left_unanswered_wait_on() -> None:
    conversation, _ = manual()
    waiting = PlayerLine("Who are you?", "m1", is_kept=True)
    assert conversation.resume([PendingReply((waiting,), None)], 0.0) == []
    asked = Generate(1, PlayerSaid("Who are you?"))
    assert conversation.respond(1.0, message_id="m1")[0] == asked


def test_lines_that_an_earlier_room_left_undecided_are_answered() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    lines = tuple(PlayerLine(text, text, is_kept=True) for text in ("one", "two"))
    undecided = [PendingReply((line,), None) for line in lines]
    assert conversation.resume(undecided, 0.0) == [
        Generate(1, PlayerSaid("one two")),
        PendingReply(lines, None),
    ]


def test_lines_that_nobody_asks_an_answer_to_are_bounded() -> None:
    conversation, effects = manual(*["Hm."] * (MAX_UNANSWERED + 1))
    assert ResolveReply("m1") in effects
    asked = PlayerSaid(" ".join(["Hm."] * MAX_UNANSWERED))
    assert conversation.respond(1.0)[0] == Generate(1, asked)


def test_who_waits_to_be_asked_makes_no_remarks() -> None:
    conversation, _ = manual("Hm.")
    assert conversation.tick(AT_ONCE.remark_after + 1.0) == []


def test_what_is_said_to_somebody_who_has_too_much_to_answer_is_kept() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    for _ in range(1 + MAX_WAITING):
        conversation.player_said("hi", 0.0)
    assert conversation.player_said("lost?", 0.0) == [PersistEntry("player", "lost?")]


def test_the_pieces_join_to_what_was_said() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    conversation.player_said("hi", 0.0)
    text = "Well,  hello there!\nMind the   tile. "
    assert said(answer(conversation, Say(text))) == text


def test_words_come_at_the_pace_of_speech() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("hi", 0.0)
    assert said(answer(conversation, Say("one two three four"))) == "one"
    assert conversation.deadline() == pytest.approx(0.1)
    assert said(conversation.tick(0.1)) == " two"
    assert said(conversation.tick(0.21)) + said(conversation.tick(0.31)) == " three four"


def test_a_late_tick_says_all_that_is_due() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("hi", 0.0)
    answer(conversation, Say("one two three four"))
    assert said(conversation.tick(5.0)) == " two three four"


def test_a_sentence_is_followed_by_a_breath() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("hi", 0.0)
    answer(conversation, Say("Stop. Now"))
    assert conversation.deadline() == pytest.approx(0.4)


def test_moods_and_actions_are_sent_at_once() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("hi", 0.0)
    wave = Do((Action("Wave"),))
    effects = conversation.part(1, Feel("joy", 2), 0.0) + conversation.part(1, wave, 0.0)
    assert effects == [Send(BotEmotion("joy", 2)), Send(ActionResponse(wave.actions))]


def test_an_interruption_ends_the_turn_with_what_was_said_so_far() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("hi", 0.0)
    answer(conversation, Say("one two three"))
    effects = conversation.interrupt(0.05)
    assert effects[0] == StopSpeaking(1)
    assert completed(effects) == [True]
    assert PersistEntry("character", "one", was_cut=True) in effects


def test_what_the_agent_adds_to_an_interrupted_turn_is_dropped() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("hi", 0.0)
    conversation.interrupt(0.0)
    assert conversation.part(1, Say("too late"), 0.1) == []
    assert conversation.completed(1, 0.1) == []
    assert conversation.voice_started(1) == []


def test_interrupting_nobody_does_nothing() -> None:
    assert RoomConversation(0.0, TIMING).interrupt(1.0) == []


def test_a_player_who_types_on_cuts_the_answer() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0)
    answer(conversation, Say("a long answer"))
    effects = conversation.player_said("two", 0.05)
    assert completed(effects) == [True]
    assert Generate(2, PlayerSaid("two")) in effects


def test_a_greeting_is_given_out_whole_when_the_player_types_into_it() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.arrive(60.0, 0.0)
    answer(conversation, Say("Welcome back, Ada. It has been a while."))
    effects = conversation.player_said("hello", 0.05)
    assert said(effects).endswith("It has been a while.")
    assert completed(effects) == [False]


def test_an_agent_that_answers_at_once_answers_each_line() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0)
    assert conversation.player_said("two", 0.0) == []
    effects = answer(conversation, Say("a long answer"))
    assert said(effects) == "a long answer"
    assert completed(effects) == [False]
    assert Generate(2, PlayerSaid("two")) in effects


# --- an agent that takes its time ---------------------------------------------------------------

SLOW = 1.0  # seconds into an answer


def test_what_the_player_says_into_an_answer_that_is_being_made_ends_it_at_once() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0, "m1")
    conversation.part(1, Say("The gate is"), SLOW)
    effects = conversation.player_said("two", SLOW + 0.01, "m2")
    assert completed(effects) == [True]
    assert PersistEntry("character", "The", None, "m1", was_cut=True) in effects
    assert ResolveReply("m1") in effects
    assert Generate(2, PlayerSaid("two")) in effects
    assert conversation.part(1, Say(" old."), SLOW + 0.1) == [], "what comes late is never let out"


def test_an_agent_that_has_said_nothing_is_asked_anew_about_all_that_was_said() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0, "m1")
    effects = conversation.player_said("two", SLOW, "m2")
    assert effects[0] == StopSpeaking(1)
    assert Generate(2, PlayerSaid("one two")) in effects
    assert completed(effects) == [], "for the player it is one turn"
    kept = [effect for effect in effects if isinstance(effect, PersistEntry)]
    assert kept == [PersistEntry("player", "two", "m2")]
    (reply,) = (e for e in conversation.decided(2) if isinstance(e, PendingReply))
    assert reply.message_ids == ("m1", "m2")


def test_a_line_that_came_before_the_agent_was_slow_ends_its_answer_as_soon_as_it_is() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0)
    assert conversation.player_said("two", 0.01) == []
    assert conversation.deadline() == pytest.approx(0.05)
    assert Generate(2, PlayerSaid("one two")) in conversation.tick(0.05)


def test_what_happens_in_the_level_waits_for_an_answer_that_is_being_made() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0)
    assert conversation.prompt(Event("bell"), SLOW) == []
    assert Generate(2, Event("bell")) in answer(conversation, Say("Yes."), now=SLOW)


def test_an_agent_that_takes_its_time_is_seen_thinking_until_its_first_word() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0)
    assert conversation.tick(0.5) == []
    assert types(conversation.tick(conversation.deadline())) == ["bot-llm-started"]
    assert types(conversation.tick(0.7)) == []
    assert types(conversation.part(1, Say("Yes."), 2.0)) == ["bot-llm-text"]


def test_of_an_answer_that_is_broken_off_whole_sentences_are_told_and_it_is_marked() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0, "m1")
    conversation.part(1, Say("The gate is old. It was bui"), 0.0)
    effects = answer(conversation, BrokenOff("Where was I?", "model_failed"))
    effects += conversation.tick(9.0)
    assert PersistEntry("character", "The gate is old.", None, "m1", was_cut=True) in effects
    assert Send(BotTurnCompleted(False, True, "model_failed", "m1")) in effects
    (reply,) = (e for e in effects if isinstance(e, PendingReply))
    assert reply.parts == (Say("The gate is old."),)


def test_a_sentence_that_was_begun_to_be_told_gets_an_end() -> None:
    conversation = RoomConversation(0.0, AT_ONCE, voice=True)
    conversation.player_said("one", 0.0)
    effects = conversation.part(1, Say("The gate is old. It was bui"), 0.0)
    effects += answer(conversation, BrokenOff("Where was I?", "model_failed"))
    assert said(effects) == "The gate is old. It was bui\u2026 Where was I?"
    spoken = [effect.text for effect in effects if isinstance(effect, SpeakText)]
    assert spoken == ["The gate is old.", "Where was I?", None]


def test_an_answer_that_was_merely_long_is_not_marked() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0)
    conversation.part(1, Say("One. Two and th"), 0.0)
    effects = answer(conversation, BrokenOff()) + conversation.tick(9.0)
    assert PersistEntry("character", "One.") in effects
    assert Send(BotTurnCompleted(False)) in effects


def test_what_a_model_used_is_sent_and_its_limit_is_told() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0, "m1")
    used = ModelUsage("any", 20, 5, 0.1, 0.5, 20, 5, 1)
    effects = answer(conversation, Say("Yes."), used, LimitReached("It is spent."))
    sent = [effect.message for effect in effects if isinstance(effect, Send)]
    assert Metrics(custom=(asdict(used),)) in sent
    assert UsageLimitReached("session_tokens", "It is spent.") in sent
    assert PendingReply((PlayerLine("one", "m1", is_kept=True),), (Say("Yes."),)) in effects


def test_what_comes_in_syllables_is_spoken_in_sentences() -> None:
    conversation = RoomConversation(0.0, AT_ONCE, voice=True)
    conversation.player_said("one", 0.0)
    effects = answer(
        conversation, Say("Hel"), Say("lo. How"), Say(" are you"), Say("?"), Say(" So")
    )
    spoken = [effect.text for effect in effects if isinstance(effect, SpeakText)]
    assert spoken == ["Hello.", " How are you?", " So", None]


# --- interrupting a thought, a voice, a silence -------------------------------------------------


def test_what_waits_for_a_thinking_agent_is_bounded() -> None:
    conversation = RoomConversation(0.0, TIMING)
    for number in range(20):
        conversation.player_said(str(number), 0.0)
    assert conversation.is_full
    assert len(conversation._waiting) == 8


def test_an_interruption_of_a_thinking_agent_lets_the_next_one_have_the_turn() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("one", 0.0)
    conversation.player_said("two", 0.0)
    assert Generate(2, PlayerSaid("two")) in conversation.interrupt(0.0)


def test_an_agent_with_nothing_to_say_says_so() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    conversation.player_said("hi", 0.0)
    assert answer(conversation) == [
        Send(LlmNoResponse("abstain")),
        Send(BotTurnCompleted(False)),
    ]


def test_an_agent_that_breaks_down_aborts_the_turn() -> None:
    conversation = RoomConversation(0.0, AT_ONCE)
    conversation.player_said("hi", 0.0)
    assert Send(BotTurnCompleted(False, True, "dialogue_failed")) in conversation.failed(1, 0.0)


def test_with_a_voice_the_turn_lasts_until_the_last_sound() -> None:
    conversation = RoomConversation(0.0, AT_ONCE, voice=True)
    conversation.player_said("hi", 0.0)
    effects = answer(conversation, Say("Hello."))
    assert [e for e in effects if isinstance(e, SpeakText)] == [
        SpeakText(1, "Hello."),
        SpeakText(1, None),
    ]
    assert conversation.is_busy
    assert types(conversation.voice_started(1)) == ["bot-tts-started", "bot-started-speaking"]
    assert types(conversation.voice_ended(1, 2.0)) == [
        "bot-stopped-speaking",
        "bot-turn-completed",
        "PersistEntry",
    ]


def test_an_interrupted_voice_stops_before_the_turn_is_completed() -> None:
    conversation = RoomConversation(0.0, AT_ONCE, voice=True)
    conversation.player_said("hi", 0.0)
    answer(conversation, Say("Hello."))
    conversation.voice_started(1)
    assert types(conversation.interrupt(0.5)) == [
        "StopSpeaking",
        "bot-stopped-speaking",
        "bot-turn-completed",
        "PersistEntry",
    ]


def test_llm_stopped_comes_once_even_when_the_voice_goes_on() -> None:
    conversation = RoomConversation(0.0, AT_ONCE, voice=True)
    conversation.player_said("hi", 0.0)
    effects = (
        answer(conversation, Say("Hello.")) + conversation.voice_started(1) + conversation.tick(1.0)
    )
    assert types(effects + conversation.voice_ended(1, 2.0)).count("bot-llm-stopped") == 1


def test_a_silent_player_is_warned_once_and_then_the_talk_ends() -> None:
    conversation = RoomConversation(0.0, TIMING)
    assert conversation.deadline() == 80.0
    assert conversation.tick(79.9) == []
    assert conversation.tick(80.0) == [Send(UserIdleWarning(20.0, "Are you still there?"))]
    assert conversation.tick(90.0) == []
    assert conversation.tick(100.0) == [End("idle-timeout")]


def test_any_activity_puts_the_warning_off() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.tick(80.0)
    conversation.active(90.0)
    assert conversation.deadline() == 170.0


def test_nobody_is_idle_who_is_not_there() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.set_present(False, 10.0)
    assert conversation.tick(10_000.0) == []
    conversation.set_present(True, 10_000.0)
    assert conversation.deadline() == 10_080.0


def test_one_remark_breaks_a_silence_and_does_not_count_as_activity() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.player_said("hi", 0.0)
    answer(conversation, Say("yes"))
    conversation.tick(0.5)
    assert conversation.tick(45.0) == [Generate(2, Silence())]
    answer(conversation, Say("hm"), now=45.0)
    conversation.tick(50.0)
    assert conversation.deadline() == 80.0


def test_a_character_that_was_never_spoken_to_makes_no_remarks() -> None:
    conversation = RoomConversation(0.0, TIMING)
    conversation.arrive(None, 0.0)
    answer(conversation, Say("Hello."))
    conversation.tick(1.0)
    assert conversation.tick(60.0) == []


def test_arriving_tells_how_long_it_was() -> None:
    assert RoomConversation(0.0, TIMING).arrive(9.0, 0.0) == [Generate(1, Arrived(9.0))]


LINES = (PlayerLine("I am", "m1", is_kept=True), PlayerLine("Ada."), PlayerLine("Hello?", "m2"))


def turn(request: TurnRequest) -> AgentTurn:
    return AgentTurn(1, request, TIMING, 0.0, voice=False)


def test_lines_are_kept_once_and_their_reply_is_pending_by_their_ids() -> None:
    said = PlayerSaid("I am Ada. Hello?")
    it = turn(TurnRequest(said, LINES))
    kept = tuple(replace(line, is_kept=True) for line in LINES)
    assert it.begin() == [
        Generate(1, said),
        PersistEntry("player", "Ada."),
        PersistEntry("player", "Hello?", "m2"),
        PendingReply(kept, None),
    ]
    it.part(Say("Good day."), 0.0)
    assert it.decided() == [PendingReply(kept, (Say("Good day."),))]
    assert it.decided() == []


def test_what_has_no_id_has_no_pending_reply() -> None:
    it = turn(TurnRequest(PlayerSaid("Hi"), (PlayerLine("Hi"),)))
    assert it.begin() == [Generate(1, PlayerSaid("Hi")), PersistEntry("player", "Hi")]
    assert it.decided() == []


def test_a_greeting_and_an_repeated_answer_are_given_out_whole() -> None:
    requests = (
        TurnRequest(Arrived()),
        TurnRequest(RepeatAnswer(())),
        TurnRequest(PlayerSaid("Hi")),
    )
    assert [turn(request).is_given_whole for request in requests] == [True, True, False]


def test_a_turn_is_over_when_thought_and_words_are_out() -> None:
    it = turn(TurnRequest(PlayerSaid("Hi")))
    it.part(Say("Good day."), 0.0)
    it.decided()
    it.completed()
    assert (it.is_over, it.next_at) == (False, 0.1)
    it.let_out(0.1)
    assert (it.is_over, it.next_at) == (True, None)


IDLE_TIMING = TimingConfig(idle_timeout=100.0, idle_warning=20.0, remark_after=30.0)


def test_a_silence_leads_to_a_warning_and_to_the_end() -> None:
    idle = IdleTimer(IDLE_TIMING, 0.0)
    assert idle.deadline(is_busy=False) == 80.0
    assert idle.warning(80.0) == 20.0
    assert idle.warning(90.0) is None
    assert idle.deadline(is_busy=False) == 100.0
    assert idle.is_over(100.0)


def test_a_remark_is_made_once_for_each_that_is_allowed() -> None:
    idle = IdleTimer(IDLE_TIMING, 0.0)
    assert not idle.takes_remark(40.0)
    idle.allow_remark()
    assert idle.deadline(is_busy=True) == 80.0
    assert idle.deadline(is_busy=False) == 30.0
    assert [idle.takes_remark(40.0) for _ in range(2)] == [True, False]


def test_nobody_is_waited_for_who_is_not_there() -> None:
    idle = IdleTimer(IDLE_TIMING, 0.0)
    idle.set_present(False, 0.0)
    assert idle.deadline(is_busy=False) == math.inf
    assert not idle.is_over(1000.0)


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


def speaking(text: str = "One two three four.") -> RoomConversation:
    """Return a conversation in which a word of an answer was let out, at second 0."""
    conversation = RoomConversation(0.0, TIMING, voice=True)
    conversation.player_said("hi", 0.0, "m1")
    answer(conversation, Say(text))
    conversation.voice_started(1)
    return conversation


def test_a_paused_turn_lets_nothing_out_and_goes_on_where_it_was() -> None:
    conversation = speaking()
    assert types(conversation.pause(0.05, 12.5)) == ["PauseSpeaking", "bot-stopped-speaking"]
    assert conversation.heard(OverlapEvent.VOICE, 0.1) == []
    assert said(conversation.tick(1.0)) == "" and conversation.is_busy
    assert conversation.heard(OverlapEvent.NO_LINE, 2.0) == [ResumeSpeaking()]
    assert (
        said(conversation.tick(2.06)) == " two" and said(conversation.tick(9.0)) == " three four."
    )


def test_a_pause_is_forgiven_at_its_deadline() -> None:
    conversation = speaking()
    conversation.pause(0.05)
    assert conversation.deadline() == 0.05 + NOTICED_WITHIN
    assert ResumeSpeaking() in conversation.tick(0.05 + NOTICED_WITHIN)


def test_words_over_a_paused_turn_end_it_and_what_was_not_let_out_is_not_remembered() -> None:
    conversation = speaking()
    conversation.pause(0.05)
    effects = conversation.heard(OverlapEvent.WORDS, 1.0)
    assert completed(effects) == [True]
    assert PersistEntry("character", "One", None, "m1", was_cut=True) in effects
    assert Generate(2, PlayerSaid("stop")) in conversation.player_said("stop", 1.0)
    assert not conversation._overlap.is_paused


def test_a_turn_that_was_paused_while_its_voice_ends_is_not_over_before_it_goes_on() -> None:
    conversation = speaking("One.")
    conversation.pause(0.05)
    conversation.voice_ended(1, 0.1)
    assert conversation.is_busy
    conversation.heard(OverlapEvent.NO_LINE, 0.2)
    assert not conversation.is_busy


def test_there_is_nothing_to_pause_in_silence_nor_twice() -> None:
    assert RoomConversation(0.0, TIMING).pause(0.0) == []
    conversation = speaking()
    assert conversation.pause(0.05) and conversation.pause(0.06) == []


def test_a_typed_line_ends_a_paused_turn_as_any_other() -> None:
    conversation = speaking()
    conversation.pause(0.05)
    assert completed(conversation.player_said("stop", 0.1)) == [True]
    assert conversation.heard(OverlapEvent.NO_LINE, 0.2) == []


@pytest.mark.parametrize(
    ("text", "answer_so_far", "is_no_line"),
    [
        ("Uh-huh.", "One two.", True),
        ("Right.", "One two.", True),
        ("Right", "Is it right?", False),
        ("Stop!", "One two.", False),
    ],
)
def test_an_uh_huh_is_no_line_while_the_character_tells_something(
    text: str, answer_so_far: str, is_no_line: bool
) -> None:
    conversation = RoomConversation(0.0, AT_ONCE, voice=True)
    assert not conversation.is_no_line(text)
    conversation.player_said("hi", 0.0)
    assert not conversation.is_no_line(text)
    answer(conversation, Say(answer_so_far))
    assert conversation.is_no_line(text) == is_no_line
    assert conversation.is_no_line(text, to_the_end=False) == (text != "Stop!")
