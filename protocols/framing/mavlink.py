"""MAVLink 1 and 2, in any mixture, as autopilots send it by radio, serial port and UDP.

A frame is delivered as its sequence number, system, component and message number (u8, u8, u8, u24 little-endian), and
then the payload in the message's full length: zeros that MAVLink 2 did not send, and extensions that the sender does
not know, are added; what a newer sender has more is cut off. So all frames of a message have one layout (that on the
wire is in :mod:`protocols.mavlink.wire`). A signature is passed over, since only who has its key can verify it.

A frame's check needs the CRC_EXTRA of its message. A message that is not known here can thus be noise as well: its
bytes are discarded, and it is counted as unknown where a good frame, or another that is counted so, follows directly
behind. After anything that is no frame the search goes on one byte further, so that none behind it is lost.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.framer import Framer
from protocols.frames import Frames
from protocols.mavlink.message_set import messages
from protocols.mavlink.wire import CHECK, HEADER, LONGEST, SIGNATURE, SIGNED, V2, Candidates, check_of
from protocols.overlaps import first_come, within

_MANY = 2_000
"""Bytes from which looking at all candidates in arrays is faster than one by one (measured)."""
_BODY = 6
"""Bytes of a delivered frame before the payload."""
_BEGIN = re.compile(b"[\xfd\xfe]")

Begins = NDArray[np.int64]
"""Places in a block, (n,)."""


class Mavlink(Framer):
    """MAVLink frames, each verified."""

    lead: ClassVar[int] = 0
    """Bytes that precede each frame and belong to it."""

    def __init__(self) -> None:
        """There are no options: all of MAVLink is as its standard says."""
        super().__init__()
        self._known = {number: (each.crc_extra, each.length) for number, each in messages().items()}
        self._held = b""  # from the first byte that may yet begin a frame
        self._begins_at = 0  # of that byte in the stream
        self._needed = 0  # bytes that it takes to tell
        self._ends: dict[int, int] = {}
        """How many unknown messages in a row end at a place of the stream where a frame may yet begin."""
        self._counts = {"mavlink_1": 0, "mavlink_2": 0, "signed": 0, "unknown_messages": 0}

    @property
    def bound(self) -> int:
        """The longest frame without its last byte."""
        return self.lead + LONGEST - 1

    def counts(self) -> dict[str, Any]:
        """Frames by version, signed ones (of version 2), and messages that are not known here."""
        return dict(self._counts)

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The frames that data completes. Never raises."""
        self.ledger.bytes_in += len(data)
        block = self._held + data if self._held else data
        if len(block) < max(self._needed, 1):
            self._held = block
            self.ledger.pending = len(block)
            return Frames.none()
        frames, begins, ends = (self._cut_few if len(block) < _MANY else self._cut_many)(block)
        times = self._times(block, begins, ends, [len(block)], [received_ns])
        return Frames(frames.data, frames.offsets, times)

    def receive_many(self, pieces: Sequence[bytes], received_ns: Sequence[int]) -> Frames:
        """The same as ``receive`` of each piece in turn."""
        before = len(self._held)
        block = b"".join((self._held, *pieces))
        if len(block) < _MANY:
            return super().receive_many(pieces, received_ns)
        self.ledger.bytes_in += len(block) - before
        frames, begins, ends = self._cut_many(block)
        sizes = [before, *map(len, pieces)]
        times = self._times(block, begins, ends, sizes, [0, *received_ns])
        return Frames(frames.data, frames.offsets, times)

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """MAVLink 2 frames, not signed. Raises DeclarationError on a body that is no message known here."""
        return b"".join(self._encoded(body) for body in bodies if body)

    def _encoded(self, body: bytes) -> bytes:
        number = int.from_bytes(body[3:_BODY], "little")
        extra, length = self._known.get(number, (0, -1))
        if len(body) != _BODY + length:
            problem = f"{len(body)} bytes are no message {number} known here; give sequence, system, component, message"
            raise DeclarationError("framing 'mavlink'", f"{problem} (u8, u8, u8, u24) and the whole payload")
        payload = body[_BODY:].rstrip(b"\0") or body[_BODY : _BODY + 1]  # one byte is sent in any case
        covered = bytes((len(payload), 0, 0)) + body[:_BODY] + payload
        return bytes((V2,)) + covered + check_of(covered, extra)

    def _times(
        self,
        block: bytes,  # noqa: ARG002
        begins: Begins,  # noqa: ARG002
        ends: Begins,
        sizes: Sequence[int],
        received_ns: Sequence[int],
    ) -> NDArray[np.int64]:
        """Times of frames by where they begin in a block, and by how much of it tells of them, int64 (n,).

        The block came in pieces of these sizes at these times.
        """
        return np.array(received_ns, np.int64)[np.searchsorted(np.cumsum(sizes), ends)]

    def _cut_few(self, block: bytes) -> tuple[Frames, Begins, Begins]:
        """The frames of a block, whose start is what was held; what may yet become one is held again.

        Not dated yet; and where they begin, and how many bytes of the block it took to tell that each is next.
        """
        bodies, begins, ends, at, size = [], [], [], 0, len(block)
        self._needed = 0
        while found := _BEGIN.search(block, at + self.lead):
            place = found.start()
            at, magic = place - self.lead, block[place]
            head = HEADER[magic]
            if place + head > size:
                self._needed = self.lead + head
                break
            flags = block[place + 2] if magic == V2 else 0
            number = int.from_bytes(block[place + 7 : place + 10], "little") if magic == V2 else block[place + 5]
            signature = SIGNATURE * (flags == SIGNED)
            end = place + head + block[place + 1] + CHECK + signature
            extra, length = self._known.get(number, (-1, 0))
            if flags & ~SIGNED or extra < 0:
                if not flags & ~SIGNED:
                    self._note_unknown(at, end)
                at += 1
                continue
            if end > size:
                self._needed = end - at
                break
            tail = end - CHECK - signature
            if check_of(block[place + 1 : tail], extra) != block[tail : tail + CHECK]:
                self.ledger.crc_failures += 1
                at += 1
                continue
            body = block[place + 4 : place + head] if magic == V2 else block[place + 2 : place + 6] + b"\0\0"
            body += block[place + head : tail]
            bodies.append(body[: _BODY + length].ljust(_BODY + length, b"\0"))
            begins.append(at)
            ends.append(end)
            self._count(magic == V2, bool(signature))
            self._note_good(at)
            at = end
        else:
            at = max(at, size - self.lead)
        frames = self._enter(bodies, [end - begin for begin, end in zip(begins, ends, strict=True)], 0)
        self._done(block, at, sum(ends) - sum(begins))
        return frames, np.array(begins, np.int64), np.array(ends, np.int64)

    def _cut_many(self, block: bytes) -> tuple[Frames, Begins, Begins]:
        """The same in arrays."""
        found = Candidates.of(block, self.lead)
        tested = found.plausible & (found.ends <= len(block))
        right = tested.copy()
        right[tested], contents = found.where(tested).verified(block)
        good = found.where(right)
        begins, ends = first_come(good.begins, good.ends)
        outside = ~within(found.begins, begins, ends)
        kept = np.isin(found.begins, begins, assume_unique=True) if len(begins) < len(contents) else right
        outside |= kept
        waiting = np.flatnonzero(outside & (found.known_from > len(block)))
        done, self._needed = max(len(block) - self.lead, int(ends[-1]) if len(ends) else 0), 0
        if len(waiting):
            done = int(found.begins[waiting[0]])
            self._needed = int(found.known_from[waiting[0]]) - done
            outside &= found.begins < done
            kept = kept & outside
        self.ledger.crc_failures += int(np.count_nonzero(outside & tested & ~right))
        if self._ends or (found.unknown & outside).any():
            self._note_all(found.where(outside & (found.unknown | kept)))
        if len(begins) < len(contents) or len(waiting):
            contents = [*compress(contents, kept[right].tolist())]
        frames = good if len(contents) == len(good.begins) else found.where(kept)
        wire = int((frames.ends - frames.begins).sum())
        self._done(block, done, wire)
        if not len(frames.begins):
            return Frames.none(), frames.begins, frames.ends
        known_from = np.maximum.accumulate(found.known_from[outside])[kept[outside]]
        data, offsets = frames.bodies(contents)
        self._count_all(frames)
        self.ledger.frames += len(frames.begins)
        self.ledger.frame_bytes += wire
        return Frames(data, offsets, known_from), frames.begins, known_from

    def _done(self, block: bytes, at: int, wire: int) -> None:
        """Hold what lies behind a place of the block, in which frames took up so many bytes."""
        self.ledger.discarded += at - wire
        self._held = block[at:]
        self.ledger.pending = len(self._held)
        self._begins_at += at
        if self._ends:
            self._ends = {end: count for end, count in self._ends.items() if end >= self._begins_at}

    def _note_unknown(self, at: int, end: int) -> None:
        """A message that is not known lies between two places of the block, if it is one."""
        place = self._begins_at + end
        row = 1 + self._ends.get(self._begins_at + at, 0)
        self._ends[place] = max(row, self._ends.get(place, 0))

    def _note_good(self, at: int) -> None:
        """A good frame begins at a place of the block: what ends there was a message indeed."""
        if self._ends:
            self._counts["unknown_messages"] += self._ends.pop(self._begins_at + at, 0)

    def _note_all(self, found: Candidates) -> None:
        """The same of unknown messages and good frames in order."""
        for begin, end, unknown in zip(found.begins.tolist(), found.ends.tolist(), found.unknown.tolist(), strict=True):
            if unknown:
                self._note_unknown(begin, end)
            else:
                self._note_good(begin)

    def _count(self, version_2: bool, signed: bool) -> None:
        self._counts["mavlink_2" if version_2 else "mavlink_1"] += 1
        self._counts["signed"] += signed

    def _count_all(self, frames: Candidates) -> None:
        version_2 = int(np.count_nonzero(frames.version_2))
        self._counts["mavlink_2"] += version_2
        self._counts["mavlink_1"] += len(frames.begins) - version_2
        self._counts["signed"] += int(np.count_nonzero(frames.signed))


def example_body(content: bytes) -> bytes:
    """A body made of any bytes: their sum chooses the message."""
    every = messages()
    number = [*every][sum(content) % len(every)]
    payload = content[3 : 3 + every[number].length].ljust(every[number].length, b"\0")
    return content[:3].ljust(3, b"\0") + number.to_bytes(3, "little") + payload


FRAMER = Mavlink
EXAMPLE: dict[str, Any] = {}
EXAMPLE_BODY = example_body
