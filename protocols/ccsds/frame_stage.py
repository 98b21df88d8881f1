"""Transfer frames in, space packets out: every virtual channel by itself, every byte of the packet zones accounted for.

``receive`` never raises; what is held is bounded: for each of at most CHANNELS virtual channels a frame and a packet
that is not yet whole. How frames are grouped changes nothing but how fast it goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.ccsds.channel_counts import MasterChannel, ZoneLedger
from protocols.ccsds.packet_zone import LONGEST_PACKET
from protocols.ccsds.transfer_frame import (
    FECF,
    FECF_SIZE,
    M_PDU_SIZE,
    FrameColumns,
    Version,
    aos_columns,
    channel_name,
    tm_columns,
)
from protocols.ccsds.virtual_channel import Extracted, VirtualChannel
from protocols.coding.crc import crc
from protocols.errors import DeclarationError
from protocols.frames import Frames, Spans

CHANNELS = 256
"""Virtual channels followed; frames of more are counted and dropped, since noise can name any number of them."""
_HEADER_SIZE = 6  # of both kinds
_FLAG = (bool, "true or false")
_OPTION_TYPES: dict[str, tuple[type, str]] = {
    "kind": (str, "a text"),
    "fecf": _FLAG,
    "ocf": _FLAG,
    "keep_idle": _FLAG,
    "vcids": (int, "a whole number or a list of them"),
}
_KINDS = {"tm": (Version.TM,), "aos": (Version.AOS,), "auto": (Version.TM, Version.AOS)}


class TransferFrames:
    """Takes transfer frames of TM, AOS or both and gives the space packets in them."""

    def __init__(
        self,
        kind: str = "auto",
        frame_length: int = 0,
        fecf: bool = False,
        ocf: bool = False,
        insert_zone: int = 0,
        scid: int | None = None,
        vcids: Sequence[int] | int | None = None,
        keep_idle: bool = False,
    ) -> None:
        """Kind is ``tm``, ``aos`` or, by each frame's version, ``auto``; frame_length is in bytes, 0 for any.

        fecf: frames end with an error control field, verified and cut off. ocf: AOS frames have an operational control
        field (TM frames say so themselves). insert_zone: bytes between the AOS header and the packet zone's pointer,
        a frame header error control field included. scid: the one spacecraft, default any. vcids: the virtual channel
        or channels that carry packets, default all. keep_idle: idle packets are given, too. Raises DeclarationError on
        what cannot be.
        """
        vcids = [vcids] if isinstance(vcids, int) else vcids
        given = {"scid": scid, "vcids": vcids}
        _refuse_wrong_types(kind=kind, fecf=fecf, ocf=ocf, keep_idle=keep_idle, insert_zone=insert_zone)
        _refuse_wrong_types(
            frame_length=frame_length, **{name: each for name, each in given.items() if each is not None}
        )
        if kind not in _KINDS:
            raise DeclarationError(f"transfer_frames kind {kind!r}", f"there is none such; use {', '.join(_KINDS)}")
        self._known = np.isin(range(4), _KINDS[kind])
        self._minimum = _HEADER_SIZE + M_PDU_SIZE + insert_zone + FECF_SIZE * fecf
        if insert_zone < 0 or frame_length < 0 or 0 < frame_length <= self._minimum:
            problem = f"no byte is left for packets; frames need more than {self._minimum}, correct it"
            raise DeclarationError(f"transfer_frames frame_length {frame_length}, insert_zone {insert_zone}", problem)
        self.kind, self.frame_length, self.fecf, self.ocf = kind, frame_length, fecf, ocf
        self.insert_zone, self.scid, self.vcids = insert_zone, scid, None if vcids is None else tuple(vcids)
        self._keep_idle = keep_idle
        self._check = crc(FECF) if fecf else None
        self.frames = 0
        """Frames received."""
        self.fecf_failures = 0
        """Frames whose error control field is wrong; their headers cannot be trusted, so no channel counts them."""
        self.malformed_frames = 0
        """Frames of another length, kind or spacecraft than the options say, and those of too many channels."""
        self.master_channels: dict[int, MasterChannel] = {}
        """TM's counters over all virtual channels, by spacecraft."""
        self.channels: dict[int, VirtualChannel] = {}
        """By number, see protocols.ccsds.transfer_frame.channel_name."""

    @property
    def bound(self) -> int:
        """The most bytes of packets it ever holds."""
        return CHANNELS * (LONGEST_PACKET - 1)

    @property
    def zones(self) -> ZoneLedger:
        """The packet zones of all channels together."""
        total = ZoneLedger()
        for channel in list(self.channels.values()):
            for name, value in channel.zones.as_dict().items():
                setattr(total, name, getattr(total, name) + value)
        return total

    def counts(self) -> dict[str, Any]:
        """Everything counted, ready for JSON, also while another thread receives; channels are named ``aos/56/2``."""
        return {
            "transfer_frames": self.frames,
            "fecf_failures": self.fecf_failures,
            "malformed_frames": self.malformed_frames,
            "master_channels": {str(scid): each.as_dict() for scid, each in list(self.master_channels.items())},
            "virtual_channels": {channel_name(number): each.as_dict() for number, each in list(self.channels.items())},
        }

    def receive(self, frames: Frames) -> Frames:
        """The space packets that frames complete, each with the arrival of the frame that did. Never raises."""
        self.frames += len(frames)
        found: list[Extracted] = []
        for version, length, places in self._runs(frames):
            begins = frames.offsets[places]
            spans = Spans(frames.data, begins, begins + length)
            found += self._extracted(self._columns(version, spans, length), spans, places)
        found = [each for each in found if len(each.spans)]
        return _in_order(found, frames) if found else Frames.none()

    def _runs(self, frames: Frames) -> Iterator[tuple[int, int, NDArray[np.int64]]]:
        """Version, length and places of the good frames, as many together as are of one version and length."""
        lengths = frames.lengths
        good = lengths > self._minimum if not self.frame_length else lengths == self.frame_length
        places = np.flatnonzero(good)
        self.malformed_frames += len(good) - len(places)
        if self._check is not None and len(places):
            begins = frames.offsets[places]
            whole = self._check.verify_spans(frames.data, begins, begins + lengths[places])
            self.fecf_failures += int(len(whole) - np.count_nonzero(whole))
            places = places[whole]
        versions = frames.data[frames.offsets[places]] >> 6
        known = self._known[versions]
        if not known.all():
            self.malformed_frames += int(len(known) - np.count_nonzero(known))
            places, versions = places[known], versions[known]
        lengths = lengths[places]
        edges = np.flatnonzero((versions[1:] != versions[:-1]) | (lengths[1:] != lengths[:-1])) + 1
        for begin, end in pairwise([0, *edges.tolist(), len(places)]):
            if begin < end:
                yield int(versions[begin]), int(lengths[begin]), places[begin:end]

    def _columns(self, version: int, spans: Spans, length: int) -> FrameColumns:
        length -= FECF_SIZE * self.fecf
        if version == Version.TM:
            return tm_columns(spans.data, spans.begins, length)
        return aos_columns(spans.data, spans.begins, length, self.insert_zone, self.ocf)

    def _extracted(self, heads: FrameColumns, spans: Spans, places: NDArray[np.int64]) -> Iterator[Extracted]:
        """The packets of each channel among frames."""
        ours: NDArray[np.bool_] = np.ones(len(places), np.bool_)
        if self.scid is not None:
            ours = heads.spacecraft == self.scid
            self.malformed_frames += int(len(ours) - np.count_nonzero(ours))
        if heads.master_count is not None:
            self._count_masters(heads.spacecraft[ours], heads.master_count[ours])
        for number in _in_order_of_appearance(heads.channel[ours]):
            own = np.flatnonzero(ours & (heads.channel == number))
            channel = self.channels.get(number) or self._new_channel(number)
            if channel is None:
                self.malformed_frames += len(own)
            else:
                yield channel.receive(heads, spans, own, places)

    def _new_channel(self, number: int) -> VirtualChannel | None:
        """A channel heard for the first time; None where there are too many."""
        if len(self.channels) >= CHANNELS:
            return None
        extract = self.vcids is None or number & 0x3F in self.vcids
        made = self.channels[number] = VirtualChannel(extract=extract, keep_idle=self._keep_idle)
        return made

    def _count_masters(self, spacecraft: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        for scid in _in_order_of_appearance(spacecraft):
            if scid in self.master_channels or len(self.master_channels) < CHANNELS:
                self.master_channels.setdefault(scid, MasterChannel()).receive(counts[spacecraft == scid])


def _refuse_wrong_types(**options: Any) -> None:
    """Raise DeclarationError on options of another type than they have, as a file may give them."""
    for name, value in options.items():
        one, told = _OPTION_TYPES.get(name, (int, "a whole number"))
        several = value if name == "vcids" and isinstance(value, list | tuple) else [value]
        if not all(type(each) is one for each in several) or (name == "vcids" and several is not value):
            raise DeclarationError(f"transfer_frames {name} {value!r}", f"{told} is needed; correct it")


def _in_order_of_appearance(values: NDArray[np.int64]) -> list[int]:
    """The distinct values."""
    distinct = values[:1]
    if len(values) and not (values == values[0]).all():
        distinct, first = np.unique(values, return_index=True)
        distinct = distinct[np.argsort(first)]
    return [int(value) for value in distinct]


def _in_order(found: list[Extracted], received: Frames) -> Frames:
    """Packets of several channels in the order in which frames completed them, dated and rated as these."""
    spans, completed = found[0].spans, found[0].frames
    if len(found) > 1:
        shifts = np.cumsum([0, *(len(each.spans.data) for each in found[:-1])]).tolist()
        spans = Spans(
            np.concatenate([each.spans.data for each in found]),
            np.concatenate([each.spans.begins + shift for each, shift in zip(found, shifts, strict=True)]),
            np.concatenate([each.spans.ends + shift for each, shift in zip(found, shifts, strict=True)]),
        )
        completed = np.concatenate([each.frames for each in found])
        order = np.argsort(completed, kind="stable")
        spans, completed = Spans(spans.data, spans.begins[order], spans.ends[order]), completed[order]
    offsets = np.zeros(len(spans) + 1, np.int64)
    np.cumsum(spans.ends - spans.begins, out=offsets[1:])
    eb_n0 = None if received.eb_n0 is None else received.eb_n0[completed]
    corrected = None if received.corrected is None else received.corrected[completed]
    return Frames(_joined(spans), offsets, received.received_ns[completed], eb_n0, corrected)


def _joined(spans: Spans) -> NDArray[np.uint8]:
    """The bytes of stretches; those that follow each other are copied together, or not at all where all do."""
    begins, ends = spans.begins, spans.ends
    apart = np.flatnonzero(begins[1:] != ends[:-1]) + 1
    if not len(apart):
        return spans.data[begins[0] : ends[-1]]
    return Frames.cut(spans.data, begins[np.r_[0, apart]], ends[np.r_[apart - 1, len(ends) - 1]], 0).data
