"""What records of bus messages, discretes, events and time hold: their declarations, and their layout in memory.

Each declaration has its record type beside it, in the same order: the record begins with its time, which the framing
``dated`` cuts off.
"""

from __future__ import annotations

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

from protocols.curve import Linear
from protocols.measurement import Measurement
from protocols.packet import Packet, Vehicle

_SOURCE = "IRIG 106-22 Chapter 11"


def _vehicle(name: str, title: str, body: Any, doc: str) -> Vehicle:
    return Vehicle(name, title, (Packet(name, body, doc=doc),), source=_SOURCE)


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
MS1553_RECORD = np.dtype(
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
ARINC429_RECORD = np.dtype(
    [
        ("time", ">i8"), ("bus", "u1"), ("high_speed", "u1"), ("parity_error", "u1"), ("format_error", "u1"),
        ("gap", ">u4"), ("word", ">u4"),
    ]
)  # fmt: skip

DISCRETE = _vehicle(
    "irig106_discrete",
    "discretes",
    Struct(
        "state" / Int32ub * "all bits",
        "bits" / FlagsEnum(Int32ub, **{f"bit{number}": 1 << number for number in range(32)}),
    ),
    "the state of discretes, at a change or an interval",
)
DISCRETE_RECORD = np.dtype([("time", ">i8"), ("state", ">u4"), ("bits", ">u4")])

EVENT = _vehicle(
    "irig106_event",
    "recording events",
    Struct("number" / Int16ub * "as TMATS numbers them", "count" / Int16ub, "recording" / Flag * "while recording"),
    "a recording event",
)
EVENT_RECORD = np.dtype([("time", ">i8"), ("number", ">u2"), ("count", ">u2"), ("recording", "u1")])

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
CAN_RECORD = np.dtype(
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
TIME_RECORD = np.dtype(
    [("time", ">i8"), ("source", "u1"), ("format", "u1"), ("leap_year", "u1"), ("dated", "u1"), ("generator", "u1")]
)
