"""HDLC frames as amateur packet radio sends them (ISO/IEC 13239; AX.25 2.2, section 3).

Frames stand between flags, 01111110; within them the sender puts a 0 behind each five 1s, so that no flag appears.
Bytes go least significant bit first, the 16-bit frame check sequence ends them. The line code is NRZI, where a change
is a 0: polarity does not matter. G3RUH's scrambler, x^17 + x^12 + 1 (J. Miller, 1988), may be around it; being
linear and self-synchronising, its inverse may be taken before or behind NRZI's.

All is done on arrays: the places of all flags and all stuffed zeros are found at once, and only stretches between
neighbouring flags that hold a whole number of bytes are looked at one by one.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from protocols.coding.crc import crc
from protocols.coding.line_code import NRZ_S, Differential
from protocols.coding.scrambler import Descrambler, Scrambler
from protocols.deframing.deframer import BitFrame, Deframer
from protocols.deframing.marked import Decoded
from protocols.errors import DeclarationError

FCS = "crc-16/ibm-sdlc:little"
"""The 16-bit frame check sequence of ISO/IEC 13239 as it lies in bytes sent least significant bit first."""
SHORTEST = 15
"""Bytes of the shortest AX.25 frame without its check: two addresses of seven and a control byte."""
_OPENING = 4  # flags before the first frame
_FLAG = np.array((0, 1, 1, 1, 1, 1, 1, 0), np.uint8)


class Hdlc(Deframer):
    """HDLC frames in an NRZI or plain bit stream."""

    def __init__(
        self,
        *,
        g3ruh: bool = False,
        nrzi: int = True,
        min_length: int = SHORTEST,
        max_length: int = 2048,
        check: str = FCS,
    ) -> None:
        """Nrzi may be 2 for a line that is coded twice (UA01). Lengths are bytes of a frame without its check, which is
        a CRC by its name. Raises DeclarationError on what cannot be.
        """
        super().__init__()
        if not 0 <= nrzi <= 2:
            raise DeclarationError("framing 'hdlc'", f"nrzi {nrzi}; use 0, 1 or 2, how often the line is coded")
        self._check = crc(check)
        self._descrambler = Descrambler() if g3ruh else None
        self._nrzi = [Differential(NRZ_S) for _ in range(nrzi)]
        self._least, self._most = 8 * (min_length + self._check.width), 8 * (max_length + self._check.width)
        self._held = np.zeros(
            0, np.uint8
        )  # decoded, from the last flag's last bit (the next may share it), or the last seven
        self._first = 0  # number of the first of these
        self._opened = False  # whether a flag stands before them

    @property
    def bound(self) -> int:
        """The longest frame with a zero stuffed behind each five bits, its flag, and the last bit of the one before."""
        return self._most + self._most // 5 + len(_FLAG) + 1

    def receive(self, bits: NDArray[np.float32]) -> list[BitFrame]:
        """The frames that bits, float32 (n,), positive for 1, complete. Never raises."""
        fresh = self._decoded((np.asarray(bits) > 0).astype(np.uint8))
        self.ledger.bits_in += len(fresh)
        held = np.concatenate((self._held, fresh))
        flags = _places_of_flags(held)
        begins = np.concatenate((np.ones(int(self._opened), np.int64), flags + len(_FLAG)))
        frames = self._frames(held, begins, flags if self._opened else flags[1:])
        keep = int(flags[-1]) + len(_FLAG) - 1 if len(flags) else 0
        self._opened |= bool(len(flags))
        if len(held) - keep > self.bound or not self._opened:  # too long for a frame, or before any flag
            keep, self._opened = max(keep, len(held) - len(_FLAG) + 1), False
        self._held = held[keep:]
        self._first += keep
        return self._account(frames, keep, sum(frame.end - frame.begin for frame in frames))

    def finish(self) -> list[BitFrame]:
        """None: a frame without its closing flag is no frame. What is held is discarded."""
        gone, self._held, self._opened = len(self._held), self._held[:0], False
        self._first += gone
        return self._account([], gone, 0)

    def encode(self, bodies: Iterable[bytes]) -> NDArray[np.uint8]:
        """The bits of bodies, as uint8 (n,), with their checks and a flag before and behind each.

        Flags enough precede the first that a receiver's descrambler, which takes 17 bits to fill, is ready for it.
        """
        pieces = [_FLAG] * _OPENING
        for body in bodies:
            pieces += [_stuffed(np.unpackbits(np.frombuffer(self._encode(body), np.uint8), bitorder="little"))]
            pieces += [_FLAG]
        line = np.concatenate(pieces)
        for _ in self._nrzi:
            line = Differential(NRZ_S).encode(line)
        return Scrambler().scramble(line) if self._descrambler else line

    def _decoded(self, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bits without scrambler and line code."""
        bits = self._descrambler.descramble(bits) if self._descrambler else bits
        for nrzi in self._nrzi:
            bits = nrzi.decode(bits)
        return bits

    def _frames(self, bits: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> list[BitFrame]:
        """The good frames among the stretches from each begin to its end."""
        kept = ~_stuffing(bits)
        counts: NDArray[np.int64] = np.concatenate((np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)))
        frames: list[BitFrame] = []
        begins = begins[: len(ends)]
        sizes = counts[np.maximum(ends, begins)] - counts[begins]
        fits = (sizes % 8 == 0) & (sizes >= self._least) & (sizes <= self._most)
        for begin, end in zip(begins[fits].tolist(), ends[fits].tolist(), strict=True):
            decoded = self._decode(np.packbits(bits[begin:end][kept[begin:end]], bitorder="little").tobytes())
            if decoded is not None:
                place, after = self._first + begin, self._first + end + len(_FLAG) - 1
                frames.append(BitFrame(decoded.body, place, after, decoded.corrected))
            else:
                self.ledger.check_failures += 1
        return frames

    def _decode(self, frame: bytes) -> Decoded | None:
        """What the bytes between two flags hold; None where their check fails."""
        return Decoded(frame[: -self._check.width], 0) if self._check.good(frame) else None

    def _encode(self, body: bytes) -> bytes:
        """The bytes between flags of a frame that holds body."""
        return self._check.append(body)


def _places_of_flags(bits: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where flags begin."""
    if len(bits) < len(_FLAG):
        return np.empty(0, np.int64)
    ends = ~(bits[7:] | bits[:-7]).astype(np.bool_)
    ones = _ones(bits, 6)[1:]  # the six bits between
    return np.flatnonzero(ends & ones[: len(ends)])


def _ones(bits: NDArray[np.uint8], count: int) -> NDArray[np.bool_]:
    """Whether count ones begin at each place where that many bits follow, bool (n - count + 1,)."""
    whole = len(bits) - count + 1
    ones = np.ones(max(0, whole), np.bool_)
    for place in range(count if whole > 0 else 0):
        ones &= bits[place : place + whole].view(np.bool_)
    return ones


def _stuffing(bits: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which bits are zeros behind five ones, bool (n,)."""
    stuffed = np.zeros(len(bits), np.bool_)
    if len(bits) > 5:
        stuffed[5:] = _ones(bits, 5)[:-1] & (bits[5:] == 0)
    return stuffed


def _stuffed(bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bits with a zero put behind each five ones."""
    sent, run = [], 0
    for bit in bits.tolist():
        sent.append(bit)
        run = run + 1 if bit else 0
        if run == 5:
            sent.append(0)
            run = 0
    return np.array(sent, np.uint8)


DEFRAMERS = {"hdlc": Hdlc}
