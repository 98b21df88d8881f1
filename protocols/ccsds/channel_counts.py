"""What is counted of virtual and master channels, and where the bytes of their packet zones went."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class ZoneLedger:
    """Where the bytes of packet zones went.

    Always: ``zone_bytes == packet_bytes + idle_bytes + encapsulated_bytes + discarded + pending``.
    """

    zone_bytes: int = 0
    """Bytes of the packet zones of frames received."""
    packet_bytes: int = 0
    """Bytes of space packets, idle ones left out."""
    idle_bytes: int = 0
    """Bytes of idle packets, and zones that hold only idle data."""
    encapsulated_bytes: int = 0
    """Bytes of encapsulation packets, which are not delivered."""
    discarded: int = 0
    """Bytes of packets that were cut by a gap, and of what could not be told to be a packet."""
    pending: int = 0
    """Bytes held that begin a packet."""

    @property
    def balanced(self) -> bool:
        """Whether every byte is accounted for."""
        known = self.packet_bytes + self.idle_bytes + self.encapsulated_bytes
        return self.zone_bytes == known + self.discarded + self.pending

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(slots=True)
class ChannelCounts:
    """What is counted of a virtual channel."""

    frames: int = 0
    """Frames received, duplicates left out."""
    duplicates: int = 0
    """Frames equal to the one before; not looked at again."""
    gaps: int = 0
    """Places where the count does not go up by one."""
    missing: int = 0
    """Frames missing there by the count; none for a count that went back."""
    idle_frames: int = 0
    """Frames of nothing but idle data."""
    other_frames: int = 0
    """Frames whose data field is no packet zone, by their header or by the options."""
    wrong_pointers: int = 0
    """Frames whose first header pointer leads out of them."""
    packets: int = 0
    """Space packets, idle ones left out."""
    idle_packets: int = 0
    encapsulated_packets: int = 0
    cut_packets: int = 0
    """Packets discarded because a part was lost or does not fit what follows."""
    unknown_versions: int = 0
    """Places where a packet of no known version begins."""


@dataclass(slots=True)
class MasterChannel:
    """The count of a spacecraft's frames over all its virtual channels, modulo 256 (132.0-B-3 4.1.2.5)."""

    frames: int = 0
    gaps: int = 0
    """Places where the count does neither go up by one nor stay, as it does where a frame is repeated."""
    missing: int = 0
    """Frames missing there by the count; none for a count that went back."""
    count: int = -1
    """The newest count."""

    def receive(self, counts: NDArray[np.int64]) -> None:
        """Look at the counts of frames, in order, at least one."""
        steps = np.diff(counts, prepend=self.count if self.count >= 0 else counts[0] - 1) % 256
        ahead = steps[(steps > 1) & (steps <= 128)]
        self.frames += len(counts)
        self.gaps += int(np.count_nonzero(steps > 1))
        self.missing += int(ahead.sum()) - len(ahead)
        self.count = int(counts[-1])

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {"frames": self.frames, "gaps": self.gaps, "missing": self.missing}
