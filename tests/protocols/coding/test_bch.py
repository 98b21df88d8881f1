"""BCH codes of length 15: their distances, by counting, and what soft decoding mends."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.coding import bch
from protocols.errors import DeclarationError


@pytest.mark.parametrize(("data", "distance"), [(11, 3), (7, 5), (5, 7)])
def test_words_are_as_far_apart_as_the_code_is_known_for(data: int, distance: int) -> None:
    words = bch.words(data)
    assert len({word.tobytes() for word in words}) == 1 << data
    weights = np.count_nonzero(words, axis=1)
    assert (weights[0], weights[1:].min()) == (0, distance)
    cyclic = {np.roll(word, 1).tobytes() for word in words}
    assert cyclic == {word.tobytes() for word in words}


@given(data=st.sampled_from([11, 7, 5]), seed=st.integers(0, 1 << 20))
def test_as_many_wrong_bits_as_half_the_distance_are_mended(data: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    bits = random.integers(0, 2, (20, data), np.uint8)
    soft = bch.encode(bits) * np.float32(2) - np.float32(1)
    errors = {11: 1, 7: 2, 5: 3}[data]
    for row in soft:
        row[random.choice(bch.LENGTH, errors, replace=False)] *= -1
    decoded, wrong = bch.decode(soft, data)
    assert np.array_equal(decoded, bits)
    assert (wrong == errors).all()


def test_another_length_of_data_is_refused() -> None:
    with pytest.raises(DeclarationError, match="5, 7 or 11"):
        bch.words(6)
