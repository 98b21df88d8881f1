"""What a source hands over: bytes as they arrived, with the time of arrival."""

from typing import NamedTuple


class Chunk(NamedTuple):
    """Bytes received together on one link. Where a chunk begins and ends means nothing, but for datagram sources."""

    link: str
    """The link's name in the campaign."""
    data: bytes
    """The bytes, as received."""
    received_ns: int
    """Time of arrival of the last byte, in ns: UTC, or the vehicle's clock where a recording knows no other."""
