"""Line codes against their definitions; Manchester's pairing found, lost and found again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.coding.line_code import NRZ_M, NRZ_S, Differential, ManchesterDecoder, manchester

BITS = st.lists(st.integers(0, 1), max_size=200)

SCALES = st.sampled_from([1e-9, 1, 1e30])


def test_levels_as_the_standards_draw_them() -> None:
    bits = [1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 1]  # IRIG 106 figure 4-1
    assert Differential(NRZ_M).encode(bits).tolist() == [1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 0]
    assert Differential(NRZ_S).encode(bits).tolist() == [0, 1, 1, 1, 0, 1, 0, 0, 0, 1, 1]
    assert manchester([1, 0, 0]).tolist() == [1, 0, 0, 1, 0, 1]


@given(BITS, st.lists(st.integers(0, 200), max_size=4), st.sampled_from([NRZ_M, NRZ_S]), st.booleans())
def test_differential_bits_come_back_in_either_polarity(
    bits: list[int], cuts: list[int], change: int, turned: bool
) -> None:
    encoder, decoder = Differential(change), Differential(change)
    pieces = np.split(np.array(bits, np.uint8), sorted(cuts))
    levels = [encoder.encode(piece) for piece in pieces]
    back = [decoder.decode(piece ^ turned) for piece in levels]
    assert np.concatenate(back).tolist()[turned:] == bits[turned:]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32), st.lists(st.integers(0, 1200), max_size=6), st.booleans(), st.sampled_from([1e-9, 1, 1e30])
)
def test_the_pairing_is_found_however_the_stream_is_cut(seed: int, cuts: list[int], late: bool, scale: float) -> None:
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, 600, np.uint8)
    soft = (manchester(bits) * 2.0 - 1 + random.normal(0, 0.3, 1200))[late:] * scale
    whole, cut = ManchesterDecoder(), ManchesterDecoder()
    found = np.concatenate((whole.receive(soft), whole.flush()))
    assert ((found > 0) == bits[late : late + len(found)]).all()
    assert whole.phase == late
    parts = [*map(cut.receive, np.split(soft, sorted(cuts))), cut.flush()]
    assert (np.concatenate(parts) == found).all()
    assert len(found) == 600 - late


def test_it_is_found_again_after_a_half_bit_was_lost() -> None:
    bits = np.random.default_rng(1).integers(0, 2, 1000, np.uint8)
    soft = np.delete(manchester(bits) * 2.0 - 1, 1001)
    decoder = ManchesterDecoder()
    found = (np.concatenate((decoder.receive(soft), decoder.flush())) > 0).astype(np.uint8)
    assert (found[:460] == bits[:460]).all()
    assert bits[540:].tobytes() in found.tobytes()


@given(st.lists(st.floats(width=32), max_size=300))
def test_any_floats_give_soft_bits(soft: list[float]) -> None:
    decoder = ManchesterDecoder()
    found = np.concatenate((decoder.receive(soft), decoder.flush()))
    assert np.isfinite(found).all()
    assert len(found) == len(soft) // 2 or (decoder.phase == 1 and len(found) == (len(soft) - 1) // 2)
    assert decoder.erasures == sum(not np.isfinite(each) for each in soft)


@pytest.mark.parametrize("code", [Differential(NRZ_M), Differential(NRZ_S)])
def test_nothing_gives_nothing(code: Differential) -> None:
    assert code.encode([]).size == code.decode([]).size == 0
