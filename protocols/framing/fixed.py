"""Frames of one length, one after the other, without any marker: files and streams of transfer frames behind a decoder.

The first frame begins where the stream does. Without a check that is all there is to know. With one, a frame whose
check fails is discarded alone where the frame behind it is good; where that is bad, too, bytes were lost or added, and
the rhythm is searched for byte by byte: it is found where two good frames follow each other.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.framer import Framer
from protocols.frames import Frames, rows_at

_WINDOW = 4096  # places of a search looked at together


class Fixed(Framer):
    """Frames back to back."""

    def __init__(self, frame_length: int, check: str = "") -> None:
        """frame_length is in bytes, check included. Raises DeclarationError where that leaves nothing."""
        super().__init__(check)
        self.frame_length = frame_length
        self._body = frame_length - (self.check.width if self.check is not None else 0)
        if self._body < 1:
            raise DeclarationError(f"framing 'fixed', frame_length {frame_length}", "no byte is left; use a larger one")
        self._locked = True
        self._held = bytearray()
        self._needed = frame_length

    @property
    def bound(self) -> int:
        """A frame whose check fails and the next, without the last byte; without a check less than a frame."""
        return self.frame_length * (1 if self.check is None else 2) - 1

    @property
    def sync_state(self) -> str:
        """``lock``, or ``search`` after a slip; empty without a check, which alone can tell."""
        return "" if self.check is None else "lock" if self._locked else "search"

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The frames that data completes. Never raises."""
        ledger, length = self.ledger, self.frame_length
        ledger.bytes_in += len(data)
        self._held += data
        ledger.pending = len(self._held)
        if len(self._held) < self._needed:
            return Frames.none()
        block = np.frombuffer(bytes(self._held), np.uint8)
        at, found, going = 0, [np.empty((0, self._body), np.uint8)], True
        while going:
            if self._locked:
                at, rows, going = self._in_rhythm(block, at)
                found.append(rows[:, : self._body])
            else:
                at, going = self._searched(block, at)
        frames = Frames.equal(np.concatenate(found), received_ns)
        ledger.frames += len(frames)
        ledger.frame_bytes += len(frames) * length
        ledger.discarded += at - len(frames) * length
        del self._held[:at]
        ledger.pending = len(self._held)
        self._needed = (1 + ledger.pending // length) * length  # what is held is not enough to tell
        return frames

    def receive_many(self, pieces: Sequence[bytes], received_ns: Sequence[int]) -> Frames:
        """The frames that pieces complete, each with the time of its piece; at once where there is no check."""
        if self.check is not None or len(pieces) < 2:
            return super().receive_many(pieces, received_ns)
        ends = len(self._held) + np.cumsum([len(piece) for piece in pieces])
        frames = self.receive(b"".join(pieces), received_ns[-1])
        complete = np.searchsorted(ends, frames.offsets[1:])  # nothing but frames is in the stream
        return Frames(frames.data, frames.offsets, np.array(received_ns, np.int64)[complete])

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The frames one after the other. Raises DeclarationError on one of another length."""
        frames = list(self._checked(bodies))
        for frame in frames:
            if len(frame) != self.frame_length:
                problem = f"the frame has {len(frame)} bytes, not {self.frame_length}; change frame_length or the frame"
                raise DeclarationError("framing 'fixed'", problem)
        return b"".join(frames)

    def _in_rhythm(self, block: NDArray[np.uint8], at: int) -> tuple[int, NDArray[np.uint8], bool]:
        """Where the frames from a place on end, the good among them, and whether a search goes on from there."""
        count, length = (len(block) - at) // self.frame_length, self.frame_length
        rows = block[at : at + count * length].reshape(count, length)
        if self.check is None:
            return at + count * length, rows, False
        good = self.check.verify_rows(rows)
        slips = np.flatnonzero(~good[:-1] & ~good[1:])
        self._locked = not len(slips)
        done = int(slips[0]) if len(slips) else count - (count > 0 and not good[-1])
        taken = rows[:done][good[:done]]
        self.ledger.crc_failures += done - len(taken) + len(slips[:1])
        return at + done * length + len(slips[:1]), taken, not self._locked

    def _searched(self, block: NDArray[np.uint8], at: int) -> tuple[int, bool]:
        """Where the search has come to, and whether it has found the rhythm there."""
        assert self.check is not None
        length, end = self.frame_length, len(block) - self.frame_length + 1
        while at < end:
            places = np.arange(at, min(at + _WINDOW, end))
            good = self.check.verify_rows(rows_at(block, places, length))
            for place in places[good].tolist():
                if place + 2 * length > len(block):
                    return place, False
                if self.check.good(block[place + length : place + 2 * length].tobytes()):
                    self._locked = True
                    return place, True
            at = int(places[-1]) + 1
        return at, False


FRAMER = Fixed
EXAMPLE: dict[str, Any] = {"frame_length": 32}
