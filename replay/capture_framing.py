"""What bytes of an unknown link are, where they tell it beyond doubt: the framing and vehicle of self-checked messages.

No framing is known here by its bytes: each candidate's own framer is tried on a sample, and its checks decide.
"""

from __future__ import annotations

from collections.abc import Sequence

from protocols import undeclared
from protocols.framer import framer, framings
from protocols.vehicles import vehicles
from replay.recording import RecordedLink

CANDIDATES = ("mavlink", "gnss")
"""Framings whose messages carry checks of their own, each with a vehicle of the same name."""


def recognised(pieces: Sequence[bytes]) -> RecordedLink:
    """How to read a link that begins with pieces: datagrams of packets that nobody has declared, where all else fails.

    Certain is one whole message with nothing beside it, or several with little that is none between them.
    """
    for kind in CANDIDATES:
        if kind not in framings() or kind not in vehicles():
            continue
        made = framer(kind)
        for piece in pieces:
            made.receive(piece, 0)
        ledger = made.ledger
        if ledger.frames and ledger.discarded * 4 <= ledger.frame_bytes * (ledger.frames > 1):
            return RecordedLink(kind, kind)
    return RecordedLink(undeclared.NAME)
