"""CCSDS space packets (133.0-B-2): the primary header, walking packets in a buffer, sequence counts, segments.

A vehicle declares them with ``header=SPACE_PACKET`` and gives each packet its APID as key. Where a secondary header is
used its fields begin each body: a time code of :mod:`protocols.ccsds.time_code`, then what the mission adds (4.1.4.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from construct import BitsInteger, BitStruct, Construct, Enum, Flag
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.measurement import Measurement
from protocols.packet import Header

HEADER_SIZE = 6  # 4.1.3.1
COUNT_MODULO = 1 << 14  # 4.1.3.4.3
IDLE_APID = 0x7FF  # 4.1.3.3.4.4
LONGEST = 1 << 16  # octets of the data field, 4.1.3.5.3
_SAME = 16  # packets of one length in a row from which a whole run is looked at together


class SequenceFlags(IntEnum):
    """Which part of its user data a packet holds (4.1.3.4.2)."""

    CONTINUATION = 0
    FIRST = 1
    LAST = 2
    UNSEGMENTED = 3


def primary_header(apid: Construct[Any, Any] | None = None) -> Construct[Any, Any]:
    """The primary header (4.1.3), with an own declaration of the 11-bit apid, as an enumeration of names, if given."""
    return BitStruct(
        "version" / Measurement(BitsInteger(3), "") * "packet version number: 0",
        "type" / Measurement(BitsInteger(1), "") * "0 telemetry, 1 telecommand",
        "secondary_header" / Flag * "whether the data begin with a secondary header",
        "apid" / (Measurement(BitsInteger(11), "") if apid is None else apid) * "application process identifier",
        "sequence_flags" / Enum(BitsInteger(2), SequenceFlags) * "which part of its user data it holds",
        "sequence_count" / Measurement(BitsInteger(14), "") * "of packets of this application process",
        "data_length" / Measurement(BitsInteger(16), "") * "octets after this header, less one",
    )


PRIMARY_HEADER = primary_header()
"""The primary header, its APID a number."""

SPACE_PACKET = Header(
    PRIMARY_HEADER, key="apid", sequence="sequence_count", length="data_length", length_bias=1, several=True
)
"""What a vehicle of space packets declares as its header; several packets may follow each other in a frame."""


def build(
    apid: int,
    count: int,
    data: bytes,
    *,
    secondary: bytes = b"",
    flags: SequenceFlags = SequenceFlags.UNSEGMENTED,
    telecommand: bool = False,
) -> bytes:
    """A space packet; count is taken modulo 16,384, secondary is its secondary header.

    Raises DeclarationError on an APID past 11 bits, and on data that are empty or too long (4.1.3.5.3).
    """
    size = len(secondary) + len(data)
    if not 0 <= apid <= IDLE_APID:
        raise DeclarationError(f"APID {apid}", f"an APID is 0 to {IDLE_APID}; choose one of these")
    if not 1 <= size <= LONGEST:
        raise DeclarationError(f"APID {apid}", f"{size} bytes of data; give 1 to {LONGEST:,}, or segment them")
    first = telecommand << 12 | bool(secondary) << 11 | apid
    words = first << 32 | (flags << 14 | count % COUNT_MODULO) << 16 | size - 1
    return words.to_bytes(HEADER_SIZE, "big") + secondary + data


def segmented(apid: int, count: int, data: bytes, longest: int) -> list[bytes]:
    """Data as packets of at most longest bytes of data each, counted from count on."""
    parts = [data[at : at + longest] for at in range(0, len(data), longest)]
    if len(parts) == 1:
        return [build(apid, count, data)]
    middle = [SequenceFlags.CONTINUATION] * (len(parts) - 2)
    flags = (SequenceFlags.FIRST, *middle, SequenceFlags.LAST)
    return [build(apid, count + i, part, flags=flags[i]) for i, part in enumerate(parts)]


def packet_size(buffer: bytes, at: int = 0) -> int:
    """Bytes of the packet whose header lies at an offset of a buffer, by its length field (4.1.3.5.3)."""
    return (buffer[at + 4] << 8 | buffer[at + 5]) + HEADER_SIZE + 1


def space_packets(buffer: bytes) -> NDArray[np.int64]:
    """Where packets that follow each other in a buffer begin, and the end of the last whole one, int64 (n + 1,).

    Only the length field leads from one to the next, as nothing else in a packet says where it ends; what is left
    behind the last edge is a packet cut short.
    """
    array = np.frombuffer(buffer, np.uint8)
    runs, edges, at, size, same, last = [], [0], 0, len(buffer), 0, 0
    while at + HEADER_SIZE < size:
        length = (buffer[at + 4] << 8 | buffer[at + 5]) + HEADER_SIZE + 1
        if at + length > size:
            break
        at += length
        edges.append(at)
        same, last = (same + 1 if length == last else 0), length
        if same >= _SAME:
            run = _run(array, at, length)
            runs += [np.array(edges, np.int64), run]
            at, edges, same = (int(run[-1]) if len(run) else at), [], 0
    return np.concatenate((*runs, np.array(edges, np.int64)))


def _run(array: NDArray[np.uint8], at: int, length: int) -> NDArray[np.int64]:
    """The ends of the packets from a place on that follow each other and are all of one length, int64 (n,)."""
    count = (len(array) - at) // length
    heads = array[at : at + count * length].reshape(count, length)[:, :HEADER_SIZE]
    field = length - HEADER_SIZE - 1
    alike = (heads[:, 4] == field >> 8) & (heads[:, 5] == field & 0xFF)
    count = count if alike.all() else int(np.argmin(alike))
    return at + length * np.arange(1, count + 1)


def sequence_gaps(counts: NDArray[Any], modulo: int = COUNT_MODULO, previous: int | None = None) -> int:
    """Packets missing before and between counts, (n,), in order of arrival; previous is the count before the first.

    A step of more than half the range ahead is a packet out of order, and one of zero a duplicate: no gap.
    """
    if not len(counts):
        return 0
    whole = counts.astype(np.int64)
    steps = np.diff(whole, prepend=whole[0] - 1 if previous is None else previous) % modulo
    ahead = steps[(steps > 0) & (steps <= modulo // 2)]
    return int(ahead.sum()) - len(ahead)


@dataclass(slots=True)
class _Unit:
    """User data of one application process on their way."""

    parts: list[bytes]
    size: int
    next_count: int


class Reassembly:
    """User data from segments, per application process (4.1.3.4.2). Never raises; holds at most ``limit`` bytes."""

    def __init__(self, limit: int = 1 << 24, secondary_size: int = 0) -> None:
        """Limit bounds the bytes held for all APIDs together; secondary_size is cut off each packet that has one."""
        self.limit, self.secondary_size = limit, secondary_size
        self.pending = 0
        """Bytes of data held, of units not yet complete."""
        self.discarded = 0
        """Bytes of data dropped: a segment was missing, there was no first one, or the limit was reached."""
        self._units: dict[int, _Unit] = {}

    def receive(self, packets: Iterable[bytes]) -> list[tuple[int, bytes]]:
        """The APID and user data of each unit that packets, whole space packets, complete."""
        return [unit for packet in packets if (unit := self._receive(packet)) is not None]

    def _receive(self, packet: bytes) -> tuple[int, bytes] | None:
        if len(packet) <= HEADER_SIZE:
            self.discarded += len(packet)
            return None
        words = int.from_bytes(packet[:4], "big")
        apid, flags, count = words >> 16 & IDLE_APID, SequenceFlags(words >> 14 & 3), words % COUNT_MODULO
        data = packet[HEADER_SIZE + (self.secondary_size if words >> 27 & 1 else 0) :]
        if flags in (SequenceFlags.UNSEGMENTED, SequenceFlags.FIRST):
            self._drop(apid)
        if flags == SequenceFlags.UNSEGMENTED:
            return apid, data
        if flags == SequenceFlags.FIRST:
            self._units[apid] = _Unit([], 0, count)
        return self._add(apid, flags, count, data)

    def _add(self, apid: int, flags: SequenceFlags, count: int, data: bytes) -> tuple[int, bytes] | None:
        unit = self._units.get(apid)
        if unit is None or count != unit.next_count or self.pending + len(data) > self.limit:
            self._drop(apid)
            self.discarded += len(data)
            return None
        unit.parts.append(data)
        unit.size += len(data)
        unit.next_count = (count + 1) % COUNT_MODULO
        self.pending += len(data)
        if flags != SequenceFlags.LAST:
            return None
        self.pending -= unit.size
        del self._units[apid]
        return apid, b"".join(unit.parts)

    def _drop(self, apid: int) -> None:
        unit = self._units.pop(apid, None)
        if unit is not None:
            self.pending -= unit.size
            self.discarded += unit.size
