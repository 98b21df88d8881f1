"""A clock that counts samples: exact, the same however the stream is cut, anchored again when it must be."""

from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.sample_clock import BOUND_NS, STEP_NS, WINDOW_CHUNKS, WINDOW_NS, SampleClock

START = 1_790_000_000_123_456_789
RATE = 2_400_000
BUFFER = 131_072  # samples of a buffer of rtl_tcp's: 54.6 ms
RATES = st.sampled_from([1.0, 48_000.0, 44_100.0, 1e6 / 3, 250_000.0, 2.4e6, 61.44e6])


class Stream:
    """A radio that takes samples at RATE and hands over buffers, some late, some never."""

    def __init__(self, clock: SampleClock, ppm: float = 0.0) -> None:
        self.clock, self.taken = clock, 0
        self.interval = Fraction(1_000_000_000, RATE) * (1 + Fraction(ppm) / 1_000_000)

    def lose(self, samples: int) -> None:
        self.taken += samples

    def give(self, buffers: int = 1, *, late_ns: int = 0, behind: bool = False) -> tuple[int, int]:
        """The last stamp, and when that sample was taken."""
        stamped = true = 0
        for _ in range(buffers):
            self.taken += BUFFER
            true = START + int(self.taken * self.interval)
            stamped = self.clock.stamp(BUFFER, true + late_ns, behind=behind)
        return stamped, true


def told(clock: SampleClock) -> tuple[int, int, int]:
    return clock.anchored, clock.gaps, clock.lost


@given(rate=RATES, chunks=st.lists(st.integers(1, 10**9), min_size=1, max_size=30))
def test_a_stamp_is_the_anchor_and_the_samples_since_exactly(rate: float, chunks: list[int]) -> None:
    """Also after years: 10**10 samples at one a second."""
    clock = SampleClock(rate)
    stamps = [clock.stamp(chunk, START, behind=True) for chunk in chunks]
    anchor = START - int(chunks[0] * 1_000_000_000 / Fraction(rate))
    assert stamps[0] == START
    assert stamps == [anchor + count * 1_000_000_000 * Fraction(rate).denominator // Fraction(rate).numerator
                      for count in accumulate(chunks)]  # fmt: skip


@given(rate=RATES, first=st.integers(1, 10**6), cuts=st.lists(st.integers(1, 10**6), max_size=30))
def test_how_a_stream_is_cut_changes_no_time(rate: float, first: int, cuts: list[int]) -> None:
    whole, cut = SampleClock(rate), SampleClock(rate)
    whole.stamp(first, START)
    cut.stamp(first, START)
    stamps = [cut.stamp(each, START, behind=True) for each in cuts]
    if cuts:
        assert stamps[-1] == whole.stamp(sum(cuts), START, behind=True)
        assert all(before <= after for before, after in pairwise([START, *stamps]))


def test_jitter_moves_nothing() -> None:
    """Each buffer up to 100 ms late, but one in ten."""
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stream.give()
    for number in range(2000):
        stamped, true = stream.give(late_ns=0 if number % 10 == 0 else number * 7_919_000 % 100_000_000)
        assert stamped == true
    assert told(clock) == (0, 0, 0)


def test_a_pause_after_which_everything_comes_in_a_burst_moves_nothing() -> None:
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stream.give(100)
    for left in range(60, 0, -1):  # 3.3 s of buffers at the same instant
        stamped, true = stream.give(late_ns=(left - 1) * 54_613_333)
        assert stamped == true
    stream.give(100)
    assert told(clock) == (0, 0, 0)


def test_what_was_read_while_more_was_there_tells_nothing() -> None:
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stream.give(100)
    stream.give(500, late_ns=9_000_000_000, behind=True)
    assert told(clock) == (0, 0, 0)


@pytest.mark.parametrize("buffers", [1, 3, 50, 1000])
def test_missing_buffers_are_counted_and_times_are_right_again(buffers: int) -> None:
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stream.give(100)
    stream.lose(buffers * BUFFER)
    stamped, true = stream.give(2 * WINDOW_NS // 54_613_333 + 2)
    assert abs(stamped - true) <= 1
    assert clock.gaps == clock.anchored == 1
    assert abs(clock.lost - buffers * BUFFER) <= 1


def test_every_single_buffer_of_many_is_counted() -> None:
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stream.give(100)
    for _ in range(20):
        stream.lose(BUFFER)
        stream.give(60)
    assert clock.gaps == 20
    assert abs(clock.lost - 20 * BUFFER) <= 20


def test_what_was_late_only_comes_after_all() -> None:
    """A network slower than the stream for a while, and faster after."""
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stream.give(100)
    stream.give(100, late_ns=3_000_000_000)
    assert clock.lost == pytest.approx(3 * RATE, abs=1)
    stamped, true = stream.give(100)
    assert (clock.lost, abs(stamped - true) <= 1) == (0, True)


@pytest.mark.parametrize("ppm", [60.0, -60.0])
def test_a_crystal_that_is_off_is_followed_within_the_bound_and_loses_nothing(ppm: float) -> None:
    clock = SampleClock(RATE)
    stream = Stream(clock, ppm)
    worst = 0
    for _ in range(10_000):  # 9000 s
        stamped, true = stream.give(15)
        worst = max(worst, abs(stamped - true))
    assert clock.anchored == 2
    assert (clock.gaps, clock.lost) == (0, 0)
    assert 0.99 * BOUND_NS < worst < BOUND_NS + STEP_NS


def test_a_first_chunk_that_was_read_late_is_mended() -> None:
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stamped, true = stream.give(late_ns=900_000_000)
    assert stamped == true + 900_000_000
    stamped, true = stream.give(40)
    assert (stamped - true, told(clock)) == (0, (1, 0, 0))


def test_lost_samples_that_the_source_knows_of_move_no_time() -> None:
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stream.give(100)
    stream.lose(12_345_678)
    clock.skip(12_345_678)
    stamped, true = stream.give(100)
    assert stamped == true
    assert told(clock) == (0, 1, 12_345_678)


def test_an_overrun_of_unknown_length_anchors_with_the_next_chunk_and_is_counted_by_its_lateness() -> None:
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stream.give(100)
    stream.lose(5000)
    clock.overrun()
    stamped, true = stream.give()
    assert (stamped, clock.gaps, clock.anchored) == (true, 1, 1)
    assert abs(clock.lost - 5000) <= 1


def test_a_reconnect_anchors_again_and_loses_nothing() -> None:
    clock = SampleClock(RATE)
    stream = Stream(clock)
    stream.give(100)
    stream.lose(100 * RATE)
    clock.anchor_again()
    stamped, true = stream.give(100)
    assert abs(stamped - true) <= 1
    assert told(clock) == (1, 0, 0)


def test_a_window_is_a_second_and_some_chunks() -> None:
    """What a slow stream sends in bursts of few buffers is not judged by the first of a burst."""
    clock = SampleClock(1000)
    clock.stamp(1000, START)
    for number in range(1, 40):  # buffers of 1 s, each given in 4 parts, all at its end
        for part in (1, 2, 3, 4):
            stamped = clock.stamp(250, START + number * WINDOW_NS)
            assert stamped == START + number * WINDOW_NS - (4 - part) * 250_000_000
    assert WINDOW_CHUNKS > 4
    assert told(clock) == (0, 0, 0)
