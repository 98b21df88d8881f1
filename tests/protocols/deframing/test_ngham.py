"""NGHam packets whose parity belongs to no code, as FloripaSat-1 sends them: the CRC alone vouches for them."""

import numpy as np

from protocols.deframing.deframer import deframer
from protocols.deframing.ngham import MARKER, SIZES, TAG_BITS

BODY = b"\x00PY0EFS FloripaSat-1 \x01\x02\x03"


def test_parity_of_another_code_is_passed_over_where_told() -> None:
    size = SIZES[0]
    bits = deframer("ngham").encode([BODY]).astype(np.float32) * 2 - 1
    front = MARKER.bit_length() + 1 + TAG_BITS
    bits[front + 8 * (size.word - size.roots) : front + 8 * size.word] *= -1
    for options, count in (({}, 0), ({"reed_solomon": False}, 1)):
        made = deframer("ngham", **options)
        frames = made.receive(bits) + made.finish()
        assert [frame.body[1:] for frame in frames] == [BODY[1:]] * count
        assert made.ledger.balanced
        assert made.ledger.check_failures == 1 - count


def test_without_the_code_a_wrong_byte_is_refused() -> None:
    bits = deframer("ngham").encode([BODY]).astype(np.float32) * 2 - 1
    bits[MARKER.bit_length() + 1 + TAG_BITS + 30] *= -1
    for options, count in (({}, 1), ({"reed_solomon": False}, 0)):
        made = deframer("ngham", **options)
        assert len(made.receive(bits) + made.finish()) == count
