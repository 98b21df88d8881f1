"""Scramblers against their registers, bit by bit, however they are cut."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.coding.scrambler import G3RUH, Descrambler, Scrambler
from protocols.errors import DeclarationError

BITS = st.lists(st.integers(0, 1), max_size=300)


def by_register(bits: Sequence[int], taps: Sequence[int]) -> list[int]:
    """What a shift register of what was sent makes of bits."""
    register, sent = [0] * max(taps), []
    for bit in bits:
        out = (bit + sum(register[tap - 1] for tap in taps)) & 1
        register = [out, *register[:-1]]
        sent.append(out)
    return sent


@given(BITS, st.lists(st.integers(0, 300), max_size=5), st.sampled_from([G3RUH, (5, 23), (1,), (3, 20), (2, 3, 7)]))
def test_it_does_what_its_register_does_however_it_is_cut(
    bits: list[int], cuts: list[int], taps: tuple[int, ...]
) -> None:
    expected = by_register(bits, taps)
    scrambler, descrambler = Scrambler(taps), Descrambler(taps)
    pieces = np.split(np.array(bits, np.uint8), sorted(cuts))
    sent = [scrambler.scramble(piece) for piece in pieces]
    assert np.concatenate(sent).tolist() == expected
    assert np.concatenate([descrambler.descramble(piece) for piece in sent]).tolist() == bits


def test_a_receiver_that_comes_late_is_right_after_17_bits() -> None:
    bits = np.random.default_rng(1).integers(0, 2, 5000, np.uint8)
    sent = Scrambler().scramble(bits)
    assert (Descrambler().descramble(sent[100:])[17:] == bits[117:]).all()


def test_one_wrong_bit_makes_three() -> None:
    sent = np.zeros(100, np.uint8)
    sent[30] = 1
    assert np.flatnonzero(Descrambler().descramble(sent)).tolist() == [30, 42, 47]


@pytest.mark.parametrize("taps", [(), (0, 3), (-1,)])
def test_taps_that_are_none_are_refused(taps: tuple[int, ...]) -> None:
    for kind in (Scrambler, Descrambler):
        with pytest.raises(DeclarationError, match="delays from 1 bit"):
            kind(taps)
