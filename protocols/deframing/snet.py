"""Frames of the TUBiX10 satellites S-NET and SALSAT (TU Berlin, "TUBiX10-COM"; gr-satellites, "S-NET").

Behind the marker stand 14 words of a BCH (15,5) code with the frame's header, then blocks of 16 words of a BCH code
that the header tells, or plain bytes; of each group first all words' first bits are sent. Bytes go least significant
bit first. S-NET computes both checks in a way of its own, which its receivers have to follow; SALSAT as meant.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.coding import bch
from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.errors import DeclarationError

MARKER = 0x04CF5FC8
MARKER_ERRORS = 4
"""Bits of the marker that may be wrong by default."""
DATA_BITS = {1: 11, 2: 7, 3: 5}
"""Bits of data in a word, by the code that the header tells; 0 is no code."""
_WRONG = {11: 1, 7: 3, 5: 4}  # bits of a word that may be: one more than hard bits allow, but in the code for one
_HEADER_WRONG = 3  # and of the header's words, whose own check is weak
_WORDS, _HEADER_WORDS, _HEADER_BITS = 16, 14, 5
_LONGEST = 1023  # bytes that ten bits tell
_PADDING = 0xDB
_CODE, _LENGTH, _CHECK = slice(26, 30), slice(42, 52), slice(52, 65)  # bits of the header; its own check is the rest
_TAIL = np.array((1, 0, 1, 1, 0, 1, 1), np.uint8)  # what fills the header's bytes for its own check


class _Header(NamedTuple):
    code: int
    length: int
    check: int


class Snet(MarkedDeframer):
    """S-NET's and SALSAT's frames."""

    HEADER = bch.LENGTH * _HEADER_WORDS

    def __init__(self, *, salsat: bool = False, code: int = 1, marker_errors: int = MARKER_ERRORS) -> None:
        """Salsat chooses the checks as they were meant; code is that to encode with, 0 to 3.

        Raises DeclarationError on another code.
        """
        if code not in (0, *DATA_BITS):
            raise DeclarationError("framing 'snet'", f"no code {code}; use 0 (none), 1, 2 or 3")
        self._meant, self._code = salsat, code
        least = min(DATA_BITS.values()) * _WORDS // 8
        super().__init__(MARKER, marker_errors, self.HEADER + -(-_LONGEST // least) * _WORDS * bch.LENGTH)

    def _length(self, header: NDArray[np.float32]) -> int:
        told = self._header(header[: self.HEADER])
        return self.HEADER + self._body_bits(told.code, told.length) if told else 0

    def _header(self, soft: NDArray[np.float32]) -> _Header | None:
        data, wrong = bch.decode(soft.reshape(bch.LENGTH, _HEADER_WORDS).T, _HEADER_BITS)
        bits = data[:, ::-1].reshape(-1)
        told = _Header(_number(bits[_CODE]), _number(bits[_LENGTH]), _number(bits[_CHECK]))
        bad = (wrong > _HEADER_WRONG).any() or self._header_check(bits) != _number(bits[65:])
        return None if bad or not told.length or told.code not in (0, *DATA_BITS) else told

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        told = self._header(frame[: self.HEADER])
        soft = frame[self.HEADER :]
        if told is None:
            return None
        wrong = 0
        if told.code:
            data = DATA_BITS[told.code]
            words = soft.reshape(-1, bch.LENGTH, _WORDS).transpose(0, 2, 1).reshape(-1, bch.LENGTH)
            decoded, errors = bch.decode(words, data)
            if (errors > _WRONG[data]).any():
                return None
            bits, wrong = decoded.reshape(-1), int(errors.sum())
        else:
            bits = (soft > 0).astype(np.uint8)
        body = np.packbits(bits, bitorder="little").tobytes()[: told.length]
        return Decoded(body, wrong) if self._body_check(body) == told.check else None

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if not 0 < len(body) <= _LONGEST:
            raise DeclarationError("framing 'snet'", f"a frame of {len(body)} bytes; use 1 to {_LONGEST}")
        header = np.zeros(_HEADER_WORDS * _HEADER_BITS, np.uint8)
        for place, value in ((_CODE, self._code), (_LENGTH, len(body)), (_CHECK, self._body_check(body))):
            header[place] = _bits(value, place.stop - place.start)
        header[65:] = _bits(self._header_check(header), 5)
        front = bch.encode(header.reshape(-1, _HEADER_BITS)[:, ::-1]).T.reshape(-1)
        if not self._code:
            return np.concatenate((front, np.unpackbits(np.frombuffer(body, np.uint8), bitorder="little")))
        block = DATA_BITS[self._code] * _WORDS // 8
        padded = body + bytes((_PADDING,)) * (-len(body) % block)
        bits = np.unpackbits(np.frombuffer(padded, np.uint8), bitorder="little")
        words = bch.encode(bits.reshape(-1, DATA_BITS[self._code])).reshape(-1, _WORDS, bch.LENGTH)
        return np.concatenate((front, words.transpose(0, 2, 1).reshape(-1)))

    def _body_bits(self, code: int, length: int) -> int:
        """Bits that a body of so many bytes takes."""
        if not code:
            return 8 * length
        return -(-length // (DATA_BITS[code] * _WORDS // 8)) * _WORDS * bch.LENGTH

    def _header_check(self, bits: NDArray[np.uint8]) -> int:
        """Five bits over the header's first 65; S-NET's bytes are in reverse, and the fourth is taken for the fifth."""
        octets = np.concatenate((bits[:65], _TAIL)).reshape(-1, 8)
        if not self._meant:
            octets = octets[::-1].copy()
            octets[4] = octets[3]
        return _remainder(octets.reshape(-1), 5, 0x15)

    def _body_check(self, body: bytes) -> int:
        """Thirteen bits over the body; S-NET's bytes are in reverse, and what is added differs."""
        octets = np.unpackbits(np.frombuffer(body if self._meant else body[::-1], np.uint8))
        return _remainder(octets, 13, 0x1CF5, either=not self._meant)


def _remainder(bits: NDArray[np.uint8], width: int, poly: int, *, either: bool = False) -> int:
    """A CRC from all ones; either: the polynomial is added where the highest bit or the data's is 1, or both."""
    mask, top, register = (1 << width) - 1, width - 1, (1 << width) - 1
    for bit in bits.tolist():
        high = register >> top
        register = register << 1 & mask
        if (high | bit) if either else (high ^ bit):
            register ^= poly
    return register


def _number(bits: NDArray[np.uint8]) -> int:
    return int("".join(map(str, bits.tolist())), 2)


def _bits(value: int, width: int) -> list[int]:
    return [value >> place & 1 for place in range(width - 1, -1, -1)]


DEFRAMERS = {"snet": Snet}
