"""Codes of short constraint length: against a published pattern, and what they correct."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.coding.scrambler import pn9
from protocols.coding.short_constraint import ShortCode

AX5043 = ShortCode(5, 0o23, 0o35, inverted=(True, False))
FLAGS = np.resize(np.array((0, 1, 1, 1, 1, 1, 1, 0), np.uint8), 48)
codes = st.sampled_from([AX5043, ShortCode(5, 0o23, 0o35), ShortCode(3, 0o7, 0o5), ShortCode(4, 0o17, 0o13)])


def test_flags_give_the_pattern_that_receivers_of_the_ax5043_look_for() -> None:
    symbols = AX5043.encode(FLAGS)[46:78]  # from the edge of an interleaver block on
    sent = symbols.reshape(-1, 4, 4).transpose(0, 2, 1).reshape(-1)
    assert int("".join(map(str, sent)), 2) == 0x8AE68AE6


@settings(max_examples=30, deadline=None)
@given(code=codes, data=st.binary(min_size=8, max_size=40), register=st.integers(0, 3), seed=st.integers(0, 1 << 20))
def test_single_wrong_symbols_far_apart_are_corrected(code: ShortCode, data: bytes, register: int, seed: int) -> None:
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    soft = code.encode(bits, register) * np.float32(2) - np.float32(1)
    wrong = np.arange(seed % 40 + 10, len(soft) - 20, 40)
    soft[wrong] *= -1
    assert np.array_equal(code.decode(soft)[: -code.length], bits[: -code.length])


@given(code=codes, soft=st.lists(st.floats(-1e6, 1e6, width=32), max_size=40))
def test_any_soft_bits_give_half_as_many(code: ShortCode, soft: list[float]) -> None:
    assert len(code.decode(np.array(soft, np.float32))) == len(soft) // 2


def test_pn9_is_that_of_design_note_dn509() -> None:
    assert pn9(12).tobytes() == bytes.fromhex("ffe11d9aed853324ea7ad239")
    assert np.array_equal(pn9(1022)[511:], pn9(511))
