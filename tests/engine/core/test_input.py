from __future__ import annotations

import pytest

from engine.core.input import Input


def test_a_key_is_down_in_one_frame_and_held_until_it_is_released() -> None:
    keys = Input()
    keys.press("w")
    assert (keys.get_key("w"), keys.get_key_down("w")) == (True, True)
    keys.end_frame()
    assert (keys.get_key("w"), keys.get_key_down("w")) == (True, False)
    keys.release("w")
    assert (keys.get_key("w"), keys.get_key_up("w")) == (False, True)


def test_a_key_that_was_tapped_between_two_frames_is_not_missed() -> None:
    keys = Input()
    keys.press("f5")
    keys.release("f5")
    assert keys.get_key_down("f5")
    assert keys.get_key_up("f5")
    assert not keys.get_key("f5")


def test_a_key_repeat_is_not_a_new_press() -> None:
    keys = Input()
    keys.press("backspace")
    keys.end_frame()
    keys.press("backspace")
    assert not keys.get_key_down("backspace")
    assert keys.get_key_repeat("backspace")


def test_presses_within_one_slow_frame_are_counted() -> None:
    keys = Input()
    for _ in range(3):
        keys.press("down")
        keys.release("down")
    assert keys.get_key_repeat("down") == 3
    keys.end_frame()
    assert keys.get_key_repeat("down") == 0


def test_an_action_answers_to_each_of_its_keys_and_can_be_bound_anew() -> None:
    keys = Input({"talk": ("t", "pad 0")})
    keys.press("pad 0")
    assert keys.get_button("talk")
    assert keys.get_button_down("talk")
    keys.release("pad 0")
    assert keys.get_button_up("talk")
    keys.press("pad 0")
    keys.bindings["talk"] = ("space",)
    assert not keys.get_button("talk")


def test_an_unknown_action_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"fly.*known.*left"):
        Input().get_button("fly")


@pytest.mark.parametrize(
    ("held", "expected"), [(["a"], -1.0), (["right"], 1.0), (["a", "d"], 0.0), (["a", "left"], -1)]
)
def test_an_axis_is_the_sum_of_its_keys(held: list[str], expected: float) -> None:
    keys = Input()
    for key in held:
        keys.press(key)
    assert keys.get_axis("horizontal") == expected


def test_down_is_positive_on_the_vertical_axis_as_on_the_screen() -> None:
    keys = Input()
    keys.press("s")
    assert keys.get_axis("vertical") == 1.0


def test_a_stick_moves_an_axis_but_not_from_within_its_dead_zone() -> None:
    keys = Input()
    keys.set_axis("horizontal", 0.1)
    assert keys.get_axis("horizontal") == 0.0
    keys.set_axis("horizontal", -0.5)
    assert keys.get_axis("horizontal") == -0.5


def test_axes_are_zero_while_a_text_field_has_the_keys() -> None:
    keys = Input()
    keys.press("d")
    keys.captured = object()
    assert keys.get_axis("horizontal") == 0.0
    assert keys.get_key("d")


def test_typed_text_is_kept_for_one_frame() -> None:
    keys = Input()
    keys.type_text("né")
    keys.type_text("e")
    assert keys.typed == "née"
    keys.end_frame()
    assert keys.typed == ""


def test_losing_the_focus_lets_go_of_every_key_and_stick() -> None:
    keys = Input()
    keys.press("w")
    keys.set_axis("horizontal", 1.0)
    keys.release_all()
    assert (keys.get_key("w"), keys.get_key_up("w")) == (False, True)
    assert keys.get_axis("horizontal") == 0.0


def test_mouse_buttons_and_position_are_read_as_they_were_fed() -> None:
    mouse = Input()
    mouse.move_mouse(3.0, 4.0)
    mouse.mouse_press(1)
    assert mouse.mouse_position == (3.0, 4.0)
    assert mouse.get_mouse_button_down(1)
    mouse.mouse_release(1)
    assert mouse.get_mouse_button_up(1)
    assert not mouse.get_mouse_button(1)
