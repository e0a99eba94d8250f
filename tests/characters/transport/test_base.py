from __future__ import annotations

import pytest

from characters.protocol.failures import failure
from characters.transport.base import TransportError


@pytest.mark.parametrize(
    ("code", "retryable"),
    [("connection.refused", True), ("connection.invalid_api_key", False)],
)
def test_an_error_is_as_retryable_as_its_failure(code: str, retryable: bool) -> None:
    error = TransportError(failure(code))
    assert error.retryable is retryable
    assert str(error) == error.failure.message
