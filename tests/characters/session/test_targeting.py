from __future__ import annotations

from dataclasses import replace

from characters.session.targeting import (
    Candidate,
    Target,
    TargetingMode,
    TargetingOptions,
    choose,
    score,
)

OPTIONS = TargetingOptions(reach=100.0)
DISTANCE = replace(OPTIONS, mode=TargetingMode.DISTANCE)
EAST, WEST = (1.0, 0.0), (-1.0, 0.0)


def at(key: str, x: float, y: float = 0.0) -> Candidate:
    return Candidate(key, (x, y))


def look(target: Target, *candidates: Candidate, now: float, pinned: bool = False) -> Target:
    return choose(target, candidates, EAST, now, DISTANCE, pinned=pinned)


def test_the_nearest_in_reach_is_the_first_target_at_once() -> None:
    target = look(Target(), at("far", 80.0), at("near", 20.0), now=0.0)
    assert target.key == "near"


def test_somebody_out_of_reach_is_never_a_target() -> None:
    assert look(Target(), at("far", 101.0), now=0.0).key is None


def test_facing_beats_a_slightly_smaller_distance() -> None:
    behind, ahead = at("behind", -40.0), at("ahead", 50.0)
    assert choose(Target(), [behind, ahead], EAST, 0.0, OPTIONS).key == "ahead"
    assert choose(Target(), [behind, ahead], WEST, 0.0, OPTIONS).key == "behind"


def test_a_character_behind_is_still_heard_when_alone() -> None:
    assert score(at("behind", -40.0), EAST, OPTIONS) > 0.0
    assert choose(Target(), [at("behind", -40.0)], EAST, 0.0, OPTIONS).key == "behind"


def test_a_player_who_looks_nowhere_is_judged_by_distance() -> None:
    assert score(at("a", 30.0), (0.0, 0.0), OPTIONS) == score(at("a", 30.0), EAST, DISTANCE)


def test_a_switch_waits_for_its_delay() -> None:
    target = look(Target("old"), at("old", 90.0), at("new", 10.0), now=1.0)
    assert target.key == "old"
    assert look(target, at("old", 90.0), at("new", 10.0), now=1.19).key == "old"
    assert look(target, at("old", 90.0), at("new", 10.0), now=1.21).key == "new"


def test_a_rival_that_falls_back_starts_its_delay_again() -> None:
    target = look(Target("old"), at("old", 90.0), at("new", 10.0), now=1.0)
    target = look(target, at("old", 10.0), at("new", 90.0), now=1.1)
    target = look(target, at("old", 90.0), at("new", 10.0), now=1.15)
    assert look(target, at("old", 90.0), at("new", 10.0), now=1.25).key == "old"


def test_two_at_nearly_the_same_distance_do_not_flicker() -> None:
    target = Target("a")
    for step in range(100):
        wobble = 2.0 if step % 2 else -2.0
        target = look(target, at("a", 50.0 + wobble), at("b", 50.0 - wobble), now=step * 0.1)
    assert target.key == "a"


def test_a_rival_must_be_better_by_the_margin_however_long_it_waits() -> None:
    target = Target("a")
    for step in range(100):
        target = look(target, at("a", 50.0), at("b", 45.0), now=step * 0.1)
    assert target.key == "a"
    target = look(target, at("a", 50.0), at("b", 40.0), now=20.0)
    assert look(target, at("a", 50.0), at("b", 40.0), now=20.3).key == "b"


def test_each_rival_waits_for_a_delay_of_its_own() -> None:
    target = look(Target("a"), at("a", 90.0), at("b", 40.0), at("c", 50.0), now=1.0)
    target = look(target, at("a", 90.0), at("b", 40.0), at("c", 10.0), now=1.15)
    target = look(target, at("a", 90.0), at("b", 40.0), at("c", 10.0), now=1.25)
    assert target.key == "a"
    assert look(target, at("a", 90.0), at("b", 40.0), at("c", 10.0), now=1.36).key == "c"


def test_the_target_never_clears_by_itself() -> None:
    assert look(Target("a"), now=0.0).key == "a"
    assert look(Target("a"), at("a", 500.0), now=1.0).key == "a"


def test_a_pinned_target_stays_however_near_another_is() -> None:
    target = Target("a")
    for step in range(10):
        target = look(target, at("a", 99.0), at("b", 1.0), now=step, pinned=True)
    assert target.key == "a"


def test_one_chosen_by_hand_stays_until_released() -> None:
    target = Target("x").talk_to("a")
    for now in (0.0, 1.0, 2.0):
        target = look(target, at("a", 99.0), at("b", 1.0), now=now)
    assert target.key == "a"
    target = look(target.release(), at("a", 99.0), at("b", 1.0), now=3.0)
    assert look(target, at("a", 99.0), at("b", 1.0), now=3.2).key == "b"


def test_manual_targeting_chooses_nobody_by_itself() -> None:
    manual = replace(OPTIONS, mode=TargetingMode.MANUAL)
    assert choose(Target(), [at("a", 1.0)], EAST, 0.0, manual).key is None
