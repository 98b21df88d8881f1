"""The repeat-accumulate code: its published lengths, its orders, and what it corrects."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.coding.repeat_accumulate import LANES, RepeatAccumulate
from protocols.errors import DeclarationError


@pytest.mark.parametrize(("data", "coded"), [(128, 260), (256, 514)])
def test_frames_have_the_coded_lengths_that_receivers_know(data: int, coded: int) -> None:
    assert 2 * RepeatAccumulate(data // 2).code_words == coded


@given(words=st.integers(4, 300))
def test_each_pass_takes_every_word_once_and_ends_at_its_own(words: int) -> None:
    for number, each in enumerate(RepeatAccumulate(words).passes):
        assert sorted(each.order.tolist()) == list(range(words))
        assert each.order[-1] == number
        assert each.sends[-1] == words - 1


@settings(max_examples=8, deadline=None)
@given(words=st.integers(16, 64), seed=st.integers(0, 1 << 20))
def test_five_wrong_bits_in_a_hundred_are_corrected(words: int, seed: int) -> None:
    random, code = np.random.default_rng(seed), RepeatAccumulate(words)
    data = random.integers(0, 2, (words, LANES), np.uint8)
    sent = code.encode(data) * 2.0 - 1
    soft = sent + random.normal(size=sent.shape) * 0.6
    assert np.count_nonzero((soft > 0) != (sent > 0)) > 0
    assert np.array_equal(code.decode(soft.astype(np.float32)), data)


def test_other_lengths_are_refused() -> None:
    with pytest.raises(DeclarationError, match="4 to 2047"):
        RepeatAccumulate(3)
