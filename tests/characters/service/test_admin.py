"""What a host asks a service, and who may."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from characters.protocol.failures import FailureKind
from characters.protocol.messages import ConnectRequest
from characters.service.access import AccessSettings, KeyRing
from characters.service.admin import AdminSettings
from characters.service.admission import AdmissionLimits
from characters.service.logs import ProblemLog
from characters.service.metrics import ServiceMetrics
from characters.service.service import ServiceSettings
from characters.transport.base import TransportError
from tests.characters.service.client import Bare, serve
from tests.characters.transport.stages import AT_ONCE

KEYS = {"ADMIN": "root-key", "FIGURES": "figures-key", "GAME": "game-key"}


def ring(name: str) -> KeyRing:
    return KeyRing(name, None, KEYS)


REMOTE = AccessSettings(
    keys=ring("GAME"), admin_keys=ring("ADMIN"), metrics_keys=ring("FIGURES"), allow_remote=True
)
BASIC = base64.b64encode(f"anybody:{KEYS['ADMIN']}".encode()).decode()
ADMIN = {"Authorization": f"Basic {BASIC}"}
GUARDED = ("/metrics", "/admin", "/admin/", "/admin/admin.js", "/admin/status.json")


async def ask(bare: Bare, path: str, **options: Any) -> tuple[int, str]:
    async with bare.http.get(bare.url + path, allow_redirects=False, **options) as answer:
        return answer.status, await answer.text()


async def order(bare: Bare, path: str, body: Any, **options: Any) -> int:
    async with bare.http.post(bare.url + path, json=body, **options) as answer:
        return answer.status


def test_alive_and_ready_are_told_to_anybody() -> None:
    async def play(bare: Bare) -> None:
        for path in ("/livez", "/readyz"):
            assert (await ask(bare, path))[0] == 200

    serve(play, access=REMOTE)


def test_a_node_that_drains_lives_but_is_not_ready() -> None:
    async def play(bare: Bare) -> None:
        await bare.stage.service.drain()
        assert (await ask(bare, "/livez"))[0] == 200
        assert await ask(bare, "/readyz") == (503, '{"status": "not ready", "why": ["draining"]}')
        bare.stage.service.stop_draining()
        assert (await ask(bare, "/readyz"))[0] == 200

    serve(play)


def test_a_node_whose_loop_is_late_is_not_ready() -> None:
    async def play(bare: Bare) -> None:
        service = bare.stage.service
        for _ in range(30):
            service.metrics.late(2.0, service.now())
        status, body = await ask(bare, "/readyz")
        assert (status, "loop is late" in body) == (503, True)

    serve(play)


def test_a_node_whose_store_fails_is_not_ready() -> None:
    async def play(bare: Bare) -> None:
        service = bare.stage.service

        async def fails(*_: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        service._repository.turns = fails  # type: ignore[method-assign, assignment]
        status, body = await ask(bare, "/readyz")
        assert (status, "does not answer (OperationalError)" in body) == (503, True)

    serve(play)


def test_a_node_that_cannot_save_is_not_ready_until_it_can() -> None:
    async def play(bare: Bare) -> None:
        service = bare.stage.service
        service.metrics.saved(0.1, service.now(), is_well=False)
        status, body = await ask(bare, "/readyz")
        assert (status, "takes no saves" in body) == (503, True)
        await bare.connect()
        assert (await ask(bare, "/readyz"))[0] == 200

    serve(play)


@pytest.mark.parametrize("path", GUARDED)
def test_figures_and_page_open_to_the_administrators_key_alone(path: str) -> None:
    async def play(bare: Bare) -> None:
        forms: list[dict[str, Any]] = [
            {"headers": {"X-Admin-Key": KEYS["ADMIN"]}},
            {"headers": {"Authorization": f"Bearer {KEYS['ADMIN']}"}},
            {"headers": ADMIN},
        ]
        for form in forms:
            assert (await ask(bare, path, **form))[0] in (200, 308)
        wrong: list[dict[str, Any]] = [
            {},
            {"headers": {"X-Admin-Key": "guess"}},
            {"headers": {"X-API-Key": KEYS["GAME"]}},
            {"headers": {"Authorization": f"Bearer {KEYS['GAME']}"}},
            {"headers": {"Authorization": "Basic !!!"}},
            {"headers": {"Authorization": "Basic"}},
        ]
        for form in wrong:
            assert (await ask(bare, path, **form))[0] == 401

    serve(play, access=REMOTE)


def test_a_key_for_figures_opens_nothing_else() -> None:
    async def play(bare: Bare) -> None:
        key = {"headers": {"Authorization": f"Bearer {KEYS['FIGURES']}"}}
        assert (await ask(bare, "/metrics", **key))[0] == 200
        assert (await ask(bare, "/admin/status.json", **key))[0] == 401

    serve(play, access=REMOTE)


@pytest.mark.parametrize(
    "access",
    [
        AccessSettings(keys=ring("GAME"), allow_remote=True),
        AccessSettings(trusts_proxy=True),
        AccessSettings(public_url="wss://talk.example.org"),
    ],
)
def test_where_others_may_come_nothing_is_open_without_a_key(access: AccessSettings) -> None:
    async def play(bare: Bare) -> None:
        for path in GUARDED:
            status, body = await ask(bare, path)
            assert (status, "--admin-key-env" in body) == (404, True)

    serve(play, access=access)


def test_on_its_own_machine_figures_are_open_and_the_page_is_not() -> None:
    async def play(bare: Bare) -> None:
        assert (await ask(bare, "/metrics"))[0] == 200
        assert (await ask(bare, "/admin/"))[0] == 404

    serve(play)


def test_a_browser_is_asked_for_the_key() -> None:
    async def play(bare: Bare) -> None:
        async with bare.http.get(bare.url + "/admin/") as answer:
            assert answer.headers["WWW-Authenticate"].startswith("Basic ")

    serve(play, access=REMOTE)


def test_figures_tell_of_rooms_connects_turns_and_saves() -> None:
    async def play(bare: Bare) -> None:
        async with bare.room():
            await bare.post("/connect", character_id="nobody")
            _, text = await ask(bare, "/metrics")
        for line in (
            'troupe_rooms{state="live"} 1.0',
            'troupe_connects_total{outcome="fresh"} 1.0',
            'troupe_connects_total{outcome="404"} 1.0',
            'troupe_turns_total{outcome="completed"} 1.0',
            "troupe_sessions 1.0",
        ):
            assert line in text.splitlines()
        assert 'troupe_saves_total{outcome="ok"}' in text

    serve(play)


def test_the_page_comes_with_a_policy_and_without_inline_script() -> None:
    async def play(bare: Bare) -> None:
        async with bare.http.get(bare.url + "/admin/", headers=ADMIN) as answer:
            policy, page = answer.headers["Content-Security-Policy"], await answer.text()
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.count("<script") == page.count('<script src="admin.js"') == 1
        assert " style=" not in page
        assert " onclick" not in page
        assert (await ask(bare, "/admin/other.js", headers=ADMIN))[0] == 404

    serve(play, access=REMOTE)


def test_the_status_shows_states_and_shortened_ids_and_no_words() -> None:
    problems = ProblemLog(ServiceMetrics())

    async def play(bare: Bare) -> None:
        problems.handle(
            logging.LogRecord("characters.agents.llm", logging.WARNING, "", 1, "HTTP 500", (), None)
        )
        async with bare.room(end_user_id="ada-lovelace") as (guest, grant):
            await guest.say("count 3")
            await guest.until("bot-turn-completed")
            _, text = await ask(bare, "/admin/status.json", headers=ADMIN)
            status = json.loads(text)
        (room,) = status["rooms"]
        assert (room["character"], room["state"], room["turns"]) == ("counter", "quiet", 2)
        assert status["problems"][0]["text"] == "HTTP 500"
        assert status["counts"]["connects"] == {"fresh": 1}
        for secret in ("ada-lovelace", "count 3", "1 2 3", grant["room_name"], grant["token"]):
            assert secret not in text

    access = replace(REMOTE, keys=None, allow_remote=False)
    serve(play, access=access, admin=AdminSettings("node-a", problems=problems))


def test_a_page_that_only_looks_changes_nothing() -> None:
    async def play(bare: Bare) -> None:
        assert await order(bare, "/admin/drain", {"on": True}, headers=ADMIN) == 403
        assert await order(bare, "/admin/forget", {"end_user_id": "ada"}, headers=ADMIN) == 403
        assert not bare.stage.service.is_draining

    serve(play, access=REMOTE)


def test_the_page_drains_and_takes_in_again() -> None:
    async def play(bare: Bare) -> None:
        headers = {"X-API-Key": KEYS["GAME"]}
        assert await order(bare, "/admin/drain", {"on": True}, headers=ADMIN) == 200
        body = {"character_id": "counter"}
        assert await order(bare, "/connect", body, headers=headers) == 503
        assert await order(bare, "/admin/drain", {"on": False}, headers=ADMIN) == 200
        assert await order(bare, "/connect", body, headers=headers) == 200

    serve(play, access=REMOTE, admin=AdminSettings(may_act=True))


def test_the_page_forgets_a_player() -> None:
    async def play(bare: Bare) -> None:
        headers = {"X-API-Key": KEYS["GAME"]}
        body = {"character_id": "counter", "end_user_id": "ada"}
        assert await order(bare, "/connect", body, headers=headers) == 200
        for unfit in ({}, {"end_user_id": ""}, {"end_user_id": 3}):
            assert await order(bare, "/admin/forget", unfit, headers=ADMIN) == 422
        assert await order(bare, "/admin/forget", [], headers=ADMIN) == 400
        half = {"end_user_id": "\ud83d"}  # of a character
        assert await order(bare, "/admin/forget", half, headers=ADMIN) == 400
        assert await order(bare, "/admin/forget", {"end_user_id": "ada"}, headers=ADMIN) == 200
        assert len(bare.stage.service.registry) == 0

    serve(play, access=REMOTE, admin=AdminSettings(may_act=True))


FOREIGN = [(it, 403) for it in ("https://evil.example", "null", "http://[", "")]


def test_another_web_page_may_not_press_the_buttons() -> None:
    async def play(bare: Bare) -> None:
        for origin, status in [*FOREIGN, (bare.url, 200)]:
            headers = {**ADMIN, "Origin": origin}
            found = await order(bare, "/admin/drain", {"on": False}, headers=headers)
            assert found == status

    serve(play, access=REMOTE, admin=AdminSettings(may_act=True))


def test_goodbyes_are_spread_and_a_hurry_says_them_at_once() -> None:
    async def play(bare: Bare) -> None:
        service = bare.stage.service
        async with bare.room() as (first, _), bare.room() as (second, _):
            draining = asyncio.create_task(service.drain())
            done, _ = await asyncio.wait(
                (asyncio.create_task(first.ended()), asyncio.create_task(second.ended())),
                return_when=asyncio.FIRST_COMPLETED,
            )
            assert len(done) == 1
            assert not draining.done()
            service.hurry()
            await draining

    serve(play, ServiceSettings(timing=AT_ONCE, drain_seconds=600.0))


def test_the_id_of_a_request_comes_back_and_is_the_rooms_trace() -> None:
    async def play(bare: Bare) -> None:
        body, headers = {"character_id": "counter"}, {"X-Request-ID": "my-request"}
        async with bare.http.post(bare.url + "/connect", json=body, headers=headers) as answer:
            assert (await answer.json())["request_trace_id"] == "my-request"
        async with bare.http.post(bare.url + "/connect", json={}, headers=headers) as answer:
            assert (answer.status, answer.headers["X-Request-ID"]) == (422, "my-request")

    serve(play)


def test_the_page_is_in_the_package() -> None:
    import characters.service

    folder = Path(str(characters.service.__file__)).parent / "admin_page"
    assert {path.name for path in folder.iterdir()} == {"index.html", "admin.css", "admin.js"}


def test_a_full_node_says_when_to_come_back_and_lets_in_who_is_inside() -> None:
    settings = ServiceSettings(timing=AT_ONCE, admission=AdmissionLimits(max_lag=0.1))

    async def play(bare: Bare) -> None:
        service = bare.stage.service
        grant = await bare.connect()
        for _ in range(50):
            service.metrics.late(0.5, service.now())
        body: dict[str, Any] = {"character_id": "counter"}
        async with bare.http.post(bare.url + "/connect", json=body) as answer:
            said = (await answer.json())["detail"]
            assert (answer.status, "concurrency limit" in said) == (429, True)
            assert int(answer.headers["Retry-After"]) >= 2
        transport = bare.stage.transport
        with pytest.raises(TransportError) as caught:
            await transport.connect(ConnectRequest("counter"))
        why = caught.value.failure
        assert (why.kind, why.code) == (FailureKind.ADVISED, "connection.concurrency_limit")
        assert (why.retry_after or 0.0) >= 2.0
        back = {"character_session_id": grant["character_session_id"], **body}
        for inside in (
            {"mode": "join", "room_name": grant["room_name"], **back},
            back,
        ):
            async with bare.http.post(bare.url + "/connect", json=inside) as answer:
                assert answer.status == 200
        assert service.metrics.connects["429"] == 2

    serve(play, settings)
