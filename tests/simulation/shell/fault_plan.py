"""The characters of a run of the whole product, and how often each fault strikes."""

from __future__ import annotations

from characters.session.policy import Persist, ReconnectPolicy, ResumePolicy

__all__ = ["CAST", "CHARACTER_FAULTS", "COMMON_FAULTS"]

KEPT, BRIEF = Persist.ACROSS_RESTARTS, Persist.UNTIL_DISCONNECT
CAST: tuple[tuple[ReconnectPolicy, Persist], ...] = (
    (ReconnectPolicy.DEFAULT, KEPT),
    (ReconnectPolicy.PATIENT, BRIEF),
    (ReconnectPolicy(resume_policy=ResumePolicy.ALWAYS_RESUME), KEPT),
    (ReconnectPolicy(room_rejoin_ttl_seconds=5.0, max_reconnect_attempts=5), KEPT),
    (ReconnectPolicy.ALWAYS_CREATE_NEW, KEPT),
    (ReconnectPolicy(auto_mic_start_delay_seconds=0.0), BRIEF),
)
# Mean seconds between two faults of a kind: of each character, then of all.
CHARACTER_FAULTS = {
    "reset": 45.0,
    "black_hole": 150.0,
    "cut_off": 200.0,
    "disconnect": 200.0,
    "forget": 400.0,
    "hibernate": 300.0,
    "expire": 400.0,
    "delay": 300.0,
    "says": 20.0,
    "speaks": 15.0,
    "take_back": 90.0,
    "answer_again": 120.0,
}
COMMON_FAULTS = {
    "save": 45.0,
    "load": 60.0,
    "crash": 200.0,
    "kill": 150.0,
    "drain": 300.0,
    "slow_disk": 300.0,
    "bad_disk": 400.0,
    "slow_service": 300.0,
    "bad_service": 400.0,
}
