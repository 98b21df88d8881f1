"""CCSDS transfer frames: headers of TM (132.0-B-3) and AOS (732.0-B-4) as declarations, and many frames as columns.

Both carry space packets back to back in their data field, without regard to where a frame ends; the first header
pointer of each says where the first packet that begins in it begins. :mod:`protocols.ccsds.frame_stage` takes them out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Any

import numpy as np
from construct import BitsInteger, BitStruct, Construct, Flag, Padding, Struct
from numpy.typing import NDArray

from protocols.frames import Spans, rows_at
from protocols.layout import Layout
from protocols.measurement import Measurement

FECF = "crc-16/ibm-3740"
"""The frame error control field (132.0-B-3 4.1.6, 732.0-B-4 4.1.6): two bytes at the end."""
FECF_SIZE, OCF_SIZE, M_PDU_SIZE = 2, 4, 2
ONLY_IDLE, NO_START = 0x7FE, 0x7FF
"""First header pointers that are none: only idle data, and no packet begins here (132.0-B-3 4.1.2.7.6)."""
IDLE_CHANNEL = 63
"""The AOS virtual channel of frames that hold only idle data (732.0-B-4 4.1.2.3)."""


class Version(IntEnum):
    """Transfer frame version numbers, of two bits."""

    TM = 0
    AOS = 1


def _number(bits: int) -> Measurement:
    return Measurement(BitsInteger(bits), "")


TM_HEADER: Construct[Any, Any] = BitStruct(
    "version" / _number(2) * "transfer frame version number: 0",
    "scid" / _number(10) * "spacecraft identifier",
    "vcid" / _number(3) * "virtual channel",
    "ocf" / Flag * "whether an operational control field ends the frame",
    "mc_count" / _number(8) * "of frames of this master channel",
    "vc_count" / _number(8) * "of frames of this virtual channel",
    "secondary_header" / Flag * "whether a secondary header follows",
    "sync" / Flag * "0: packets, 1: other data",
    "packet_order" / Flag * "reserved",
    "segment_length_id" / _number(2) * "3",
    "first_header" / _number(11) * "place in the data field of the first packet that begins there",
)
"""The primary header of TM (132.0-B-3 4.1.2); the first byte of a secondary header gives its size (4.1.3.2)."""

AOS_HEADER: Construct[Any, Any] = BitStruct(
    "version" / _number(2) * "transfer frame version number: 1",
    "scid" / _number(8) * "spacecraft identifier, low bits",
    "vcid" / _number(6) * "virtual channel, 63 for idle frames",
    "vc_count" / _number(24) * "of frames of this virtual channel",
    "replay" / Flag * "whether the frame is played back",
    "cycle_used" / Flag * "whether the cycle extends the count",
    "scid_high" / _number(2) * "spacecraft identifier, high bits",
    "cycle" / _number(4) * "of the count",
)
"""The primary header of AOS (732.0-B-4 4.1.2), without the optional frame header error control."""

M_PDU_HEADER: Construct[Any, Any] = BitStruct(
    "spare" / _number(5) * "0",
    "first_header" / _number(11) * "place in the packet zone of the first packet that begins there",
)
"""What begins the data field of an AOS frame of packets (732.0-B-4 4.1.4.2.2)."""

CLCW: Construct[Any, Any] = BitStruct(
    "type" / _number(1) * "0",
    "version" / _number(2) * "0",
    "status" / _number(3) * "mission-specific",
    "cop" / _number(2) * "1: COP-1",
    "vcid" / _number(6) * "of the telecommand channel",
    "spare" / _number(2) * "0",
    "no_rf_available" / Flag * "the uplink cannot be received",
    "no_bit_lock" / Flag * "no bit lock",
    "lockout" / Flag * "a frame with a wrong count came",
    "wait" / Flag * "no room for more frames",
    "retransmit" / Flag * "frames are missing",
    "farm_b" / _number(2) * "bypass frames accepted",
    "reserved" / _number(1) * "0",
    "report" / _number(8) * "the next frame expected",
)
"""The communications link control word (232.0-B-4 4.2), which is what an operational control field mostly holds."""

_TM = Layout(TM_HEADER)


@cache
def _aos(insert_zone: int) -> Layout:
    """What begins an AOS frame of packets."""
    return Layout(Struct("frame" / AOS_HEADER, Padding(insert_zone), "m_pdu" / M_PDU_HEADER))


@dataclass(frozen=True, slots=True)
class FrameColumns:
    """What the headers of n frames of one version say; each array is (n,)."""

    channel: NDArray[np.int64]
    """Version, spacecraft and virtual channel in one number, see :func:`channel_name`."""
    master_count: NDArray[np.int64] | None
    """Count of the master channel, modulo 256; None for AOS, which has none."""
    count: NDArray[np.int64]
    """Count of the virtual channel."""
    modulo: NDArray[np.int64]
    """What it counts to, exclusive."""
    packets: NDArray[np.bool_]
    """Whether the data field is a packet zone, as far as the header tells."""
    idle: NDArray[np.bool_]
    """Whether it holds only idle data."""
    first: NDArray[np.int64]
    """The first header pointer."""
    zones: Spans
    """Where the packet zone lies; empty where nothing is left for it."""
    ocf: NDArray[np.bool_]
    """Whether an operational control field follows the zone."""

    @property
    def spacecraft(self) -> NDArray[np.int64]:
        """Spacecraft identifiers."""
        return self.channel >> 6 & 0x3FF


def channel_name(channel: int) -> str:
    """The name of a channel by its number: ``aos/56/2`` for virtual channel 2 of spacecraft 56."""
    return f"{Version(channel >> 16).name.lower()}/{channel >> 6 & 0x3FF}/{channel & 0x3F}"


def tm_columns(data: NDArray[np.uint8], begins: NDArray[np.int64], length: int) -> FrameColumns:
    """TM frames of length bytes, at least 7, that begin at places in data, without their error control field."""
    rows = np.ascontiguousarray(rows_at(data, begins, _TM.size + 1))
    heads = _TM.columns(rows)
    extra = np.where(heads["secondary_header"], 1 + (rows[:, _TM.size] & 0x3F).astype(np.int64), 0)
    start = _TM.size + extra
    ocf = heads["ocf"] & (start + OCF_SIZE <= length)
    end = np.maximum(length - OCF_SIZE * ocf.astype(np.int64), start)
    first = heads["first_header"].astype(np.int64)
    packets = ~heads["sync"]
    return FrameColumns(
        Version.TM << 16 | heads["scid"].astype(np.int64) << 6 | heads["vcid"],
        heads["mc_count"].astype(np.int64),
        heads["vc_count"].astype(np.int64),
        np.full(len(begins), 1 << 8),
        packets,
        packets & (first == ONLY_IDLE),
        first,
        Spans(data, begins + start, begins + end),
        ocf,
    )


def aos_columns(
    data: NDArray[np.uint8], begins: NDArray[np.int64], length: int, insert_zone: int, ocf: bool
) -> FrameColumns:
    """AOS frames of length bytes, at least ``8 + insert_zone``, without their error control field."""
    layout = _aos(insert_zone)
    heads = layout.columns(np.ascontiguousarray(rows_at(data, begins, layout.size)))
    first = heads["m_pdu.first_header"].astype(np.int64)
    count, vcid, cycle = heads["frame.vc_count"].astype(np.int64), heads["frame.vcid"], heads["frame.cycle_used"]
    start = layout.size
    ocf = ocf and start + OCF_SIZE <= length
    end = length - OCF_SIZE * ocf
    scid = heads["frame.scid_high"].astype(np.int64) << 8 | heads["frame.scid"]
    return FrameColumns(
        Version.AOS << 16 | scid << 6 | vcid,
        None,
        np.where(cycle, heads["frame.cycle"].astype(np.int64) << 24 | count, count),
        np.where(cycle, 1 << 28, 1 << 24),
        np.ones(len(begins), np.bool_),
        (first == ONLY_IDLE) | (vcid == IDLE_CHANNEL),
        first,
        Spans(data, begins + start, begins + end),
        np.full(len(begins), ocf),
    )
