"""Messages of buses and discretes as records of one length, each begun by its time: what the files hold in many shapes.

A record is ``time in ns (64 bits, big-endian) | fields``; the framing ``dated`` cuts records apart and dates them, and
:mod:`protocols.irig106.bus_fields` declares the fields. All of a packet's messages become records together, in arrays.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from protocols.irig106.bus_fields import (
    ARINC429,
    ARINC429_RECORD,
    CAN,
    CAN_RECORD,
    DISCRETE,
    DISCRETE_RECORD,
    EVENT,
    EVENT_RECORD,
    MS1553,
    MS1553_RECORD,
    TIME,
    TIME_RECORD,
)
from protocols.irig106.packet import TICK_NS, Packet
from protocols.packet import Vehicle

Records = NDArray[np.void]
Cut = Callable[[Packet], tuple[Records, int]]
"""The records of a packet, and the bytes of its body from the channel-specific data word on that are accounted for."""

_REVERSED = np.array([int(f"{byte:08b}"[::-1], 2) for byte in range(256)], np.uint32)


def ms1553(packet: Packet) -> tuple[Records, int]:
    """MIL-STD-1553, format 1 (11.2.4.2): ``stamp | block status | gaps | length | words`` a message."""
    data, end, at = packet.data, packet.end, packet.begin + 4
    left, starts = packet.word() & 0xFFFFFF, []
    while left and at + 14 <= end:
        after = at + 14 + (data[at + 12] | data[at + 13] << 8)
        if after > end:
            break
        starts.append(at)
        at, left = after + (after - packet.begin & 1), left - 1
    made = np.zeros(len(starts), MS1553_RECORD)
    heads = _rows(data, starts, 14)
    words = _words(data, starts, heads[:, 12:].copy().view("<u2")[:, 0])
    made["time"] = packet.stamps(_u64(heads))
    made["block"] = heads[:, 8:10].copy().view("<u2")[:, 0]
    made["gap1"], made["gap2"] = heads[:, 10], heads[:, 11]
    made["length"] = heads[:, 12:14].copy().view("<u2")[:, 0]
    _place_words(made, words, np.minimum(made["length"].astype(np.int64) // 2, 36))
    return made, min(at, end) - packet.begin


def _place_words(made: Records, words: NDArray[np.uint16], recorded: NDArray[np.int64]) -> None:
    """Tell command, status and data words apart; words (n, 36) are as they came, of which recorded (n,) did.

    MIL-STD-1553B 4.4.1: a terminal that receives answers after the data, one that transmits before them.
    """
    command, to_terminal = words[:, 0], made["block"] >> 11 & 1
    transmit = (command >> 10 & 1).astype(bool)
    mode = np.isin(command >> 5 & 31, (0, 31)) & (to_terminal == 0)
    asked = np.where(mode, (command >> 4 & 1), np.where(command & 31, command & 31, 32)).astype(np.int64)
    begin = np.where(to_terminal, 3, np.where(transmit, 2, 1))
    count = np.clip(recorded - begin, 0, asked)
    status_at = np.where(to_terminal, 2, np.where(transmit, 1, 1 + asked))
    rows = np.arange(len(made))
    made["answered"] = answered = status_at < recorded
    made["status"] = np.where(answered, words[rows, np.minimum(status_at, 35)], 0)
    made["command"], made["transmit_command"] = command, np.where(to_terminal, words[:, 1], 0)
    made["count"] = count
    places = np.arange(32)
    data = np.take_along_axis(words, np.minimum(begin[:, None] + places, 35), 1)
    made["data"] = np.where(places < count[:, None], data, 0)


def arinc429(packet: Packet) -> tuple[Records, int]:
    """ARINC 429, format 0 (11.2.8): ``gap, errors and bus | word`` each; the first word's time is the packet's."""
    count = min(packet.word() & 0xFFFF, (packet.end - packet.begin - 4) // 8)
    pairs = np.frombuffer(packet.data, "<u4", 2 * count, packet.begin + 4).reshape(count, 2) if count > 0 else _NO_PAIRS
    made = np.zeros(len(pairs), ARINC429_RECORD)
    about, word = pairs[:, 0], pairs[:, 1]
    gaps = (about & 0xFFFFF).astype(np.int64)
    made["time"] = packet.time_ns + (np.cumsum(gaps) - gaps[:1].sum()) * TICK_NS
    made["bus"], made["gap"] = about >> 24, gaps
    made["high_speed"], made["parity_error"], made["format_error"] = about >> 21 & 1, about >> 22 & 1, about >> 23 & 1
    made["word"] = word & 0xFFFFFF00 | _REVERSED[word & 0xFF]
    return made, 4 + 8 * len(pairs)


def discrete(packet: Packet) -> tuple[Records, int]:
    """Discretes, format 1 (11.2.6): ``stamp | 32 bits``, in the low bits or, by mode bit 1, the high ones."""
    rows = _all_rows(packet, 12)
    word = packet.word()
    made = np.zeros(len(rows), DISCRETE_RECORD)
    made["time"] = packet.stamps(_u64(rows))
    width = word >> 3 & 31 or 32
    states = rows[:, 8:].copy().view("<u4")[:, 0]
    made["state"] = made["bits"] = states >> np.uint32(32 - width) if word & 2 else states
    return made, 4 + 12 * len(rows)


def event(packet: Packet) -> tuple[Records, int]:
    """Recording events (11.2.7.4): ``stamp | absolute time, with some | number, count, when``."""
    count = packet.word() & 0xFFF
    room = packet.end - packet.begin - 4
    size = 20 if packet.word() >> 31 or (count and room // count >= 20) else 12
    rows = _all_rows(packet, size)[: count or None]
    made = np.zeros(len(rows), EVENT_RECORD)
    made["time"] = packet.stamps(_u64(rows))
    told = rows[:, size - 4 :].copy().view("<u4")[:, 0]
    made["number"], made["count"], made["recording"] = told & 0xFFF, told >> 12 & 0xFFFF, told >> 28 & 1
    return made, 4 + size * len(rows)


def can(packet: Packet) -> tuple[Records, int]:
    """CAN bus (11.2.17): ``stamp | length, subchannel, errors | identifier | up to 8 bytes``, padded to 16 bits."""
    data, end, at = packet.data, packet.end, packet.begin + 4
    left, starts, lengths = packet.word() & 0xFFFF, [], []
    while left and at + 16 <= end:
        length = data[at + 8] & 15
        after = at + 12 + max(length, 4)
        if after > end:
            break
        starts.append(at)
        lengths.append(min(length - 4, 8) if length > 4 else 0)
        at, left = after + (after - packet.begin & 1), left - 1
    made = np.zeros(len(starts), CAN_RECORD)
    rows = _rows(data, starts, 24)
    about, told = rows[:, 8:12].copy().view("<u4")[:, 0], rows[:, 12:16].copy().view("<u4")[:, 0]
    made["time"], made["subchannel"] = packet.stamps(_u64(rows)), about >> 16 & 0xFF
    made["format_error"], made["data_error"] = about >> 30 & 1, about >> 31
    made["extended"], made["remote"], made["identifier"] = told >> 31, told >> 30 & 1, told & 0x1FFFFFFF
    made["count"] = lengths
    made["data"] = np.where(np.arange(8) < made["count"][:, None], rows[:, 16:], 0)
    return made, min(at, end) - packet.begin


def time(packet: Packet) -> tuple[Records, int]:
    """A time packet's channel-specific data word (11.2.3); of network time the format is left NONE."""
    word, network = packet.word(), packet.header.kind & 7 == 2
    if network:
        source, form, dated, generator = 1, 15, 1, 0
    else:
        source, form, dated, generator = word & 15, word >> 4 & 15, word >> 9 & 1, word >> 12 & 15
    made = np.array([(packet.time_ns, source, form, word >> 8 & 1, dated, generator)], TIME_RECORD)
    return made, packet.end - packet.begin


_NO_PAIRS = np.empty((0, 2), np.uint32)


def _all_rows(packet: Packet, size: int) -> NDArray[np.uint8]:
    """The body behind its first word as rows, uint8 (n, size)."""
    count = max(0, packet.end - packet.begin - 4) // size
    return np.frombuffer(packet.data, np.uint8, size * count, min(packet.begin + 4, packet.end)).reshape(count, size)


def _rows(data: bytes, starts: list[int], size: int) -> NDArray[np.uint8]:
    """``data[start:start + size]`` for each start, uint8 (n, size); zeros past the end."""
    if not starts:
        return np.empty((0, size), np.uint8)
    piece = np.frombuffer(data[starts[0] : starts[-1] + size].ljust(starts[-1] + size - starts[0], b"\0"), np.uint8)
    windows = np.lib.stride_tricks.sliding_window_view(piece, size)
    rows: NDArray[np.uint8] = windows[np.array(starts) - starts[0]]
    return rows


def _words(data: bytes, starts: list[int], lengths: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """The up to 36 words behind each message's header, uint16 (n, 36); zero from the message's end on."""
    words = _rows(data, starts, 14 + 72)[:, 14:].copy().view("<u2").astype(np.uint16)
    return np.where(np.arange(36) < (lengths // 2)[:, None], words, np.uint16(0))


def _u64(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The first eight bytes of each row."""
    return rows[:, :8].copy().view("<u8")[:, 0].astype(np.uint64)


RECORDS: dict[int, tuple[Vehicle, Cut]] = {
    0x02: (EVENT, event),
    0x11: (TIME, time),
    0x12: (TIME, time),
    0x19: (MS1553, ms1553),
    0x29: (DISCRETE, discrete),
    0x38: (ARINC429, arinc429),
    0x78: (CAN, can),
}
"""What is made of packets, by data type."""
