"""Space packets into transfer frames of one virtual channel: what a spacecraft does, for simulators and tests."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from protocols.ccsds.packet_zone import LONGEST_PACKET, packet_length
from protocols.ccsds.space_packet import HEADER_SIZE, IDLE_APID, build
from protocols.ccsds.transfer_frame import (
    AOS_HEADER,
    FECF,
    FECF_SIZE,
    M_PDU_HEADER,
    M_PDU_SIZE,
    NO_START,
    OCF_SIZE,
    ONLY_IDLE,
    TM_HEADER,
    Version,
)
from protocols.coding.crc import crc
from protocols.errors import DeclarationError

_LEAST = HEADER_SIZE + 1  # of a zone and of an idle packet


class Multiplexer:
    """Fills the frames of one virtual channel with packets, one after the other, across frames."""

    def __init__(
        self,
        kind: str,
        frame_length: int,
        scid: int = 0,
        vcid: int = 0,
        fecf: bool = False,
        ocf: bool = False,
        insert_zone: int = 0,
    ) -> None:
        """As in protocols.ccsds.frame_stage.TransferFrames; kind is ``tm`` or ``aos``, and ocf holds for both.

        Raises DeclarationError on a frame that leaves less than 7 bytes to packets, and on identifiers that no header
        can hold.
        """
        self._version = Version.AOS if kind == "aos" else Version.TM
        self._check = crc(FECF) if fecf else None
        self._before = bytes(insert_zone) if self._version == Version.AOS else b""
        self._after = bytes(OCF_SIZE) if ocf else b""
        headers = int(TM_HEADER.sizeof()) + len(self._before) + M_PDU_SIZE * (self._version == Version.AOS)
        self.zone = frame_length - headers - len(self._after) - FECF_SIZE * fecf
        """Bytes for packets in each frame."""
        vcids, scids = (64, 1024) if self._version == Version.AOS else (8, 1024)
        if not _LEAST <= self.zone <= ONLY_IDLE or not (0 <= vcid < vcids and 0 <= scid < scids):
            where = f"transfer frames of {frame_length} bytes, spacecraft {scid}, virtual channel {vcid}"
            problem = f"{self.zone} bytes are left to packets; use {_LEAST} to {ONLY_IDLE}, spacecraft up to"
            raise DeclarationError(where, f"{problem} {scids - 1}, virtual channels up to {vcids - 1}")
        self.scid, self.vcid = scid, vcid
        self.count = 0
        """Frames made so far; the counts in their headers follow from it."""
        self._idle_count = 0
        self._stream, self._begins = b"", np.empty(0, np.int64)

    def frames(self, packets: Iterable[bytes], *, fill: bool = True) -> list[bytes]:
        """The frames that packets complete; fill: the last one, too, with an idle packet, else its bytes wait.

        Raises DeclarationError on what is no packet.
        """
        pieces = list(packets)
        for packet in pieces:
            if not packet or packet_length(packet, 0, len(packet)) != len(packet):
                problem = f"{len(packet)} bytes are no space packet by their header; send space packets in them"
                raise DeclarationError("transfer frames", problem)
        if fill:
            left = -(len(self._stream) + sum(map(len, pieces))) % self.zone
            if left:  # too little for an idle packet: it goes on through the next frame
                pieces.append(self._idle_packet(left if left >= _LEAST else left + self.zone))
        edges = np.cumsum([len(self._stream), *map(len, pieces)])
        self._begins = np.concatenate((self._begins, edges[:-1]))
        self._stream += b"".join(pieces)
        return self._cut()

    def idle_frame(self) -> bytes:
        """A frame of only idle data, which tells nothing of packets that wait."""
        return self._frame(bytes(self.zone), ONLY_IDLE)

    def _idle_packet(self, size: int) -> bytes:
        self._idle_count += 1
        return build(IDLE_APID, self._idle_count - 1, bytes(size - HEADER_SIZE))

    def _cut(self) -> list[bytes]:
        """The whole frames in the stream."""
        cuts = range(0, len(self._stream) + 1, self.zone)
        firsts = np.searchsorted(self._begins, cuts)
        begins = [*self._begins.tolist(), LONGEST_PACKET + len(self._stream)]
        made = []
        for (begin, end), which in zip(pairwise(cuts), firsts.tolist(), strict=False):
            first = begins[which] - begin if begins[which] < end else NO_START
            made.append(self._frame(self._stream[begin:end], first))
        self._begins = self._begins[firsts[-1] :] - cuts[-1]
        self._stream = self._stream[cuts[-1] :]
        return made

    def _frame(self, zone: bytes, first: int) -> bytes:
        header = {"version": self._version, "vcid": self.vcid, "first_header": first, "spare": 0}
        if self._version == Version.TM:
            header |= {"scid": self.scid, "ocf": bool(self._after), "secondary_header": False, "sync": False}
            header |= {"mc_count": self.count % 256, "vc_count": self.count % 256}
            head = TM_HEADER.build({**header, "packet_order": False, "segment_length_id": 3})
        else:
            header |= {"scid": self.scid % 256, "scid_high": self.scid // 256, "replay": False, "cycle_used": True}
            header |= {"vc_count": self.count % (1 << 24), "cycle": (self.count >> 24) % 16}
            head = AOS_HEADER.build(header) + self._before + M_PDU_HEADER.build(header)
        self.count += 1
        frame = bytes(head) + zone + self._after
        return frame if self._check is None else self._check.append(frame)
