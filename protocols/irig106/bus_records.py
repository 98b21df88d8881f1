"""Messages of buses and discretes as records of one length, each begun by its time: what the files hold in many shapes.

A record is ``time in ns (64 bits, big-endian) | fields``; the framing ``dated`` cuts records apart and dates them. The
vehicles here declare the fields. All of a packet's messages become records together, in arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Byte,
    Bytes,
    Enum,
    Flag,
    FlagsEnum,
    Int16ub,
    Int32ub,
    Padding,
    Struct,
)
from numpy.typing import NDArray

from protocols.curve import Linear
from protocols.irig106.packet import TICK_NS, Packet
from protocols.measurement import Measurement
from protocols.packet import Packet as PacketType
from protocols.packet import Vehicle

Records = NDArray[np.void]
Cut = Callable[[Packet], tuple[Records, int]]
"""The records of a packet, and the bytes of its body from the channel-specific data word on that are accounted for."""

_SOURCE = "IRIG 106-22 Chapter 11"


def _vehicle(name: str, title: str, body: Any, doc: str) -> Vehicle:
    return Vehicle(name, title, (PacketType(name, body, doc=doc),), source=_SOURCE)


_GAP = Linear(0.1)
_COMMAND = BitStruct(
    "rt" / BitsInteger(5) * "remote terminal address",
    "transmit" / Flag,
    "subaddress" / BitsInteger(5),
    "words" / BitsInteger(5) * "data word count, 0 for 32; a mode code where the subaddress is 0 or 31",
)
MS1553 = _vehicle(
    "irig106_1553",
    "MIL-STD-1553 bus",
    Struct(
        "block"
        / BitStruct(
            Padding(2),
            "bus" / Enum(BitsInteger(1), A=0, B=1),
            "message_error" / Flag,
            "rt_to_rt" / Flag,
            "format_error" / Flag,
            "timeout" / Flag * "no response in time",
            Padding(3),
            "word_count_error" / Flag,
            "sync_error" / Flag,
            "word_error" / Flag,
            Padding(3),
        ),
        "gap1" / Measurement(Byte, "us", _GAP) * "before the first status word, or the data's last word",
        "gap2" / Measurement(Byte, "us", _GAP) * "before the second status word",
        "length" / Measurement(Int16ub, "B") * "of all words recorded",
        "command" / _COMMAND,
        "transmit_command" / _COMMAND * "the second command word from RT to RT, else 0",
        "answered" / Flag * "whether there is a status word",
        "status"
        / BitStruct(
            "rt" / BitsInteger(5),
            "message_error" / Flag,
            "instrumentation" / Flag,
            "service_request" / Flag,
            Padding(3),
            "broadcast_received" / Flag,
            "busy" / Flag,
            "subsystem" / Flag,
            "bus_control" / Flag,
            "terminal" / Flag,
        ),
        "count" / Byte * "data words",
        "data" / Array(32, Int16ub) * "data words; zero from count on",
    ),
    "a message: command, status and data words",
)
_MS1553 = np.dtype(
    [
        ("time", ">i8"), ("block", ">u2"), ("gap1", "u1"), ("gap2", "u1"), ("length", ">u2"), ("command", ">u2"),
        ("transmit_command", ">u2"), ("answered", "u1"), ("status", ">u2"), ("count", "u1"), ("data", ">u2", (32,)),
    ]
)  # fmt: skip

ARINC429 = _vehicle(
    "irig106_arinc429",
    "ARINC 429 bus",
    Struct(
        "bus" / Byte,
        "high_speed" / Flag * "100 kHz, not 12.5 kHz",
        "parity_error" / Flag,
        "format_error" / Flag,
        "gap" / Measurement(Int32ub, "us", _GAP) * "since the word before, of whatever bus",
        "word"
        / BitStruct(
            "parity" / BitsInteger(1),
            "ssm" / BitsInteger(2) * "sign and status",
            "data" / BitsInteger(19) * "bits 29 to 11",
            "sdi" / BitsInteger(2) * "source and destination",
            "label" / Enum(BitsInteger(8), **{f"{label:03o}": label for label in range(256)}) * "octal",
        ),
    ),
    "a word",
)
_ARINC429 = np.dtype(
    [
        ("time", ">i8"), ("bus", "u1"), ("high_speed", "u1"), ("parity_error", "u1"), ("format_error", "u1"),
        ("gap", ">u4"), ("word", ">u4"),
    ]
)  # fmt: skip
_REVERSED = np.array([int(f"{byte:08b}"[::-1], 2) for byte in range(256)], np.uint32)

DISCRETE = _vehicle(
    "irig106_discrete",
    "discretes",
    Struct(
        "state" / Int32ub * "all bits",
        "bits" / FlagsEnum(Int32ub, **{f"bit{number}": 1 << number for number in range(32)}),
    ),
    "the state of discretes, at a change or an interval",
)
_DISCRETE = np.dtype([("time", ">i8"), ("state", ">u4"), ("bits", ">u4")])

EVENT = _vehicle(
    "irig106_event",
    "recording events",
    Struct("number" / Int16ub * "as TMATS numbers them", "count" / Int16ub, "recording" / Flag * "while recording"),
    "a recording event",
)
_EVENT = np.dtype([("time", ">i8"), ("number", ">u2"), ("count", ">u2"), ("recording", "u1")])

CAN = _vehicle(
    "irig106_can",
    "CAN bus",
    Struct(
        "subchannel" / Byte,
        "data_error" / Flag,
        "format_error" / Flag,
        "extended" / Flag * "an identifier of 29 bits",
        "remote" / Flag * "a remote transmission request",
        "identifier" / Int32ub,
        "count" / Byte * "data bytes",
        "data" / Bytes(8),
    ),
    "a frame",
)
_CAN = np.dtype(
    [
        ("time", ">i8"), ("subchannel", "u1"), ("data_error", "u1"), ("format_error", "u1"), ("extended", "u1"),
        ("remote", "u1"), ("identifier", ">u4"), ("count", "u1"), ("data", "u1", (8,)),
    ]
)  # fmt: skip

TIME = _vehicle(
    "irig106_time",
    "recorder's time",
    Struct(
        "source" / Enum(Byte, INTERNAL=0, EXTERNAL=1, INTERNAL_FROM_RMM=2, NONE=15),
        "format" / Enum(Byte, IRIG_B=0, IRIG_A=1, IRIG_G=2, RTC=3, GPS_UTC=4, GPS=5, NONE=15),
        "leap_year" / Flag,
        "dated" / Flag * "day, month and year, not the day of the year alone",
        "generator" / Byte * "what an internal generator is locked to; 0: nothing, or not told",
    ),
    "a time packet; what it says is its time",
)
_TIME = np.dtype(
    [("time", ">i8"), ("source", "u1"), ("format", "u1"), ("leap_year", "u1"), ("dated", "u1"), ("generator", "u1")]
)


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
    made = np.zeros(len(starts), _MS1553)
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
    made = np.zeros(len(pairs), _ARINC429)
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
    made = np.zeros(len(rows), _DISCRETE)
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
    made = np.zeros(len(rows), _EVENT)
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
    made = np.zeros(len(starts), _CAN)
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
    made = np.array([(packet.time_ns, source, form, word >> 8 & 1, dated, generator)], _TIME)
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
