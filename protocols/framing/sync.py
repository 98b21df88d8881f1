"""Frames that begin with fixed bytes and say their own length, as most small rockets and receivers send them.

``start | ... length ... | body | check``: where the length stands, how wide it is and what it counts are options.
Start bytes are found wherever they stand. A length that cannot be, or a check that fails, means a false start: the
search goes on one byte after it, so that no good frame is lost behind a false one. Without a check a false start
with a possible length is taken for a frame.
"""

from collections.abc import Iterable
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.framer import Framer, hexadecimal
from protocols.frames import Frames, Spans
from protocols.overlaps import first_come, within

_MANY = 64
"""Starts in a chunk from which looking at them together in arrays is faster than one by one (measured)."""


class Sync(Framer):
    """Start bytes, length field, check."""

    def __init__(
        self,
        start: str,
        length_offset: int | None = None,
        length_size: int = 1,
        length_endian: str = "big",
        length_bias: int = 0,
        body_offset: int | None = None,
        check_offset: int = 0,
        minimum: int = 0,
        maximum: int = 1024,
        check: str = "",
    ) -> None:
        """Offsets count from the first start byte; the length field plus length_bias is the whole frame's length.

        start is hexadecimal. length_offset: of the length field, default right after the start; length_size: its
        bytes, 0 to 4, 0 for frames that are all length_bias long; length_endian: big or little. body_offset: where
        what is delivered begins, default after start and length field; it runs to the check. check_offset: the first
        byte that the check covers. minimum and maximum: of the whole frame; the lower maximum is, the less a false
        start can hold back or cost. Raises DeclarationError on what cannot be.
        """
        super().__init__(check)
        self.start = hexadecimal(start, "start")
        self.length_offset = len(self.start) if length_offset is None else length_offset
        self.length_size, self.length_bias, self.length_endian = length_size, length_bias, length_endian
        self._header = self.length_offset + length_size
        self.body_offset = max(len(self.start), self._header) if body_offset is None else body_offset
        self.check_offset, self.maximum = check_offset, maximum
        self._width = self.check.width if self.check is not None else 0
        self.minimum = max(minimum, self._header, max(self.body_offset, check_offset) + 1 + self._width)
        self._refuse_what_cannot_be()
        self._endian = cast("Literal['big', 'little']", length_endian)
        self._held = bytearray()  # from the first start that may yet become a frame
        self._needed = 0  # bytes that the frame begun needs; without them there is nothing to do

    @property
    def bound(self) -> int:
        """A frame of ``maximum`` bytes without its last."""
        return self.maximum - 1

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The frames that data completes. Never raises."""
        self.ledger.bytes_in += len(data)
        self._held += data
        self.ledger.pending = len(self._held)
        if len(self._held) < self._needed:
            return Frames.none()
        block, before = bytes(self._held), self.ledger.frame_bytes
        many = data.count(self.start) >= _MANY
        done, frames = (self._cut_many if many else self._cut_few)(block, received_ns)
        self.ledger.discarded += done - (self.ledger.frame_bytes - before)
        del self._held[:done]
        self.ledger.pending = len(self._held)
        self._needed = self._length(self._held, 0) if len(self._held) >= self._header else 0
        return frames

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The frames one after the other; header bytes before the body but for start and length are zero.

        A length field that lies within the body is written there. Raises DeclarationError on a body that is too long.
        """
        return b"".join(self._encoded(body) for body in bodies if body)

    def _cut_few(self, block: bytes, received_ns: int) -> tuple[int, Frames]:
        """How many bytes are done with, and the frames among them."""
        bodies, wire, at = [], [], 0
        while True:
            found = block.find(self.start, at)
            at = found if found >= 0 else self._tail(block, at)
            if at + self._header > len(block):
                break
            length = self._length(block, at)
            if not self.minimum <= length <= self.maximum:
                at += 1
                continue
            if at + length > len(block):
                break
            if self.check is not None and not self.check.good(block[at + self.check_offset : at + length]):
                self.ledger.crc_failures += 1
                at += 1
                continue
            bodies.append(block[at + self.body_offset : at + length - self._width])
            wire.append(length)
            at += length
        return at, self._enter(bodies, wire, received_ns)

    def _cut_many(self, block: bytes, received_ns: int) -> tuple[int, Frames]:
        """The same in arrays: judge every start there is, then keep those that do not begin within an earlier frame."""
        array = np.frombuffer(block, np.uint8)
        begins, ends = self._starts(array)
        whole = ends <= len(block)
        waiting, begins, ends = begins[~whole], begins[whole], ends[whole]
        good = self._good(array, begins, ends)
        frames = first_come(begins[good], ends[good])
        open_ends = waiting[~within(waiting, *frames)]
        done = int(open_ends[0]) if len(open_ends) else -1
        if done >= 0:
            frames = frames[0][frames[0] < done], frames[1][frames[0] < done]
            good |= begins >= done
        self.ledger.crc_failures += int(np.count_nonzero(~good & ~within(begins, *frames)))
        spans = Spans(array, frames[0] + self.body_offset, frames[1] - self._width)
        delivered = self._enter_spans(spans, frames[1] - frames[0], received_ns)
        if done < 0:
            done = self._tail(block, int(frames[1][-1]) if len(frames[1]) else 0)
        return done, delivered

    def _starts(self, array: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where frames of a possible length begin, and where they end; past the array where it is too short to tell."""
        begins = np.flatnonzero(array[: len(array) - len(self.start) + 1] == self.start[0])
        for place, byte in enumerate(self.start[1:], 1):
            begins = begins[array[begins + place] == byte]
        told = begins[begins + self._header <= len(array)]
        lengths = np.zeros(len(told), np.int64)
        places = range(self.length_offset, self._header)
        for place in places if self._endian == "big" else reversed(places):
            lengths = lengths << 8 | array[told + place]
        lengths += self.length_bias
        possible = (lengths >= self.minimum) & (lengths <= self.maximum)
        ends = np.full(len(begins), len(array) + 1)
        ends[: len(told)] = told + lengths
        keep = np.ones(len(begins), np.bool_)
        keep[: len(told)] = possible
        return begins[keep], ends[keep]

    def _good(self, array: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
        if self.check is None:
            return np.ones(len(begins), np.bool_)
        return self.check.verify_spans(array, begins + self.check_offset, ends)

    def _length(self, block: bytes | bytearray, at: int) -> int:
        field = block[at + self.length_offset : at + self._header]
        return int.from_bytes(field, self._endian) + self.length_bias

    def _tail(self, block: bytes, after: int) -> int:
        """Where, not before after, the block's end may be the first bytes of a start; its length where it is not."""
        sizes = range(min(len(self.start) - 1, len(block) - after), 0, -1)
        return len(block) - next((size for size in sizes if block.endswith(self.start[:size])), 0)

    def _encoded(self, body: bytes) -> bytes:
        length = self.body_offset + len(body) + self._width
        frame = bytearray(self.body_offset) + body
        frame[: len(self.start)] = self.start
        try:
            field = (length - self.length_bias).to_bytes(self.length_size, self._endian)
        except OverflowError:
            length = -1
        if not self.minimum <= length <= self.maximum:
            limits = f"of {self.minimum} to {self.maximum} bytes with a length field of {self.length_size}"
            raise DeclarationError("framing 'sync'", f"{len(body)} bytes make no frame {limits}; change the options")
        frame[self.length_offset : self._header] = field
        tail = b"" if self.check is None else self.check.append(bytes(frame[self.check_offset :]))[-self._width :]
        return bytes(frame) + tail

    def _refuse_what_cannot_be(self) -> None:
        wrong = {
            f"length_offset {self.length_offset}": self.length_offset < len(self.start),
            f"length_size {self.length_size}": not 0 <= self.length_size <= 4,
            f"length_endian {self.length_endian!r}": self.length_endian not in ("big", "little"),
            f"body_offset {self.body_offset}": self.body_offset < len(self.start),
            f"check_offset {self.check_offset}": self.check_offset < 0,
            f"maximum {self.maximum}": self.maximum < self.minimum,
        }
        for option, refused in wrong.items():
            if refused:
                raise DeclarationError(
                    f"framing 'sync', {option}",
                    f"offsets lie after the {len(self.start)} start bytes (check_offset may be 0), length_size is 0 to "
                    f"4, length_endian big or little, maximum at least {self.minimum}; correct it",
                )


FRAMER = Sync
EXAMPLE: dict[str, Any] = {"start": "a55a", "length_size": 2, "maximum": 4096}
