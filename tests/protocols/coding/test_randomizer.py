"""The CCSDS randomizers against the prefixes that the standard prints."""

import numpy as np
import pytest

from protocols.coding.randomizer import Randomizer


@pytest.mark.parametrize(
    ("which", "printed"),
    [
        (Randomizer.SHORT, "1111 1111 0100 1000 0000 1110 1100 0000 1001 1010"),  # 131.0-B-3 9.4.1
        (Randomizer.LONG, "0001 1100 0111 0001 1011 1001 0001 1011 1010 1001"),  # 131.0-B-5 10.4
    ],
)
def test_the_sequences_begin_as_printed_and_repeat_after_their_period(which: Randomizer, printed: str) -> None:
    sequence = which.sequence(2 * which)
    assert sequence[:5].tobytes() == int(printed.replace(" ", ""), 2).to_bytes(5, "big")
    bits = np.unpackbits(sequence)
    assert (bits[which:] == bits[:-which]).all()
    assert np.count_nonzero(bits[:which]) == (which + 1) // 2  # of maximal length
    assert not (bits[: which // 3] == bits[which // 3 : 2 * (which // 3)]).all()


@pytest.mark.parametrize("length", [0, 1, 255, 1115, 1275])
@pytest.mark.parametrize("which", Randomizer)
def test_each_frame_begins_anew_and_twice_is_nothing(which: Randomizer, length: int) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (3, length), np.uint8)
    sent = which.apply(frames)
    assert (which.apply(sent) == frames).all()
    assert all((row == which.apply(frame)).all() for row, frame in zip(sent, frames, strict=True))
    assert (which.apply(np.zeros_like(frames)) == which.sequence(length)).all()
