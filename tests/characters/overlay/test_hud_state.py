from __future__ import annotations

from characters.overlay.hud_state import CaptionSize, HudState, Layer


def test_captions_are_on_at_first_and_go_round() -> None:
    size = HudState().caption_size
    assert size is CaptionSize.NORMAL
    assert [size.next, size.next.next, size.next.next.next] == [
        CaptionSize.LARGE,
        CaptionSize.OFF,
        CaptionSize.NORMAL,
    ]
    assert CaptionSize.LARGE.pixels > CaptionSize.NORMAL.pixels > CaptionSize.OFF.pixels == 0


def test_a_layer_opens_and_the_same_key_closes_it() -> None:
    state = HudState()
    state.open(Layer.HELP)
    assert state.is_capturing
    state.open(Layer.HELP)
    assert not state.is_capturing


def test_a_notice_goes_away_by_itself() -> None:
    state = HudState()
    state.say("Nobody is near.", now=10.0)
    state.expire(12.0)
    assert state.notice == "Nobody is near."
    state.expire(20.0)
    assert state.notice is None


def test_the_menu_goes_round_in_both_directions() -> None:
    state = HudState()
    state.move_menu(-1, 4)
    assert state.menu_index == 3
    state.move_menu(1, 4)
    assert state.menu_index == 0


def test_faults_are_aimed_by_number() -> None:
    state = HudState()
    state.choose_fault_target(2, ["a", "b"])
    assert state.fault_target == "b"
    state.choose_fault_target(7, ["a", "b"])
    assert state.fault_target == "b"
    state.choose_fault_target(0, ["a", "b"])
    assert state.fault_target is None
