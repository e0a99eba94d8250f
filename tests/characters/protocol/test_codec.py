from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from characters.protocol import messages as client_messages
from characters.protocol.codec import (
    READERS,
    SUPPORTED_TYPES,
    MessageError,
    decode_client,
    decode_server,
    encode_client,
    encode_server,
    parse_object,
    shorten_id,
)
from characters.protocol.messages import (
    Action,
    ActionResponse,
    BotEmotion,
    BotLlmText,
    BotReady,
    BotTurnCompleted,
    ClientMessage,
    ContextUpdate,
    InteractionCreated,
    InterruptBot,
    PauseBot,
    ServerMessage,
    ServerResponse,
    TriggerMessage,
    UnknownMessage,
    UpdateDynamicInfo,
    UserTextMessage,
    VadSttStarted,
    Visemes,
)

# A shared machine is slow at times; that says nothing about the code.
TEXT = st.text("ab \u00e9\u4e16\U0001f600", max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
CLIENT: list[ClientMessage] = [
    UserTextMessage("hello"),
    TriggerMessage("door", "it opened"),
    TriggerMessage(),
    ContextUpdate("it rains", run_llm="false"),
    ContextUpdate(run_llm="true", message_id="m1"),
    client_messages.RespondModeUpdate("user_text", "silent", "u1"),
    UpdateDynamicInfo("night"),
    client_messages.UpdateSceneMetadata(({"name": "torch", "description": "lit"},)),
    client_messages.UpdateTemplateKeys({"level": "5"}),
    client_messages.TtsToggle(False),
    client_messages.SttToggle(True),
    InterruptBot(),
    PauseBot(12.5),
    PauseBot(),
    client_messages.TakeBack(answer_again=True),
    client_messages.ForceUserStoppedSpeaking(),
    client_messages.ResetIdleTimer(),
    client_messages.KillPipeline(),
]
SERVER: list[ServerMessage] = [
    BotReady({"voice": True}),
    InteractionCreated("i", "s"),
    VadSttStarted(1.5, 300.0),
    BotLlmText("hi"),
    Visemes({"aa": 0.5}),
    BotTurnCompleted(True),
    BotTurnCompleted(message_id="m1"),
    ActionResponse((Action("Wave"), Action("Point", "door")), "m1"),
    BotEmotion("joy", 3),
    client_messages.TakenBack("Open it.", (Action("Open", "gate"),), True, "m2"),
    ServerResponse("tts-toggle", "success", "TTS enabled", {"enabled": True}),
]


@pytest.mark.parametrize("message", CLIENT, ids=lambda m: m.TYPE)
def test_a_client_message_survives_the_wire(message: ClientMessage) -> None:
    assert decode_client(json.loads(json.dumps(encode_client(message)))) == message


@pytest.mark.parametrize("message", SERVER, ids=lambda m: m.TYPE)
def test_a_server_message_survives_the_wire(message: ServerMessage) -> None:
    assert decode_server(json.loads(json.dumps(encode_server(message)))) == message


def test_every_client_type_is_tried_above() -> None:
    assert {message.TYPE for message in CLIENT} == set(SUPPORTED_TYPES)


@pytest.mark.parametrize(
    "raw",
    [
        {
            "label": "rtvi-ai",
            "type": "server-message",
            "data": {"type": "bot-emotion", "emotion": "joy", "scale": 2},
        },
        {"label": "rtvi-ai", "type": "bot-emotion", "data": {"emotion": "joy", "scale": 2}},
        {"type": "bot-emotion", "emotion": "joy", "scale": 2},
    ],
)
def test_all_three_shapes_are_accepted(raw: dict[str, Any]) -> None:
    assert decode_server(raw) == BotEmotion("joy", 2)


def test_the_output_stream_keeps_its_type_at_the_top_and_the_rest_is_wrapped() -> None:
    assert encode_server(BotLlmText("a"))["type"] == "bot-llm-text"
    assert encode_server(BotTurnCompleted())["type"] == "server-message"
    assert encode_server(ServerResponse("x"))["event_type"] == "x"


def test_absent_and_null_fields_take_their_defaults() -> None:
    raw = {"type": "server-message", "data": {"type": "bot-turn-completed", "error_reason": None}}
    assert decode_server(raw) == BotTurnCompleted(False, None, None)


def test_nested_fields_sit_where_the_contract_puts_them() -> None:
    assert encode_client(UpdateDynamicInfo("x"))["data"] == {"dynamic_info": {"text": "x"}}
    assert encode_server(Visemes({"aa": 1.0}))["data"]["visemes"] == {"aa": 1.0}


def test_a_server_type_from_the_future_is_no_error() -> None:
    assert decode_server(
        {"type": "server-message", "data": {"type": "bot-dances"}}
    ) == UnknownMessage("bot-dances")


def test_a_client_type_that_is_unknown_names_the_known_ones() -> None:
    with pytest.raises(MessageError) as caught:
        decode_client({"type": "sing"})
    assert caught.value.kind == "unknown-message-type"
    assert caught.value.extras == {"supported_types": list(SUPPORTED_TYPES)}


def test_a_missing_type_has_the_contracts_words() -> None:
    with pytest.raises(MessageError, match="Message missing required 'type' field") as caught:
        decode_client({"data": {}})
    assert caught.value.kind == "validation-error"


@pytest.mark.parametrize(
    "data", [None, {}, {"text": 5}, {"text": None}, {"text": "\ud800"}, [], "text", {"text": ["a"]}]
)
def test_a_malformed_field_is_a_validation_error(data: object) -> None:
    with pytest.raises(MessageError) as caught:
        decode_client({"type": "user_text_message", "data": data})
    assert caught.value.kind == "validation-error"


def test_a_word_outside_the_choices_is_refused() -> None:
    with pytest.raises(MessageError, match="none of append, replace, reset"):
        decode_client({"type": "context-update", "data": {"text": "x", "mode": "explode"}})


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[1]",
        "5",
        '{"a": NaN}',
        '{"a": Infinity}',
        "[" * 100_000,
        b"\xff\xfe\x00",
        "1" * 5000,
    ],
)
def test_what_is_no_json_object_is_a_parse_error(frame: str | bytes) -> None:
    with pytest.raises(MessageError) as caught:
        parse_object(frame)
    assert caught.value.kind == "parse-error"


@pytest.mark.parametrize("inner", ["[]", "0", '{"a":0}', '"x"'])
def test_a_message_of_too_many_values_is_too_large_however_few_bytes_it_has(inner: str) -> None:
    def frame(count: int) -> str:
        values = ",".join([inner] * count)
        return (
            f'{{"type":"update-scene-metadata","data":{{"scene_metadata":[{{"a":[{values}]}}]}}}}'
        )

    assert decode_client(parse_object(frame(2_000))) is not None
    with pytest.raises(MessageError) as caught:
        parse_object(frame(6_000))
    assert caught.value.kind == "too-large"
    with pytest.raises(MessageError, match="send it in parts"):
        encode_client(client_messages.UpdateTemplateKeys({"a": [0] * 6_000}))


@given(st.dictionaries(st.sampled_from(["type", "data", "label", "x"]), JSON, max_size=4))
def test_no_dictionary_at_all_breaks_a_decoder(raw: dict[str, Any]) -> None:
    for decode in (decode_client, decode_server):
        try:
            decode(raw)
        except MessageError as problem:
            assert problem.message


@given(st.sampled_from(SUPPORTED_TYPES), JSON)
def test_no_payload_at_all_breaks_a_known_type(kind: str, data: object) -> None:
    try:
        message = decode_client({"type": kind, "data": data})
    except MessageError:
        return
    assert kind == message.TYPE


def test_the_errors_text_does_not_repeat_what_was_said() -> None:
    with pytest.raises(MessageError) as caught:
        decode_client({"type": "context-update", "data": {"text": "x", "mode": "secret words"}})
    assert "secret" not in caught.value.message


def nested(depth: int) -> list[object]:
    """Return lists within lists, so many."""
    return [nested(depth - 1)] if depth > 1 else []


@pytest.mark.parametrize(
    ("annotation", "value", "clean"),
    [
        ("str", "a", "a"),
        ("float", 1, 1.0),
        ("int", 2.0, 2),
        ("bool", True, True),
        ("Mapping[str, object]", {"a": None}, {"a": None}),
        ("Mapping[str, object]", {"a": nested(33)}, {"a": nested(33)}),
        ("Mapping[str, float]", {"aa": 1}, {"aa": 1.0}),
        ("tuple[Action, ...]", [{"name": "Wave", "target": None}], (Action("Wave"),)),
    ],
)
def test_a_good_value_comes_out_clean(annotation: str, value: object, clean: object) -> None:
    assert READERS[annotation](value) == clean


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("str", 1),
        ("str", "\udc00"),
        ("float", True),
        ("float", float("nan")),
        ("int", 1.5),
        ("bool", 1),
        ("Mapping[str, object]", []),
        ("Mapping[str, object]", {"a": 10**400}),
        ("Mapping[str, object]", {"a": float("inf")}),
        ("Mapping[str, object]", {"a": {1}}),
        ("Mapping[str, object]", {"a": nested(34)}),
        ("Mapping[str, object]", {"a\udc00": 1}),
        ("object", nested(34)),
        ("Mapping[str, float]", {"aa": "wide"}),
        ("tuple[Action, ...]", [{"target": "door"}]),
        ("tuple[Action, ...]", "Wave"),
    ],
)
def test_a_bad_value_ends_the_sentence_of_the_error(annotation: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"^(must (be|hold) |is nested deeper )"):
        READERS[annotation](value)


def test_an_id_is_shown_by_its_first_four_characters_without_the_name_of_a_node() -> None:
    assert shorten_id("abcdefgh") == shorten_id("node-a.abcdefgh") == "abcd…"
    assert shorten_id(None) == "none"
