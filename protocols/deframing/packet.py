"""Packets as integrated radio transceivers frame them (TI CC1101 and CC1125, Silicon Labs Si446x, EnduroSat): a sync
word, a byte with the length unless all have one, data, a CRC; whitened, and perhaps in a Reed-Solomon code that the
satellite's own software adds.

Published modes in these terms (descriptions in gr-satellites):

| mode | options |
| --- | --- |
| 3CAT-1 | ``marker="d391d391", length=255, whitening="pn9", roots=32`` |
| TT-64 (QB50 AT03) | ``marker="2dd4", length=64, roots=16, check="crc-16/arc:little"`` |
| Reaktor Hello World | ``marker="352e352e", whitening="pn9", check="crc-16/cms"`` |
| EnduroSat | ``marker="aa7e", longest=128, check="crc-16/ibm-3740", keep_length=True`` |
| FOSSASAT | ``marker="55551212", whitening="pn9 reversed", check="crc-16/semtech"`` |
| AO-40 uncoded | ``marker="3915ed30", length=514, check="crc-16/ibm-3740"`` |
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from protocols.coding.crc import crc
from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.coding.scrambler import pn9
from protocols.deframing.marked import Decoded, MarkedDeframer
from protocols.errors import DeclarationError
from protocols.framer import hexadecimal

_WHITENINGS = ("", "pn9", "pn9 reversed", "ccsds")
_CODES = ("generic", "ccsds", "dual")
_LONGEST = 8192  # bytes, where all have one length


class Packet(MarkedDeframer):
    """Packets behind a sync word."""

    def __init__(
        self,
        marker: str = "d391d391",
        length: int = 0,
        *,
        longest: int = 255,
        whitening: str = "",
        roots: int = 0,
        code: str = "generic",
        check: str = "",
        least_significant_first: bool = False,
        keep_length: bool = False,
        marker_errors: int | None = None,
    ) -> None:
        """Marker is the sync word in hexadecimal; length is the bytes behind it, all included, 0 where a byte tells
        the data's, of which there are longest at most.

        Whitening is pn9, pn9 reversed (each byte's bits the other way round, as Semtech's chips do) or ccsds; roots
        is Reed-Solomon's parity, if any, in the field 0x11d with roots from alpha on (generic), or CCSDS's code in the
        conventional or the dual basis. Check is a CRC's name: it covers the length byte and the data, within the code.
        Keep_length delivers the length byte too. By default an eighth of the marker's bits may be wrong. Raises
        DeclarationError on what cannot be.
        """
        sync = hexadecimal(marker, "marker")
        self._length_byte, self._keep_length = length == 0, keep_length
        self._check = crc(check) if check else None
        over = (self._check.width if self._check else 0) + roots
        self._size = length or 1 + longest + over
        _refuse(length, longest, over, whitening, code)
        self._whitening, self._roots = whitening, roots
        self._code = _code(code, roots) if roots else None
        self._order: Literal["little", "big"] = "little" if least_significant_first else "big"
        self.SKIPPED = self.MARKED = 8 * len(sync)
        self.HEADER = 8 if self._length_byte else 0
        allowed = self.SKIPPED // 8 if marker_errors is None else marker_errors
        super().__init__(int.from_bytes(sync, "big"), allowed, 8 * self._size)

    @property
    def frame_length(self) -> int:
        """Bytes of data in every packet; 0 where a length byte tells."""
        return 0 if self._length_byte else self._size - self._over

    @property
    def _over(self) -> int:
        """Bytes of check and parity."""
        return (self._check.width if self._check else 0) + self._roots

    def _length(self, header: NDArray[np.float32]) -> int:
        if not self._length_byte:
            return 8 * self._size
        told = 1 + int(self._whitened(self._bytes(header[:8]))[0]) + self._over
        return 8 * told if self._over + 1 < told <= self._size else 0

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        block, corrected = self._whitened(self._bytes(frame)), 0
        if self._code is not None:
            result = self._code.decode(block[np.newaxis])
            if not result.good[0]:
                return None
            block, corrected = result.data[0], int(result.symbols.sum())
        body = block.tobytes()
        if self._check is not None:
            if not self._check.good(body):
                return None
            body = body[: -self._check.width]
        return Decoded(body[1:] if self._length_byte and not self._keep_length else body, corrected)

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        if self._length_byte and self._keep_length:
            body = body[1:]
        wanted = self._size - self._over - self._length_byte
        if not 0 < len(body) <= wanted or (not self._length_byte and len(body) != wanted):
            allowed = f"1 to {wanted}" if self._length_byte else f"{wanted}"
            raise DeclarationError("framing 'packet'", f"a frame of {len(body)} bytes; use {allowed}")
        data = bytes((len(body),)) + body if self._length_byte else body
        block = np.frombuffer(self._check.append(data) if self._check else data, np.uint8)
        if self._code is not None:
            block = self._code.encode(block[np.newaxis])[0]
        block = self._whitened(block)
        return np.unpackbits(block, bitorder=self._order)

    def _bytes(self, bits: NDArray[np.float32]) -> NDArray[np.uint8]:
        return np.packbits(bits > 0, bitorder=self._order)

    def _whitened(self, block: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._whitening.startswith("pn9"):
            sequence = pn9(len(block))
            return block ^ (sequence if self._whitening == "pn9" else _reversed(sequence))
        return Randomizer.SHORT.apply(block) if self._whitening else block


def _reversed(octets: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.packbits(np.unpackbits(octets), bitorder="little")


def _code(name: str, roots: int) -> ReedSolomon:
    """A code by name; CCSDS's have their roots around 127.5 (131.0-B 4.3.4)."""
    if name == "generic":
        return ReedSolomon(roots, 0x11D, 1, 1)
    return ReedSolomon(roots, first=128 - roots // 2, dual=name == "dual")


def _refuse(length: int, longest: int, over: int, whitening: str, code: str) -> None:
    """Raise DeclarationError on options that cannot be."""
    where = "framing 'packet'"
    if whitening not in _WHITENINGS:
        raise DeclarationError(where, f"no whitening {whitening!r}; use pn9, pn9 reversed, ccsds or none")
    if code not in _CODES:
        raise DeclarationError(where, f"no code {code!r}; use one of {', '.join(_CODES)}")
    if not 1 <= longest <= 255:
        raise DeclarationError(where, f"longest {longest} does not fit a length byte; use 1 to 255")
    if length and not over < length <= _LONGEST:
        raise DeclarationError(where, f"length {length} leaves nothing of a frame; use {over + 1} to {_LONGEST}")


DEFRAMERS = {"packet": Packet}
