"""Faults of the conversation: the service lost it, refuses it, or gives it to its owner only."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from characters.session.conversation import ResumeOutcome, SessionRecord, SessionState
from characters.session.policy import ReconnectPolicy, ResumePolicy
from tests.bench.case import percentile
from tests.faults.harness import ServiceHarness, TrackedSession
from tests.faults.row import Row
from tests.faults.runtime_real import a_harness, pass_time

__all__ = ["rows"]

PATIENT = ReconnectPolicy.PATIENT
STRICT = replace(PATIENT, resume_policy=ResumePolicy.ALWAYS_RESUME)
CONNECTED, ERROR = SessionState.CONNECTED, SessionState.ERROR
QUIET_SECONDS = 3.0


def rows(quick: bool) -> Iterable[Row]:
    """Return the figures; `quick` tries fewer of each."""
    yield restarts(2 if quick else 10)
    yield refusals()


def restarts(times: int) -> Row:
    """Kill the service and start it again, its sessions kept or lost."""
    right, back = Counter[str](), []
    with TemporaryDirectory() as folder, ServiceHarness(Path(folder)) as harness:
        lenient = harness.open_session("nurse", policy=PATIENT)
        strict = harness.open_session("porter", policy=STRICT)
        for turn in range(2 * times):
            keeps = turn < times
            for it in (lenient, strict):
                it.handle.clear_session_id()
                it.disconnect()
                it.connect()
                it.events.clear()
            back.append(_restart(harness, Path(folder), keeps, lenient))
            harness.until(lambda: strict.state in (CONNECTED, ERROR))
            right[f"{keeps}"] += _came_to(lenient, strict, keeps)
    figure = (
        f"sessions kept: {right['True']}/{times} resumed; lost: {right['False']}/{times} fresh, and"
        f" an error for ALWAYS_RESUME; usable {percentile(back, 0.5):.2f} /"
        f" {percentile(back, 0.99):.2f} s after it listened"
    )
    row = "service killed and restarted, with and without its state (p50 / p99)"
    return Row(4, row, figure, right.total() == 2 * times and max(back) < 4.5)


def _restart(harness: ServiceHarness, folder: Path, keeps: bool, session: TrackedSession) -> float:
    harness.service.kill()
    if not keeps:
        shutil.rmtree(folder / "service")
    harness.service.start()
    began = perf_counter()
    harness.until(lambda: session.arrivals)
    return perf_counter() - began


def _came_to(lenient: TrackedSession, strict: TrackedSession, keeps: bool) -> bool:
    resume, error = lenient.arrivals[-1].resume, strict.handle.view.error
    if keeps:
        return resume is not None and resume.outcome is ResumeOutcome.RESUMED and error is None
    is_fresh = resume is not None and resume.outcome is ResumeOutcome.FRESH
    return is_fresh and error is not None and error.code == "session.resume_refused"


def refusals() -> Row:
    """Come back to a session that expired, was revoked, or is somebody else's."""
    results: dict[str, bool] = {}
    with a_harness() as harness:
        owner = harness.open_session("nurse", policy=PATIENT, end_user_id="me")
        owner.connect()
        session_id = owner.handle.view.session_id or ""
        for name, fields in (
            ("another player's", {"character_id": "nurse", "end_user_id": "you"}),
            ("another character's", {"character_id": "porter", "end_user_id": "me"}),
        ):
            for policy in (PATIENT, STRICT):
                key = f"{name} {policy.resume_policy}"
                record = SessionRecord(session_id, harness.proxy.url, None, None, 1.0)
                harness.store.store(key, record)
                it = harness.open_session(**fields, session_key=key, policy=policy)
                results[key] = _refused(harness, it, it.handle.connect)
        for policy in (PATIENT, STRICT):
            it = harness.open_session("doctor", session_key=f"revoked {policy.resume_policy}")
            it.handle.apply_policy(policy)
            it.connect()
            harness.runtime.expire_session(it.handle.key)
            results[it.handle.key] = _refused(harness, it, it.handle.cut)
    with a_harness("--session-ttl", "0.2") as harness:
        for policy in (PATIENT, STRICT):
            brief = replace(policy, room_rejoin_ttl_seconds=0.0)
            it = harness.open_session("nurse", session_key=f"expired {policy.resume_policy}")
            it.handle.apply_policy(brief)
            it.connect()
            it.disconnect()
            pass_time(harness, 2.5)  # longer than the service takes to sweep
            results[it.handle.key] = _refused(harness, it, it.handle.connect)
    wrong = [name for name, is_right in results.items() if not is_right]
    figure = f"{len(results) - len(wrong)} of {len(results)} right" + "".join(
        f"; wrong: {name}" for name in wrong
    )
    row = "session expired, revoked, another's: fresh, or an error and 0 tries more"
    return Row(11, row, figure, not wrong)


def _refused(harness: ServiceHarness, it: TrackedSession, action: Callable[[], object]) -> bool:
    """Tell whether a refusal ends as the policy says, and nothing is tried after an error."""
    it.events.clear()
    action()
    if it.handle.policy.resume_policy is not ResumePolicy.ALWAYS_RESUME:
        harness.until(lambda: it.arrivals)
        resume = it.arrivals[-1].resume
        return resume is not None and resume.outcome is ResumeOutcome.FRESH
    harness.until(lambda: it.state is ERROR)
    tries, error = harness.proxy.accepted, it.handle.view.error
    pass_time(harness, QUIET_SECONDS)
    is_quiet = harness.proxy.accepted == tries
    return is_quiet and error is not None and error.code == "session.resume_refused"
