"""The log of a service: its lines, their ids, and what is counted of it."""

from __future__ import annotations

import asyncio
import contextvars
import io
import json
import logging
from typing import Any

from characters.service.logs import (
    JsonFormatter,
    LoggedProblem,
    ProblemLog,
    begin_request,
    request_id,
)
from characters.service.metrics import ServiceMetrics


def lines(write: Any) -> list[dict[str, Any]]:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    log = logging.Logger("characters.service.test")
    log.addHandler(handler)
    contextvars.copy_context().run(write, log)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_an_object_with_time_level_logger_and_message() -> None:
    (line,) = lines(lambda log: log.info("%d rooms\nended", 3))
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "INFO",
        "logger": "characters.service.test",
        "message": "3 rooms\nended",
    }


def test_what_a_request_begins_logs_under_its_id() -> None:
    async def handle(log: logging.Logger) -> None:
        begin_request("from-the-client", "made")
        log.info("here")
        await asyncio.create_task(deeper(log))

    async def deeper(log: logging.Logger) -> None:
        log.info("deeper")

    async def other(log: logging.Logger) -> None:
        log.info("other")

    async def both(log: logging.Logger) -> None:
        await asyncio.gather(handle(log), other(log))

    found = {it["message"]: it.get("request") for it in lines(lambda log: asyncio.run(both(log)))}
    assert found == {"here": "from-the-client", "deeper": "from-the-client", "other": None}


def test_an_id_that_is_unfit_for_a_log_is_replaced() -> None:
    def write(log: logging.Logger) -> None:
        for given in ("", "x" * 65, 'a"b c', "line\nbreak", "ok-1.2_3"):
            assert begin_request(given, "made") == request_id()
            log.info("x")

    assert [line["request"] for line in lines(write)] == ["made"] * 4 + ["ok-1.2_3"]


def test_of_an_exception_only_kind_and_place_are_written() -> None:
    def write(log: logging.Logger) -> None:
        try:
            raise ValueError("what the player said")
        except ValueError:
            log.exception("it failed")

    (line,) = lines(write)
    assert line["error"] == "ValueError"
    assert line["at"].startswith("write:")
    assert "player" not in json.dumps(line)


def test_problems_are_counted_by_part_and_the_last_are_kept() -> None:
    problems = ProblemLog(ServiceMetrics())
    for name, level in (
        ("characters.agents.llm", logging.WARNING),
        ("characters.speech.factory", logging.ERROR),
        ("characters.service.voice", logging.ERROR),
        ("characters.service.store", logging.ERROR),
        ("characters.service.storehouse", logging.ERROR),
    ):
        problems.handle(logging.LogRecord(name, level, "", 1, "%s", ("broke",), None))
    assert problems.metrics.problems == {"model": 1, "speech": 2, "store": 1, "service": 1}
    first = problems.last[-1]
    assert first == LoggedProblem(first.at, "WARNING", "model", "broke")
    for _ in range(100):
        problems.handle(logging.LogRecord("x", logging.ERROR, "", 1, "y" * 999, (), None))
    assert len(problems.last) == 50
    assert len(problems.last[0].text) == 300
