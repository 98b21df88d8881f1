"""CCSDS space packets (133.0-B-2) one after another, found by their length fields alone: files and streams of packets.

Nothing marks where a packet begins, so the first begins where the stream does, and each behind the one before. Where
the version number is not 0 (4.1.3.2) or a packet is longer than it may be, bytes were lost or added: the search goes on
byte by byte, to a place from which two packets follow each other. Without a check that is a guess, right more often
than not. With one, packet error control at the end of each packet (ECSS-E-ST-70-41C 7.4.3), both have to be good; and a
packet whose check fails is discarded alone where the one behind it is good. A frame is a packet with its header; a
check is cut off, and the length in the header made to fit.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.ccsds.space_packet import HEADER_SIZE, LONGEST, build, packet_size
from protocols.errors import DeclarationError
from protocols.framer import Framer
from protocols.frames import Frames, Spans

_SAME = 16  # packets of one length in a row from which a whole run is looked at together
_VERSION = 5  # bits of the first octet below the version number


@dataclass(slots=True)
class _Chain:
    """Whole packets that follow each other."""

    edges: list[NDArray[np.int64]] = field(default_factory=list)
    """Where each begins, skipped bytes included, and where the last ends, in parts."""
    slipped: bool = False
    """Whether what follows is no packet."""
    needed: int = 0
    """Bytes that the block must have for more to be known."""


class SpacePacket(Framer):
    """Packets back to back."""

    def __init__(self, skip: int = 0, longest: int = HEADER_SIZE + LONGEST, check: str = "") -> None:
        """Skip is bytes of something else before each packet, as some archives put there; longest a packet's bytes.

        Raises DeclarationError where no packet is so short, or what is skipped is negative.
        """
        super().__init__(check)
        self.skip, self.longest = skip, longest
        self._width = self.check.width if self.check is not None else 0
        self._shortest = HEADER_SIZE + 1 + self._width
        if not 0 <= skip <= LONGEST or not self._shortest <= longest <= HEADER_SIZE + LONGEST:
            problem = f"skip is 0 to {LONGEST:,}, longest {self._shortest} to {HEADER_SIZE + LONGEST:,}; correct it"
            raise DeclarationError(f"framing 'space_packet', skip {skip}, longest {longest}", problem)
        self._locked = True
        self._held = bytearray()
        self._needed = 1

    @property
    def bound(self) -> int:
        """A packet whose check failed or has to be confirmed, and the next one without its last byte."""
        return 2 * (self.skip + self.longest)

    @property
    def sync_state(self) -> str:
        """``lock``, or ``search`` after a slip."""
        return "lock" if self._locked else "search"

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The packets that data completes. Never raises."""
        ledger = self.ledger
        ledger.bytes_in += len(data)
        self._held += data
        ledger.pending = len(self._held)
        if len(self._held) < self._needed:
            return Frames.none()
        block, at, found = bytes(self._held), 0, [Frames.none()]
        array, going = np.frombuffer(block, np.uint8), True
        before = ledger.frame_bytes
        while going:
            if self._locked:
                at, frames, going = self._in_chain(block, array, at, received_ns)
                found.append(frames)
            else:
                at, going = self._searched(block, array, at)
        ledger.discarded += at - (ledger.frame_bytes - before)
        del self._held[:at]
        ledger.pending = len(self._held)
        self._needed = max(self._needed - at, len(self._held) + 1)
        return Frames.join([each for each in found if len(each)] or [Frames.none()])

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The packets one after the other. Raises DeclarationError on a body that is no packet, or too long a one."""
        return b"".join(bytes(self.skip) + packet for packet in self._lengthened(bodies))

    def _lengthened(self, bodies: Iterable[bytes]) -> Iterator[bytes]:
        for body in filter(None, bodies):
            size = len(body) + self._width
            if len(body) <= HEADER_SIZE or packet_size(body) != len(body) or body[0] >> _VERSION or size > self.longest:
                problem = f"{len(body)} bytes are no space packet whose length field is right; build it, or shorten it"
                raise DeclarationError("framing 'space_packet'", problem)
            told = body[:4] + (size - HEADER_SIZE - 1).to_bytes(2) + body[HEADER_SIZE:]
            yield told if self.check is None else self.check.append(told)

    def _in_chain(self, block: bytes, array: NDArray[np.uint8], at: int, received_ns: int) -> tuple[int, Frames, bool]:
        """Where the packets from a place on end, the good among them, and whether a search goes on from there."""
        chain = self._chain(block, array, at)
        edges = np.concatenate((*chain.edges, np.empty(0, np.int64)))
        begins, ends, self._needed = edges[:-1], edges[1:], chain.needed
        slip, last = chain.slipped, int(edges[-1])
        if self.check is not None and len(begins):
            good = self._good(array, begins, ends)
            pairs = np.flatnonzero(~good[:-1] & ~good[1:])
            done = int(pairs[0]) if len(pairs) else len(good) - (not good[-1] and not slip)
            if len(pairs) or (slip and not good[-1]):  # the first of two bad ones, or a bad one before no packet
                done, slip = (done if len(pairs) else len(good) - 1), True
                self.ledger.crc_failures += 1
                last = int(begins[done])
            else:
                last = int(edges[done])
            self.ledger.crc_failures += done - int(np.count_nonzero(good[:done]))
            begins, ends = begins[:done][good[:done]], ends[:done][good[:done]]
        self._locked = not slip
        return last + slip, self._packets(array, begins, ends, received_ns), slip

    def _packets(
        self, array: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64], received_ns: int
    ) -> Frames:
        """Enter packets in the ledger, without what was skipped and without their checks."""
        if not len(begins):
            return Frames.none()
        spans = Spans(array, begins + self.skip, ends - self._width)
        frames = self._enter_spans(spans, ends - begins, received_ns)
        if not self._width:
            return frames
        data, fields = frames.data.copy(), frames.offsets[:-1] + HEADER_SIZE - 2
        lengths = frames.lengths - HEADER_SIZE - 1
        data[fields], data[fields + 1] = lengths >> 8, lengths & 0xFF
        return Frames(data, frames.offsets, frames.received_ns)

    def _good(self, array: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which packets are long enough for a check and have the right one, bool (n,)."""
        assert self.check is not None
        begins = begins + self.skip
        good = ends - begins >= self._shortest
        good[good] = self.check.verify_spans(array, begins[good], ends[good])
        return good

    def _chain(self, block: bytes, array: NDArray[np.uint8], at: int) -> _Chain:
        """The whole packets from a place on."""
        found, edges, skip, size = _Chain(), [at], self.skip, len(block)
        same = last = 0
        while True:
            head = at + skip
            if head >= size or (head + HEADER_SIZE > size and not block[head] >> _VERSION):
                found.needed = head + 1 if head >= size else head + HEADER_SIZE
                break
            length = skip + packet_size(block, head) if head + HEADER_SIZE <= size else 0
            if block[head] >> _VERSION or length > skip + self.longest:
                found.slipped = True
                break
            if at + length > size:
                found.needed = at + length
                break
            at += length
            edges.append(at)
            same, last = (same + 1 if length == last else 0), length
            if same >= _SAME:
                run = self._run(array, at, length)
                found.edges += [np.array(edges, np.int64), run]
                at, edges, same = (int(run[-1]) if len(run) else at), [], 0
        found.edges.append(np.array(edges, np.int64))
        return found

    def _run(self, array: NDArray[np.uint8], at: int, length: int) -> NDArray[np.int64]:
        """The ends of the packets from a place on that follow each other and are all of one length, int64 (n,)."""
        count = (len(array) - at) // length
        heads = array[at : at + count * length].reshape(count, length)[:, self.skip : self.skip + HEADER_SIZE]
        told = length - self.skip - HEADER_SIZE - 1
        alike = (heads[:, 4] == told >> 8) & (heads[:, 5] == told & 0xFF) & (heads[:, 0] >> _VERSION == 0)
        count = count if alike.all() else int(np.argmin(alike))
        return at + length * np.arange(1, count + 1)

    def _searched(self, block: bytes, array: NDArray[np.uint8], at: int) -> tuple[int, bool]:
        """Where the search has come to, and whether it has found packets there."""
        skip, size = self.skip, len(block)
        heads = at + skip + np.flatnonzero(array[at + skip :] >> _VERSION == 0)
        for head in heads.tolist():
            begin = head - skip
            if head + HEADER_SIZE > size:
                return self._wait(begin, head + HEADER_SIZE)
            end = head + packet_size(block, head)
            if end - head > self.longest or end - head < self._shortest:
                continue
            known = self._follows(block, begin, end)
            if known is None:
                return self._wait(begin, self._needed)
            if known:
                self._locked = True
                return begin, True
        return self._wait(max(at, size - skip), size + 1)

    def _wait(self, at: int, needed: int) -> tuple[int, bool]:
        self._needed = needed
        return at, False

    def _follows(self, block: bytes, begin: int, end: int) -> bool | None:
        """Whether a packet at a place is good and so is the next one; None where more bytes are needed to know."""
        skip, size = self.skip, len(block)
        if self.check is not None and end <= size and not self.check.good(block[begin + skip : end]):
            return False
        head = end + skip
        if head >= size:
            self._needed = max(end, head + 1) if end <= size else end
            return None
        if block[head] >> _VERSION:
            return False
        if self.check is None:
            return True
        if head + HEADER_SIZE > size:
            self._needed = head + HEADER_SIZE
            return None
        then = head + packet_size(block, head)
        if then - head > self.longest or then - head < self._shortest:
            return False
        if then > size:
            self._needed = then
            return None
        return self.check.good(block[head:then])


FRAMER = SpacePacket
EXAMPLE: dict[str, Any] = {"longest": 600}
EXAMPLE_BODY = partial(build, 11, 0)
"""A frame that this framing carries, holding any data."""
