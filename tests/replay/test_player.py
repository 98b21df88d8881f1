"""The player against a fake clock: order kept, never early, nothing skipped or twice, gaps as long as they were."""

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.chunk import Chunk
from replay.player import CLOCK_STEP_NS, MAX_BYTES, MAX_CHUNKS, Player
from replay.recording import Placed

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND


def placed(chunks: list[Chunk], start: int = 0) -> Iterator[Placed]:
    """Chunks from one on, with the places after them."""
    return zip(chunks[start:], range(start + 1, len(chunks) + 1), strict=True)


def playing(chunks: list[Chunk], speed: float = 1.0, end_ns: int | None = None) -> Player:
    """A player of chunks from their beginning on."""
    return Player(placed(chunks), chunks[0].received_ns if chunks else 0, speed, end_ns)


def chunks_after(gaps: list[int]) -> list[Chunk]:
    """Numbered chunks with these times between them."""
    times = [START]
    for gap in gaps:
        times.append(times[-1] + gap)
    return [Chunk("a", number.to_bytes(4, "big"), time) for number, time in enumerate(times)]


def played(player: Player, now: float = 0.0, limit: int = 100_000) -> list[tuple[float, Chunk]]:
    """Everything a player hands over to a caller that wakes exactly at each deadline, with the time it was."""
    handed = []
    while (deadline := player.next_deadline()) is not None and len(handed) < limit:
        now = max(now, deadline)
        found = player.due(now)
        assert found
        handed += [(now, chunk) for chunk in found]
    return handed


forward = st.lists(st.integers(0, 600 * SECOND), max_size=60)
any_gaps = st.lists(st.integers(-5 * SECOND, 600 * SECOND), max_size=60)
speeds = st.one_of(st.floats(0.1, 1000), st.just(math.inf))


@given(any_gaps, speeds)
def test_a_caller_on_time_is_given_every_chunk_once_in_file_order(gaps, speed):
    chunks = chunks_after(gaps)
    player = playing(chunks, speed)
    player.play(17.0)
    assert [chunk for _, chunk in played(player, 17.0)] == chunks
    assert player.ended
    assert player.next_deadline() is None


@given(forward, st.floats(0.1, 1000), st.floats(0, 1e6))
def test_gaps_keep_their_length_however_long_it_plays(gaps, speed, now):
    chunks = chunks_after(gaps)
    player = playing(chunks, speed)
    player.play(now)
    for at, chunk in played(player, now):
        assert (at - now) * speed == pytest.approx((chunk.received_ns - START) / 1e9, abs=1e-3, rel=1e-9)


@given(forward, st.floats(0.1, 100), st.lists(st.floats(0, 300), min_size=1, max_size=60))
def test_never_early_and_never_late_whenever_asked(gaps, speed, waits):
    chunks = chunks_after(gaps)
    player = playing(chunks, speed)
    player.play(0.0)
    now, handed = 0.0, []
    for wait in waits:
        now += wait
        handed += player.due(now)
        reached = START + now * speed * 1e9
        assert all(chunk.received_ns <= reached + 1000 for chunk in handed)
        assert all(chunk.received_ns >= reached - 1000 for chunk in chunks[len(handed) :])
        assert player.position_ns <= min([chunk.received_ns for chunk in chunks[len(handed) :]], default=math.inf)
    assert handed == chunks[: len(handed)]


@given(any_gaps, st.data())
def test_pausing_stepping_and_changing_speed_skip_and_repeat_nothing(gaps, data):
    chunks = chunks_after(gaps)
    player = playing(chunks)
    now, handed = 0.0, []
    for action in data.draw(st.lists(st.sampled_from(["wait", "pause", "play", "step", "speed"]), max_size=40)):
        match action:
            case "wait":
                now += data.draw(st.floats(0, 1000))
                handed += player.due(now)
            case "pause":
                player.pause()
                assert player.next_deadline() is None
                assert player.due(now) == []
            case "play":
                player.play(now)
            case "step":
                chunk = player.step()
                assert player.paused
                handed += [chunk] if chunk else []
            case "speed":
                player.set_speed(data.draw(speeds), now)
    player.play(now)
    assert handed + [chunk for _, chunk in played(player, now)] == chunks


@given(forward, st.data())
def test_it_goes_on_from_anywhere_as_if_it_had_begun_there(gaps, data):
    chunks = chunks_after(gaps)
    player = playing(chunks, 2.0)
    player.play(0.0)
    player.due(data.draw(st.floats(0, 1000)))
    start = data.draw(st.integers(0, len(chunks)))
    before = chunks[start - 1].received_ns if start else START
    player.go_on(placed(chunks, start), before, start, 5000.0)
    assert (player.position_ns, player.place) == (before, start)
    handed = played(player, 5000.0)
    assert [chunk for _, chunk in handed] == chunks[start:]
    for at, chunk in handed:
        assert at - 5000.0 == pytest.approx((chunk.received_ns - before) / 1e9 / 2, abs=1e-6)


@given(any_gaps, speeds, st.data())
def test_its_place_is_after_what_it_has_handed_over(gaps, speed, data):
    chunks = chunks_after(gaps)
    player = playing(chunks, speed)
    player.play(0.0)
    handed = 0
    for step in data.draw(st.lists(st.booleans(), max_size=20)):
        handed += (player.step() is not None) if step else len(player.due(data.draw(st.floats(0, 1e6))))
        assert player.place == handed
        player.play(0.0)


@pytest.mark.parametrize("speed", [0.1, 1.0, 1000.0])
def test_pacing_does_not_drift_over_a_million_chunks(speed):
    chunks = [Chunk("a", b"x", START + number * 1_000_003) for number in range(1_000_000)]
    player = playing(chunks, speed)
    player.play(0.0)
    now, handed, longest = 0.0, 0, 0.0
    while (deadline := player.next_deadline()) is not None:
        now = max(deadline, now) + 0.001 / speed * 7  # a caller that comes late every time
        found = player.due(now)
        longest = max(longest, now - (found[0].received_ns - START) / 1e9 / speed)
        handed += len(found)
    assert handed == len(chunks)
    assert longest < 0.02 / speed
    assert now == pytest.approx((chunks[-1].received_ns - START) / 1e9 / speed, abs=0.02 / speed)


def test_a_pause_in_a_gap_leaves_the_rest_of_it():
    player = playing(chunks_after([10 * SECOND]))
    player.play(100.0)
    assert len(player.due(104.0)) == 1
    player.pause()
    assert player.position_ns == START + 4 * SECOND
    assert player.due(1000.0) == []
    player.play(2000.0)
    assert player.next_deadline() == pytest.approx(2006.0)


def test_a_change_of_speed_counts_from_when_it_is_made():
    player = playing(chunks_after([100 * SECOND]))
    player.play(0.0)
    player.due(20.0)
    player.set_speed(10.0, 20.0)
    assert player.next_deadline() == pytest.approx(28.0)
    player.set_speed(math.inf, 21.0)
    assert player.next_deadline() <= 21.0
    assert len(player.due(21.0)) == 1


def test_chunks_of_two_links_that_pass_each_other_cause_no_drift():
    gaps = [10_000_000, -2_000_000] * 5000
    chunks = chunks_after(gaps)
    player = playing(chunks)
    player.play(0.0)
    last_at, last = played(player)[-1]
    assert last_at == pytest.approx((max(chunk.received_ns for chunk in chunks) - START) / 1e9)
    assert last == chunks[-1]


def test_a_clock_set_back_is_neither_waited_for_nor_handed_over_in_one_burst():
    hour = 3600 * SECOND
    assert hour > CLOCK_STEP_NS
    player = playing(chunks_after([SECOND, -hour, SECOND, SECOND]))
    player.play(0.0)
    assert [round(at, 6) for at, _ in played(player)] == [0, 1, 1, 2, 3]


def test_it_ends_where_it_is_to_end_and_goes_on_when_the_end_is_moved():
    chunks = chunks_after([SECOND] * 9)
    player = playing(chunks, 1.0, START + 2 * SECOND)
    player.play(0.0)
    assert [chunk for _, chunk in played(player)] == chunks[:3]
    assert player.ended
    assert player.position_ns == START + 2 * SECOND
    player.set_end(START + 4 * SECOND, 100.0)
    assert not player.ended
    assert [(at, chunk) for at, chunk in played(player, 100.0)] == [(101.0, chunks[3]), (102.0, chunks[4])]
    player.set_end(None, 200.0)
    assert [chunk for _, chunk in played(player, 200.0)] == chunks[5:]


@pytest.mark.parametrize("speed", [1.0, math.inf])
def test_an_end_set_while_playing_is_kept_at_any_speed(speed):
    chunks = chunks_after([SECOND] * 9)
    player = playing(chunks, speed)
    player.set_end(START + 5 * SECOND, 0.0)
    player.play(0.0)
    assert [chunk for _, chunk in played(player)] == chunks[:6]
    assert player.step() is None


def test_one_call_hands_over_a_bounded_amount_and_says_there_is_more():
    many = [Chunk("a", b"x", START)] * (MAX_CHUNKS + 1)
    large = [Chunk("a", bytes(MAX_BYTES // 2 + 1), START)] * 3
    for chunks, bound in ((many, MAX_CHUNKS), (large, 2)):
        for speed in (1.0, math.inf):
            player = playing(chunks, speed)
            player.play(1.0)
            assert len(player.due(1.0)) == bound
            assert player.next_deadline() <= 1.0
            assert len(player.due(1.0)) == len(chunks) - bound


def test_nothing_to_play_is_the_end():
    player = playing([])
    player.play(0.0)
    assert player.due(1.0) == []
    assert player.ended
    assert player.next_deadline() is None


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan])
def test_a_speed_that_cannot_be_played_is_refused(speed):
    with pytest.raises(ValueError, match="above 0"):
        playing([], speed)
