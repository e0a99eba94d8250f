from __future__ import annotations

import numpy as np
import pytest

from characters.audio.mixer import Mixer, Track
from characters.audio.signal import Samples
from characters.protocol.turn_settings import BargeIn

RATE = 48_000
BLOCK = 480


def steady(seconds: float, value: int = 8_000) -> bytes:
    return np.full(round(RATE * seconds), value, np.int16).tobytes()


def render(mixer: Mixer, seconds: float) -> Samples:
    return np.concatenate([mixer.render(BLOCK) for _ in range(round(seconds * RATE / BLOCK))])


def test_nothing_to_say_is_silence() -> None:
    assert not render(Mixer(RATE), 0.05).any()


def test_a_voice_in_the_middle_is_equally_loud_on_both_sides() -> None:
    mixer = Mixer(RATE)
    mixer.play("a", steady(0.5), RATE)
    out = render(mixer, 0.1)
    assert out[1_000].tolist() == [5_657, 5_657]


def test_a_pan_to_the_right_silences_the_left() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 1.0, 1.0)
    mixer.play("a", steady(0.5), RATE)
    left, right = render(mixer, 0.1)[1_000]
    assert left == 0 and right == 8_000


def test_two_voices_are_summed() -> None:
    mixer = Mixer(RATE)
    for key, pan in (("a", -1.0), ("b", -1.0)):
        mixer.place(key, 1.0, pan)
        mixer.play(key, steady(0.5, 5_000), RATE)
    assert render(mixer, 0.1)[1_000].tolist() == [10_000, 0]


def test_many_loud_voices_never_wrap() -> None:
    mixer = Mixer(RATE)
    for number in range(8):
        mixer.play(str(number), steady(0.5, 30_000), RATE)
    assert render(mixer, 0.3).min() >= 0


def test_volume_and_distance_multiply() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 0.5, -1.0)
    mixer.set_volume("a", 0.5)
    mixer.play("a", steady(0.5), RATE)
    assert render(mixer, 0.1)[1_000, 0] == 2_000


def test_the_master_volume_scales_all_voices_without_a_click() -> None:
    mixer = Mixer(RATE)
    for key in ("a", "b"):
        mixer.place(key, 0.5, -1.0)
        mixer.play(key, steady(0.5), RATE)
    before = render(mixer, 0.1)[-1, 0]
    mixer.set_master(0.5)
    after = render(mixer, 0.1)[:, 0]
    assert after[-1] == pytest.approx(before / 2, abs=2)
    assert np.abs(np.diff(after.astype(int))).max() < before / 20


def test_another_rate_is_resampled_to_the_same_length() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 1.0, -1.0)
    tone = (8_000 * np.sin(2 * np.pi * 200 * np.arange(22_050) / 22_050)).astype(np.int16)
    mixer.play("a", tone.tobytes(), 22_050)
    loud = np.abs(render(mixer, 1.2)[:, 0]) > 500
    assert loud[: RATE // 2].mean() > 0.9 and np.flatnonzero(loud)[-1] == pytest.approx(
        RATE, abs=2_000
    )


def test_a_short_burst_waits_for_the_jitter_buffer_and_is_played_all_the_same() -> None:
    mixer = Mixer(RATE)
    mixer.play("a", steady(0.02), RATE)
    assert not render(mixer, 0.05).any()
    assert render(mixer, 0.1).any()


def test_it_is_playing_until_the_last_sample_is_out() -> None:
    mixer = Mixer(RATE)
    assert not mixer.is_playing("a")
    mixer.play("a", steady(0.2), RATE)
    render(mixer, 0.19)
    assert mixer.is_playing("a")
    render(mixer, 0.06)
    assert not mixer.is_playing("a")


def test_an_underrun_dies_away_without_a_click_and_then_goes_on() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 1.0, -1.0)
    mixer.play("a", steady(0.105), RATE)
    out = render(mixer, 0.2)[:, 0].astype(int)
    assert np.abs(np.diff(out[10:])).max() < 200
    mixer.play("a", steady(0.2), RATE)
    assert render(mixer, 0.1)[2_000, 0] == 8_000
    assert mixer.underruns("a") == 1


def test_an_interruption_fades_out_in_a_hundred_and_twenty_milliseconds() -> None:
    mixer = Mixer(RATE)
    mixer.play("a", steady(5.0), RATE)
    render(mixer, 0.5)
    mixer.interrupt("a")
    out = render(mixer, 0.2)[:, 0].astype(int)
    silent = int(np.flatnonzero(out)[-1]) / RATE
    assert 0.11 < silent <= 0.121
    assert np.abs(np.diff(out)).max() < 100
    assert not mixer.is_playing("a")


def test_a_new_answer_right_after_an_interruption_is_heard_in_full() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 1.0, -1.0)
    mixer.play("a", steady(5.0), RATE)
    render(mixer, 0.1)
    mixer.interrupt("a")
    render(mixer, 0.02)
    mixer.play("a", steady(0.3, 4_000), RATE)
    out = render(mixer, 0.5)[:, 0].astype(int)
    assert np.count_nonzero(out == 4_000) >= 0.29 * RATE
    assert np.abs(np.diff(out[:4_000])).max() < 100


class AskedTrack(Track):
    """A track that is asked, as other threads do, whether it plays when more is queued."""

    def __init__(self) -> None:
        super().__init__(RATE, BargeIn())
        self.said: list[bool] = []

    def queue(self, samples: Samples, rate: int) -> None:
        self.said.append(self.is_playing)
        super().queue(samples, rate)


def test_between_what_was_cut_off_and_what_comes_next_it_never_counts_as_silent() -> None:
    track = AskedTrack()
    said = np.full(RATE, 8_000, np.int16)
    track.queue(said, RATE)
    track.render(RATE // 10)
    track.interrupt()
    track.queue(said, RATE)
    track.render(RATE // 5)
    assert track.said == [False, True, True]


@pytest.mark.parametrize("left_seconds", [0.01, 0.055, 0.1, 0.12])
def test_a_voice_that_was_cut_off_in_its_last_moment_speaks_again(left_seconds: float) -> None:
    mixer = Mixer(RATE)
    mixer.play("a", steady(0.1 + left_seconds), RATE)
    render(mixer, 0.1)
    mixer.interrupt("a")
    render(mixer, 0.2)
    mixer.play("a", steady(0.5), RATE)
    assert np.count_nonzero(render(mixer, 0.6)[:, 0]) >= 0.5 * RATE
    assert not mixer.is_playing("a")


def test_ducking_takes_fifty_milliseconds_and_restoring_a_hundred() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 1.0, -1.0)
    mixer.play("a", steady(5.0), RATE)
    render(mixer, 0.1)
    mixer.duck("a", True)
    assert render(mixer, 0.05)[-1, 0] == 2_000
    assert render(mixer, 0.05)[-1, 0] == 2_000
    mixer.duck("a", False)
    assert render(mixer, 0.05)[-1, 0] == 5_000
    assert render(mixer, 0.05)[-1, 0] == 8_000


def test_how_it_ducks_and_fades_may_change_while_it_plays() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 1.0, -1.0)
    mixer.play("a", steady(5.0), RATE)
    render(mixer, 0.1)
    mixer.set_barge_in(BargeIn(duck_gain=0.5, fade_out_seconds=0.2))
    mixer.duck("a", True)
    assert render(mixer, 0.1)[-1, 0] == 4_000
    mixer.interrupt("a")
    assert render(mixer, 0.15)[-1, 0] > 0
    assert not render(mixer, 0.1)[-1].any()


def test_what_was_played_is_handed_on_block_by_block() -> None:
    told: list[Samples] = []
    mixer = Mixer(RATE, played=told.append)
    mixer.play("a", steady(0.5), RATE)
    assert np.array_equal(mixer.render(480), told[0])


def test_one_interrupted_voice_leaves_the_others_alone() -> None:
    mixer = Mixer(RATE)
    for key, pan in (("a", -1.0), ("b", 1.0)):
        mixer.place(key, 1.0, pan)
        mixer.play(key, steady(1.0), RATE)
    render(mixer, 0.1)
    mixer.interrupt("a")
    out = render(mixer, 0.3)
    assert np.all(out[:, 1] == 8_000) and out[-1, 0] == 0


def test_moving_while_speaking_does_not_click() -> None:
    mixer = Mixer(RATE)
    mixer.play("a", steady(1.0), RATE)
    before = render(mixer, 0.1)[-1:]
    mixer.place("a", 1.0, 1.0)
    out = np.concatenate([before, render(mixer, 0.05)])[:, 1].astype(int)
    assert out[-1] > out[0] + 1_000 and np.abs(np.diff(out)).max() < 50


def test_the_level_follows_the_voice_and_not_its_place() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 0.0, 0.0)
    mixer.play("a", steady(0.3), RATE)
    render(mixer, 0.1)
    assert mixer.level("a") > 0.7
    render(mixer, 0.5)
    assert mixer.level("a") == 0.0 and mixer.level("nobody") == 0.0


def test_a_runaway_sender_fills_no_memory() -> None:
    mixer = Mixer(RATE)
    for _ in range(100):
        mixer.play("a", steady(2.0), RATE)
    mixer.interrupt("a")
    assert not mixer.is_playing("a")


def test_who_was_ducked_while_silent_begins_ducked() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 1.0, -1.0)
    mixer.duck("a", True)
    mixer.play("a", steady(0.5), RATE)
    assert render(mixer, 0.05)[0, 0] == round(8_000 * BargeIn().duck_gain)


def test_who_is_restored_in_silence_begins_at_full_loudness() -> None:
    mixer = Mixer(RATE)
    mixer.place("a", 1.0, -1.0)
    mixer.duck("a", True)
    mixer.play("a", steady(0.1), RATE)
    render(mixer, 0.3)
    mixer.duck("a", False)
    mixer.play("a", steady(0.5), RATE)
    assert render(mixer, 0.05)[0, 0] == 8_000


def test_the_limiter_recovers_in_silence() -> None:
    mixer = Mixer(RATE)
    for key in "abc":
        mixer.place(key, 1.0, -1.0)
        mixer.play(key, steady(0.2, 30_000), RATE)
    render(mixer, 0.8)
    mixer.play("a", steady(0.2), RATE)
    assert render(mixer, 0.05)[0, 0] == 8_000


def test_the_level_is_nothing_once_the_voice_is_over() -> None:
    mixer = Mixer(RATE)
    mixer.play("a", steady(0.1), RATE)
    render(mixer, 0.3)
    assert mixer.level("a") == 0.0 and not mixer.is_playing("a")


def test_what_is_still_to_be_heard_is_known_in_seconds() -> None:
    mixer = Mixer(48_000)
    assert mixer.waiting("a") == 0.0
    mixer.play("a", bytes(2 * 48_000), 48_000)
    assert mixer.waiting("a") == 1.0
    for _ in range(10):
        mixer.render(480)
    assert abs(mixer.waiting("a") - 0.9) < 0.01
