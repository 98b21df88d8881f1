"""Frames behind a marker that may stand at any bit, in either polarity.

A place is taken for a marker where few of its bits are wrong, or few are right (the stream is inverted then, and so is
the frame). The framing says from the first bits behind it how long the frame is and, once it is there, whether it is
one: what a marker only seemed to announce costs no more than a look, since nothing is skipped for it.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.deframing.deframer import BitFrame, Deframer
from protocols.errors import DeclarationError

MARKER_BITS = 32
"""Bits of a marker where nothing else is said."""
MARKER_ERRORS = 6
"""Bits of a marker that may be wrong by default: noise passes for one in 2000 places then, which the codes sort out."""
_WORD = 16
_LARGEST = np.float32(1e18)  # that a soft bit may be: products and sums of such stay finite
_COUNTS = np.array([value.bit_count() for value in range(1 << 16)], np.uint8)


class Decoded(NamedTuple):
    """What a code made of a frame."""

    body: bytes
    corrected: int
    bits: int = 0
    """Bits behind the marker that the frame took, where that is known only now; 0: all it was given."""


class MarkedDeframer(Deframer):
    """Finds markers and has frames behind them decoded."""

    HEADER = 0
    """Bits behind the marker that tell the frame's length."""
    MARKED = MARKER_BITS
    """Bits that the search for a marker looks at together."""
    SKIPPED = MARKER_BITS
    """Bits at the place found that are not the frame's: those of the marker."""
    CUT_SHORT = False
    """Whether at the stream's end a frame is tried with fewer bits than it may have, the others taken as unknown."""

    def __init__(self, marker: int, marker_errors: int, longest: int) -> None:
        """Marker is a word of SKIPPED bits; longest is the bits of the longest frame behind it.

        Raises DeclarationError on fewer errors than none, or so many that noise is full of markers.
        """
        super().__init__()
        if marker_errors < 0:
            raise DeclarationError(f"marker_errors {marker_errors}", "give how many bits may be wrong, from 0")
        if 2 * marker_errors >= self.MARKED:  # either polarity is looked for, so each place would be a marker
            problem = f"every bit would begin a marker; give how many may be wrong, up to {(self.MARKED - 1) // 2}"
            raise DeclarationError(f"marker_errors {marker_errors}", problem)
        self._marker, self._errors, self._longest = marker, marker_errors, longest
        self._held = np.zeros(0, np.float32)
        self._first = 0  # number of the first held bit

    @property
    def bound(self) -> int:
        """A marker and the longest frame, less a bit."""
        return max(self.SKIPPED + self._longest, self.MARKED) - 1

    def receive(self, bits: NDArray[np.float32]) -> list[BitFrame]:
        """The frames that bits, float32 (n,), positive for 1, complete. Never raises."""
        self.ledger.bits_in += len(bits)
        finite = np.clip(np.nan_to_num(np.asarray(bits, np.float32)), -_LARGEST, _LARGEST)
        self._held = np.concatenate((self._held, self._line_decoded(finite)))
        return self._deliver(final=False)

    def finish(self) -> list[BitFrame]:
        """The frames among the bits still held, now that no more will come; those bits are discarded or theirs."""
        return self._deliver(final=True)

    def encode(self, bodies: Iterable[bytes]) -> NDArray[np.uint8]:
        """The bits of bodies, as uint8 (n,), coded and each behind its marker. Raises DeclarationError on lengths."""
        marker = np.array([int(bit) for bit in f"{self._marker:0{self.SKIPPED}b}"], np.uint8)
        pieces = [piece for body in bodies for piece in (marker[: self.SKIPPED], self._encode(body))]
        return self._line_encoded(np.concatenate((np.zeros(0, np.uint8), *pieces)))

    @abstractmethod
    def _length(self, header: NDArray[np.float32]) -> int:
        """The bits of the frame whose first HEADER bits these are; 0 where it can be none."""

    @abstractmethod
    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        """What a frame of so many bits holds; None where its code or its check fails."""

    @abstractmethod
    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        """The bits behind the marker of a frame that holds body."""

    def _line_decoded(self, bits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bits as they were before the line code; as many as came."""
        return bits

    def _line_encoded(self, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The inverse of it."""
        return bits

    def _deliver(self, *, final: bool) -> list[BitFrame]:
        held, frames, taken, at = self._held, [], 0, 0
        keep = len(held) if final else len(held) - self.MARKED + 1
        for place, sign in self._markers(held):
            if place < at:
                continue
            behind = held[place + self.SKIPPED :]
            length = self._length(behind[: self.HEADER] * sign) if len(behind) >= self.HEADER else self._longest
            if length > len(behind) and not final:
                keep = place
                break
            if length > len(behind):
                if not self.CUT_SHORT:
                    continue
                behind = np.concatenate((behind, np.zeros(length - len(behind), np.float32)))
            decoded = self._decode(behind[:length] * sign) if length else None
            self.ledger.check_failures += bool(length) and decoded is None
            if decoded is not None:
                at = min(place + self.SKIPPED + (decoded.bits or length), len(held))
                taken += at - place
                frames.append(BitFrame(decoded.body, self._first + place, self._first + at, decoded.corrected))
        gone = max(keep, at, 0)
        self._held = held[gone:]
        self._first += gone
        return self._account(frames, gone, taken)

    def _markers(self, held: NDArray[np.float32]) -> Iterator[tuple[int, float]]:
        """Where markers seem to begin, and 1 or, where inverted, -1."""
        wrong = marker_errors(held > 0, self._marker, self.SKIPPED)
        places = np.flatnonzero((wrong <= self._errors) | (wrong >= self.SKIPPED - self._errors))
        for place in places.tolist():
            yield place, 1.0 if wrong[place] <= self._errors else -1.0


def marker_errors(bits: NDArray[np.bool_], marker: int, width: int = MARKER_BITS) -> NDArray[np.uint8]:
    """In how many bits each stretch of so many bits differs from the marker, uint8 (n - width + 1,)."""
    count = len(bits) - width + 1
    if count < 1:
        return np.zeros(0, np.uint8)
    words = np.concatenate((bits, np.zeros(_WORD - 1, np.bool_))).astype(np.uint16)
    for size in (1, 2, 4, 8):  # from words of so many bits to words of twice as many
        words = words[:-size] << np.uint16(size) | words[size:]
    wrong = np.zeros(count, np.uint8)
    for at in range(0, width, _WORD):
        own = min(_WORD, width - at)  # bits of the marker in this word, its highest
        mask = (1 << own) - 1
        wanted, mask = (marker >> width - at - own & mask) << _WORD - own, mask << _WORD - own
        wrong += _COUNTS[(words[at : at + count] ^ np.uint16(wanted)) & np.uint16(mask)]
    return wrong


def soft_bytes(bits: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Bits, first the most significant, as bytes, uint8 (n // 8,)."""
    return np.packbits(bits[: len(bits) // 8 * 8] > 0)
