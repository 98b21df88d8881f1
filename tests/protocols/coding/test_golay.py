"""The Golay code by what defines it: its weights, and every pattern of up to three wrong bits."""

from itertools import combinations

import numpy as np

from protocols.coding import golay

PATTERNS = np.array([sum(1 << at for at in places) for n in range(4) for places in combinations(range(24), n)])


def test_its_words_have_the_weights_of_the_extended_golay_code() -> None:
    """1, 759, 2576, 759, 1 words of weight 0, 8, 12, 16, 24 (MacWilliams and Sloane, chapter 2)."""
    words = golay.encode(np.arange(4096))
    weights, counts = np.unique(np.bitwise_count(words), return_counts=True)
    assert weights.tolist() == [0, 8, 12, 16, 24]
    assert counts.tolist() == [1, 759, 2576, 759, 1]
    assert (words & 0xFFF == np.arange(4096)).all()


def test_a_header_as_gomspaces_radios_send_it() -> None:
    """One data bit at a time gives the parity rows; 0x8ED belongs to the highest."""
    assert golay.encode([0x800, 0x400, 0x001]).tolist() == [0x8ED800, 0x1DB400, 0xFFE001]


def test_every_pattern_of_up_to_three_wrong_bits_is_corrected() -> None:
    weights = np.bitwise_count(PATTERNS)
    assert len(PATTERNS) == 1 + 24 + 276 + 2024
    for data in np.random.default_rng(1).integers(0, 4096, 40):
        made = golay.decode(golay.encode([data]) ^ PATTERNS)
        assert (made.data == data).all()
        assert (made.errors == weights).all()


def test_four_wrong_bits_are_found() -> None:
    patterns = np.array([sum(1 << at for at in places) for places in combinations(range(24), 4)])
    words = golay.encode(np.full(len(patterns), 0xABC)) ^ patterns
    made = golay.decode(words)
    assert (made.errors == -1).all()
    assert (made.data == words & 0xFFF).all()


def test_any_numbers_give_counts() -> None:
    made = golay.decode(np.random.default_rng(2).integers(0, 2**32, 10_000, np.uint32))
    assert set(made.errors.tolist()) == {-1, 0, 1, 2, 3}
    assert made.data.max() < 4096
    assert golay.decode(np.empty(0, np.uint32)).data.shape == (0,)
