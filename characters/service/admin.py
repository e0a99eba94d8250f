"""What a host asks a service: is it alive, is it ready, what are its figures; and a page to see it.

`/livez` and `/readyz` are for whoever starts services and balances between them, `/metrics` is for
Prometheus, `/admin` for a browser. The page is three files without a build step; it shows states,
figures and shortened ids, and no words of players. It changes nothing unless `may_act`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

from aiohttp import web

from characters.protocol.codec import shorten_id
from characters.service.bodies import read_object
from characters.service.logs import ProblemLog
from characters.service.metrics import (
    Gauge,
    Histogram,
    ServiceMetrics,
    exposition,
    has_prometheus,
)
from characters.service.registry import RefusalError
from characters.service.room import LiveRoom
from characters.service.service import Service
from engine.core.errors import install_command

__all__ = ["AdminSettings", "admin_routes"]

PAGE = {"": ("index.html", "text/html"), "admin.css": ("admin.css", "text/css"),
        "admin.js": ("admin.js", "text/javascript")}  # fmt: skip
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MOST_ROOMS = 200  # that the page lists: those that wait first


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """What the administrator's page shows of a node, and whether it may change anything."""

    node: str = "one node"
    may_act: bool = False
    problems: ProblemLog | None = None


def admin_routes(service: Service, settings: AdminSettings) -> list[web.AbstractRouteDef]:
    """Return the routes; who may ask for them is for the `Guard` to say."""
    admin = _Admin(service, settings)
    return [
        web.get("/livez", admin.alive),
        web.get("/readyz", admin.ready),
        web.get("/metrics", admin.metrics),
        web.get("/admin", admin.to_page),
        web.get("/admin/status.json", admin.status),
        web.get("/admin/{name:[a-z.]*}", admin.page),
        web.post("/admin/drain", admin.drain),
        web.post("/admin/forget", admin.forget),
    ]


class _Admin:
    def __init__(self, service: Service, settings: AdminSettings) -> None:
        self._service = service
        self._settings = settings
        self._draining: asyncio.Task[None] | None = None

    async def alive(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "alive"})

    async def ready(self, request: web.Request) -> web.StreamResponse:
        ills = await self._service.ills()
        answer = {"status": "not ready" if ills else "ready", "why": list(ills)}
        return web.json_response(answer, status=503 if ills else 200)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        if not has_prometheus():
            needed = f"figures need the extra `metrics`: {install_command('metrics')}"
            raise RefusalError(501, needed)
        text = exposition(self._service.metrics, tuple(_gauges(self._service)))
        kind = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=text, headers=kind)

    # --- the page ----------------------------------------------------------------------------

    async def to_page(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=308, headers={"Location": "/admin/"})

    async def page(self, request: web.Request) -> web.StreamResponse:
        found = PAGE.get(request.match_info["name"])
        if found is None:
            raise RefusalError(404, "there is no such page")
        name, kind = found
        text = files("characters.service").joinpath("admin_page", name).read_text("utf-8")
        return web.Response(text=text, content_type=kind, headers=HEADERS)

    async def status(self, request: web.Request) -> web.StreamResponse:
        answer = _status(self._service, self._settings) | {"ills": await self._service.ills()}
        return web.json_response(answer, headers=HEADERS)

    # --- what the page may do ----------------------------------------------------------------

    async def drain(self, request: web.Request) -> web.StreamResponse:
        body = await self._order(request)
        if body.get("on") is False:
            self._service.stop_draining()
        elif not self._service.is_draining:
            self._draining = asyncio.create_task(self._service.drain())
        return web.json_response({"status": "done"})

    async def forget(self, request: web.Request) -> web.StreamResponse:
        player = (await self._order(request)).get("end_user_id")
        if not isinstance(player, str) or not player:
            raise RefusalError(422, "end_user_id is needed: the id of a player")
        return web.json_response({"forgotten": await self._service.forget(player)})

    async def _order(self, request: web.Request) -> dict[str, Any]:
        """Return what is asked. Raises RefusalError."""
        if not self._settings.may_act:
            raise RefusalError(403, "this page only looks: start the service with --admin-acts")
        return await read_object(request, self._service.loop)


def _gauges(service: Service) -> Iterator[Gauge]:
    rooms = service.registry.rooms
    live = sum(room.live_id is not None for room in rooms)
    states = {"live": float(live), "away": float(len(rooms) - live)}
    yield Gauge("rooms", "Rooms with a client, and without.", "state", states)
    waiting = sum(room.recorder.asked_at is not None for room in service.live_rooms)
    yield Gauge("waiting", "Players that wait for the first word.", "", {"": float(waiting)})
    yield Gauge("sessions", "Conversations that are kept.", "", {"": float(len(service.registry))})
    draining = {"": float(service.is_draining)}
    yield Gauge("draining", "1 while clients are sent away.", "", draining)
    now, lags = service.now(), service.metrics.lags
    late = {f"{share:g}": lags.quantile(share, now) or 0.0 for share in (0.5, 0.95, 0.99)}
    yield Gauge("lag_now_seconds", "How late the loop was in the last seconds.", "quantile", late)


def _status(service: Service, settings: AdminSettings) -> dict[str, Any]:
    metrics, now = service.metrics, service.now()
    rooms = sorted(service.live_rooms, key=lambda room: -_waited(room, now))
    problems = () if settings.problems is None else settings.problems.last
    return {
        "node": settings.node,
        "may_act": settings.may_act,
        "uptime": now - service.started_at,
        "draining": service.is_draining,
        "drain_seconds": service.settings.drain_seconds,
        "sessions": len(service.registry),
        "counts": _counts(metrics),
        "latency": _latency(metrics, now),
        "states": _states(rooms),
        "rooms": [_row(room, now) for room in rooms[:MOST_ROOMS]],
        "problems": [asdict(problem) for problem in problems],
    }


def _counts(metrics: ServiceMetrics) -> dict[str, dict[str, int]]:
    names = ("connects", "turns", "transcripts", "dropped", "saves", "problems")
    return {name: dict(getattr(metrics, name)) for name in names}


def _latency(metrics: ServiceMetrics, now: float) -> dict[str, float | None]:
    """Return figures of now in seconds; those of saves are since the start."""
    windows: tuple[tuple[str, Callable[[float, float], float | None]], ...] = (
        ("lag", metrics.lags.quantile),
        ("word", metrics.words.quantile),
    )
    found = {
        f"{name}_p{share}": quantile(share / 100, now)
        for name, quantile in windows
        for share in (50, 95, 99)
    }
    return found | {f"save_p{share}": _bound(metrics.save, share / 100) for share in (50, 99)}


def _bound(histogram: Histogram, share: float) -> float | None:
    found = histogram.quantile(share)
    return histogram.bounds[-1] if found == float("inf") else found


def _states(rooms: list[LiveRoom]) -> dict[str, int]:
    found = dict.fromkeys(("waits", "speaks", "quiet", "away"), 0)
    for room in rooms:
        found[_state(room)] += 1
    return found


def _state(live: LiveRoom) -> str:
    if live.room.live_id is None:
        return "away"
    if live.recorder.asked_at is not None:
        return "waits"
    return "speaks" if live.is_busy else "quiet"


def _waited(live: LiveRoom, now: float) -> float:
    asked_at = live.recorder.asked_at
    return 0.0 if asked_at is None else now - asked_at


def _row(live: LiveRoom, now: float) -> dict[str, Any]:
    room = live.room
    return {
        "room": shorten_id(room.name),
        "character": room.session.character_id,
        "state": _state(live),
        "waited": _waited(live, now),
        "heard": now - (room.heard_at if room.live_id is not None else room.left_at),
        "turns": live.recorder.turns,
        "agent": room.agent,
    }
