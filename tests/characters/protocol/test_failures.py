from __future__ import annotations

import pytest

from characters.protocol.failures import (
    FAILURES,
    CharactersError,
    FailureKind,
    classify_http,
    failure,
)


@pytest.mark.parametrize(
    ("status", "detail", "code", "kind"),
    [
        (400, "malformed", "connection.bad_request", "terminal"),
        (400, "invalid character_session_id", "session.invalid_id", "resume_refused"),
        (401, "Invalid API key", "connection.invalid_api_key", "terminal"),
        (402, None, "connection.quota_exceeded", "terminal"),
        (403, "not allowed", "connection.not_allowed", "terminal"),
        (404, "character not found", "connection.character_not_found", "terminal"),
        (404, "no persona file /room/x.toml", "connection.persona_not_found", "terminal"),
        (404, "session not found", "session.not_found", "resume_refused"),
        (404, "session expired", "session.expired", "resume_refused"),
        (404, "room not found", "connection.room_gone", "room_gone"),
        (404, "Not Found", "connection.not_found", "terminal"),
        (408, None, "connection.timeout", "transient"),
        (409, "live elsewhere", "session.live_elsewhere", "terminal"),
        (418, None, "connection.unexpected_status", "terminal"),
        (422, [{"loc": ["body", "mode"]}], "connection.validation", "terminal"),
        (429, "concurrency limit", "connection.concurrency_limit", "transient"),
        (429, "speaker limit", "connection.speaker_limit", "terminal"),
        (429, "monthly quota", "connection.quota_exceeded", "terminal"),
        (500, None, "connection.server_error", "transient"),
        (502, None, "connection.server_error", "transient"),
        (503, None, "connection.unavailable", "transient"),
        (599, "odd", "connection.server_error", "transient"),
    ],
)
def test_an_http_answer_has_its_class(status: int, detail: object, code: str, kind: str) -> None:
    why = classify_http(status, detail)
    assert (why.code, why.kind.value) == (code, kind)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_delay_that_the_server_advises_comes_before_all_other_classes(status: int) -> None:
    why = classify_http(status, "", retry_after=7.0)
    assert (why.kind, why.retry_after) == (FailureKind.ADVISED, 7.0)


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_refusal_for_good_stays_one_whatever_delay_comes_with_it(status: int) -> None:
    assert classify_http(status, "", retry_after=7.0).kind is FailureKind.TERMINAL


def test_only_a_terminal_failure_is_beyond_a_retry() -> None:
    unrecoverable = {code for code in FAILURES if not failure(code).recoverable}
    assert "connection.invalid_api_key" in unrecoverable
    assert not unrecoverable & {"connection.refused", "server.draining", "session.expired"}


def test_every_failure_says_what_to_do_and_where_it_happened() -> None:
    for code in FAILURES:
        why = failure(code)
        assert why.message.endswith(".") and len(why.message) > 20, code
        assert why.stage, code


def test_what_was_seen_stands_before_what_to_do() -> None:
    why = failure("connection.refused", "Port 80 is closed.")
    assert why.message.startswith("Port 80 is closed. Nobody listens")


def test_a_validation_error_names_the_field_but_never_its_value() -> None:
    detail = [{"loc": ["body", "persona"], "msg": "too long", "input": "my secret story"}]
    why = classify_http(422, detail)
    assert "body.persona: too long" in why.message
    assert "secret" not in why.message


@pytest.mark.parametrize("detail", [None, 7, {}, [7], [{"loc": 3}], "x" * 10_000])
def test_a_strange_detail_is_no_obstacle(detail: object) -> None:
    assert len(classify_http(422, detail).message) < 500


def test_an_error_is_not_retryable_unless_it_says_so() -> None:
    assert not CharactersError().retryable
