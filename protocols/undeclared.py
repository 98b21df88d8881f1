"""What a link is read by when nobody has declared what its frames hold: each frame is one packet of plain bytes."""

from __future__ import annotations

from construct import GreedyBytes, Struct

from protocols.packet import Packet, Vehicle

NAME = "undeclared"
"""What a campaign calls it."""

VEHICLE = Vehicle(
    NAME,
    "undeclared frames",
    (Packet("frame", Struct("data" / GreedyBytes * "the frame's bytes, which nobody has declared"), doc="any frame"),),
    source="none: this is for links whose packets are not declared",
)
"""The vehicle of which nothing is known."""
