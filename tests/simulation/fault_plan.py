"""Who lives in the simulated weather, and how often what strikes: all of it in one place."""

from __future__ import annotations

from collections.abc import Mapping

from characters.session.policy import IdlePolicy, Persist, ReconnectPolicy, ResumePolicy

__all__ = ["CAST", "CLIENT_FAULTS", "SERVICE_FAULTS", "TROUBLES"]

KEPT, BRIEF = Persist.ACROSS_RESTARTS, Persist.UNTIL_DISCONNECT
CAST: tuple[tuple[ReconnectPolicy, Persist], ...] = (
    (ReconnectPolicy.DEFAULT, KEPT),
    (ReconnectPolicy.ALWAYS_CREATE_NEW, KEPT),
    (ReconnectPolicy.PATIENT, BRIEF),
    (ReconnectPolicy(resume_policy=ResumePolicy.ALWAYS_RESUME), KEPT),
    (ReconnectPolicy(room_rejoin_ttl_seconds=120, max_reconnect_attempts=5), KEPT),
    (
        ReconnectPolicy(resume_policy=ResumePolicy.ALWAYS_FRESH, auto_mic_start_delay_seconds=0.0),
        BRIEF,
    ),
    (ReconnectPolicy(idle=IdlePolicy.HIBERNATE, hibernate_after_seconds=300.0), KEPT),
)
# Mean seconds between two faults of a kind, for each client.
CLIENT_FAULTS = {
    "reset": 1800.0,
    "black_hole": 5400.0,
    "cut_off": 7200.0,
    "outage": 720_000.0,
    "flapping": 43_200.0,
    "crash": 10800.0,
    "disconnect": 10800.0,
    "forget": 21600.0,
    "hibernate": 14400.0,
    "expire": 14400.0,
    "bye": 10800.0,
    "rival": 21600.0,
    "wall_jump": 14400.0,
    "delay": 14400.0,
    "acts": 3600.0,
    "says": 600.0,
}
SERVICE_FAULTS = {
    "kill": 10800.0,
    "drain": 14400.0,
    "slow_disk": 14400.0,
    "bad_disk": 28800.0,
    "lies": 14400.0,
    "slow_service": 14400.0,
    "bad_service": 28800.0,
}
# name -> (whose, which switch, for how many seconds)
TROUBLES: Mapping[str, tuple[str, str, float]] = {
    "slow_disk": ("player's disk", "is_slow", 60.0),
    "bad_disk": ("player's disk", "is_failing", 60.0),
    "slow_service": ("service's disk", "is_slow", 60.0),
    "bad_service": ("service's disk", "is_failing", 60.0),
    # It answers with other sessions than those asked for: no resume, whatever the status says.
    "lies": ("service", "is_lying", 300.0),
}
