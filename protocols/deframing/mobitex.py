"""Mobitex and Mobitex-NX frames, as satellites of TU Berlin and others send them (D. Estevez, "Some notes on BEESAT and
Mobitex-NX", 2016; gr-satellites, "Mobitex-NX"; "TechnoSat/TUBIN Telemetry Format").

A sync word of 16 bits; two control bytes with four bits of parity each; a callsign and its CRC; blocks of 18 bytes with
a CRC, each byte in a (12,8) code, interleaved and scrambled. What mends is weak, so a frame with a bad block is
delivered too and says which: behind control bytes, callsign, its CRC and the blocks stand six bytes that receivers add,
aa, a bit for each bad block (the first is the lowest of the first byte), and bb.
"""

from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from protocols.coding.crc import crc
from protocols.deframing.marked import Decoded, MarkedDeframer, soft_bytes
from protocols.errors import DeclarationError

MARKER, MARKER_NX = 0x5765, 0x0EF0
"""Sync words."""
MARKER_ERRORS = 3
"""Bits of the sync word that may be wrong by default."""
DATA, MOST_BLOCKS = 18, 32
"""Bytes of a block, and blocks of the longest frame."""
PARITY = (0b11101100, 0b11010011, 0b10111010, 0b01110101)
"""Bits of a byte that each of its four parity bits, the highest first, is the sum of."""
CALLSIGN_ERRORS = 2
"""Bits of callsign and CRC that are mended, as long as the CRC can tell which."""
_CALLSIGN = 6
_HEADER_CHECK, _BLOCK_CHECK = crc("crc-16/xmodem"), crc("crc-16/ibm-sdlc")
_ROWS = 12  # bits of a coded byte
_COLUMNS = DATA + 2  # of them in a block
_BLOCK = _ROWS * _COLUMNS  # bits


class Mobitex(MarkedDeframer):
    """Mobitex frames of 1 to 32 blocks."""

    MARKED = SKIPPED = 16
    CUT_SHORT = True

    def __init__(
        self, *, nx: bool = True, callsign: bool = True, blocks: int = 0, marker_errors: int = MARKER_ERRORS
    ) -> None:
        """Nx chooses the sync word; callsign says whether there is one (BEESAT-1 has none); blocks is their number in
        every frame (BEESAT-9: 32), 0 where the first control byte tells. Raises DeclarationError on too many.
        """
        if not 0 <= blocks <= MOST_BLOCKS:
            raise DeclarationError("framing 'mobitex'", f"{blocks} blocks; use 1 to {MOST_BLOCKS}, or 0")
        self._called, self._blocks = callsign, blocks
        self.HEADER = 8 * (3 + (_CALLSIGN + 2) * callsign)
        super().__init__(MARKER_NX if nx else MARKER, marker_errors, self.HEADER + _BLOCK * (blocks or MOST_BLOCKS))

    def _length(self, header: NDArray[np.float32]) -> int:
        found = self._header(soft_bytes(header[: self.HEADER]))
        return self.HEADER + _BLOCK * self._count(found[0]) if found else 0

    def _count(self, header: bytes) -> int:
        """The number of blocks."""
        return self._blocks or (header[0] & MOST_BLOCKS - 1) + 1

    def _header(self, received: NDArray[np.uint8]) -> tuple[bytes, int] | None:
        """Control bytes, callsign and CRC as sent, and how many bits were wrong; None where too many."""
        first, second, parity = (int(each) for each in received[:3])
        control = [_mended()[0][first << 4 | parity >> 4], _mended()[0][second << 4 | parity & 15]]
        wrong = sum(int(_mended()[1][word] == 1) for word in (first << 4 | parity >> 4, second << 4 | parity & 15))
        called = int.from_bytes(received[3:].tobytes(), "big")
        if self._called:
            name = received[3 : 3 + _CALLSIGN].tobytes()
            flips = _flips().get(_HEADER_CHECK.compute(name) ^ called & 0xFFFF)
            if flips is None:
                return None
            called ^= flips
            wrong += flips.bit_count()
        callsign = called.to_bytes(len(received) - 3, "big")
        return (bytes(control) + callsign, wrong) if callsign[:_CALLSIGN].isascii() else None

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        found = self._header(soft_bytes(frame[: self.HEADER]))
        if found is None:
            return None
        header, wrong = found
        bits = (frame[self.HEADER :] > 0).astype(np.uint8)
        bits ^= _scrambling(len(bits))
        words = bits.reshape(-1, _ROWS, _COLUMNS).transpose(0, 2, 1).astype(np.intp)
        codes = words @ (1 << np.arange(_ROWS - 1, -1, -1))
        blocks, errors = _mended()[0][codes], _mended()[1][codes]
        bad = [number for number, block in enumerate(blocks) if not _BLOCK_CHECK.good(block.tobytes())]
        if len(bad) == len(blocks):
            return None
        marks = sum(1 << number for number in bad).to_bytes(4, "little")
        body = header + blocks[:, :DATA].tobytes() + b"\xaa" + marks + b"\xbb"
        return Decoded(body, wrong + int(np.count_nonzero(errors == 1)))

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        size = 2 + (_CALLSIGN + 2) * self._called
        header, data, added = body[:size], body[size:-6], body[-6:]
        if not data or len(data) != DATA * self._count(header) or added != b"\xaa\0\0\0\0\xbb":
            problem = "the first byte must tell the blocks of 18 bytes, and aa 00 00 00 00 bb follow them; make it so"
            raise DeclarationError("framing 'mobitex'", problem)
        if self._called and not (_HEADER_CHECK.good(header[2:]) and header[2:-2].isascii()):
            raise DeclarationError("framing 'mobitex'", "the callsign needs six ASCII bytes and its CRC; correct them")
        parity = _parity(header[0]) << 4 | _parity(header[1])
        blocks = [_BLOCK_CHECK.append(data[at : at + DATA]) for at in range(0, len(data), DATA)]
        codes = np.array([[byte << 4 | _parity(byte) for byte in block] for block in blocks])
        words = codes[:, :, np.newaxis] >> np.arange(_ROWS - 1, -1, -1) & 1
        bits = words.transpose(0, 2, 1).reshape(-1).astype(np.uint8)
        front = np.frombuffer(header[:2] + bytes((parity,)) + header[2:], np.uint8)
        return np.concatenate((np.unpackbits(front), bits ^ _scrambling(len(bits))))


def _parity(byte: int) -> int:
    """The four parity bits of a byte."""
    return sum(((byte & row).bit_count() & 1) << 3 - place for place, row in enumerate(PARITY))


@cache
def _mended() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """By 12-bit word: the byte it holds, and how many bits were wrong; 2: more than can be mended, as received."""
    single = {_parity(pattern >> 4) ^ pattern & 15: pattern for pattern in (1 << place for place in range(_ROWS))}
    syndromes = [_parity(word >> 4) ^ word & 15 for word in range(1 << _ROWS)]
    data = [(word ^ single.get(syndrome, 0)) >> 4 for word, syndrome in enumerate(syndromes)]
    wrong = [0 if not syndrome else 1 if syndrome in single else 2 for syndrome in syndromes]
    return np.array(data, np.uint8), np.array(wrong, np.uint8)


@cache
def _flips() -> dict[int, int]:
    """By what the CRC of a callsign is off: the fewest wrong bits, two at most, in it and the CRC that explain it."""
    places = range(8 * (_CALLSIGN + 2))
    off = [
        _HEADER_CHECK.compute((1 << place >> 16).to_bytes(_CALLSIGN, "big")) ^ 1 << place & 0xFFFF for place in places
    ]
    found = {0: 0}
    for count in range(1, CALLSIGN_ERRORS + 1):
        for several in combinations(places, count):
            syndrome = 0
            for place in several:
                syndrome ^= off[place]
            found.setdefault(syndrome, sum(1 << place for place in several))
    return found


@cache
def _scrambling(count: int) -> NDArray[np.uint8]:
    """A sequence from nine ones in which each bit is the sum of those 9 and 5 before, uint8 (count,)."""
    bits = [1] * 9
    while len(bits) < count:
        bits.append(bits[-9] ^ bits[-5])
    return np.array(bits[:count], np.uint8)


DEFRAMERS = {"mobitex": Mobitex}
