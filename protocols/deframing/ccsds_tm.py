"""CCSDS TM transfer frames in a bit stream (131.0-B): the marker 1a cf fc 1d at any bit and in either polarity, behind
it a Reed-Solomon code block, mostly randomised; and the same within the convolutional code (concatenated coding).

In a convolutional code nobody says which symbol is the first of a pair, so both are tried, side by side: one of them
gives noise, in which no marker is followed by a code block.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from protocols.coding.convolutional import CODES, ConvolutionalEncoder, ViterbiDecoder
from protocols.coding.crc import crc
from protocols.coding.line_code import NRZ_M, Differential
from protocols.coding.randomizer import Randomizer
from protocols.coding.reed_solomon import ReedSolomon
from protocols.deframing.deframer import BitFrame, Deframer
from protocols.deframing.marked import MARKER_ERRORS, Decoded, MarkedDeframer, soft_bytes
from protocols.deframing.soft_line import SoftDifferential
from protocols.errors import DeclarationError

MARKER = 0x1ACFFC1D
"""The attached sync marker (131.0-B-5, section 9)."""
_VITERBI_HOLDS = 2 * (512 + 2 * 64)
"""Soft bits a Viterbi decoder holds at most: a block with what it needs on either side."""


class CcsdsTm(MarkedDeframer):
    """Transfer frames of one length."""

    def __init__(
        self,
        frame_length: int = 223,
        *,
        basis: str = "dual",
        interleave: int = 1,
        reed_solomon: bool = True,
        randomize: bool = True,
        differential: bool = False,
        check: str = "",
        marker_errors: int = MARKER_ERRORS,
    ) -> None:
        """frame_length is the bytes of a frame without Reed-Solomon's parity, with its check if any.

        Basis is dual or conventional; differential says whether bits were differentially encoded; check is a CRC's
        name (the FECF's is crc-16/ibm-3740). Raises DeclarationError on what cannot be.
        """
        if basis not in ("dual", "conventional"):
            raise DeclarationError("framing 'ccsds_tm'", f"no basis {basis!r}; use dual or conventional")
        if interleave < 1:
            raise DeclarationError("framing 'ccsds_tm'", f"interleave {interleave}; use 1 to 8")
        if frame_length < 1 or (reed_solomon and frame_length > 223 * interleave):
            problem = f"frame_length {frame_length} does not fit {interleave} code words; use up to {223 * interleave}"
            raise DeclarationError("framing 'ccsds_tm'", problem)
        if frame_length % interleave and reed_solomon:
            problem = f"frame_length {frame_length} is no multiple of interleave {interleave}; use one that is"
            raise DeclarationError("framing 'ccsds_tm'", problem)
        self._code = ReedSolomon(dual=basis == "dual", interleave=interleave) if reed_solomon else None
        self._randomize, self._differential = randomize, SoftDifferential() if differential else None
        self._check = crc(check) if check else None
        self._size = frame_length + (32 * interleave if reed_solomon else 0)
        super().__init__(MARKER, marker_errors, 8 * self._size)

    def _length(self, header: NDArray[np.float32]) -> int:  # noqa: ARG002 - frames are of one length
        return 8 * self._size

    def _decode(self, frame: NDArray[np.float32]) -> Decoded | None:
        block = soft_bytes(frame)
        block = Randomizer.SHORT.apply(block) if self._randomize else block
        corrected = 0
        if self._code is not None:
            result = self._code.decode(block[np.newaxis])
            if not result.good[0]:
                return None
            block, corrected = result.data[0], int(result.symbols.sum())
        body = block.tobytes()
        if self._check is None:
            return Decoded(body, corrected)
        return Decoded(body[: -self._check.width], corrected) if self._check.good(body) else None

    def _encode(self, body: bytes) -> NDArray[np.uint8]:
        block = np.frombuffer(self._check.append(body) if self._check else body, np.uint8)
        if self._code is not None:
            block = self._code.encode(block[np.newaxis])[0]
        if len(block) != self._size:
            problem = f"a frame takes {len(block)} bytes, not {self._size}; change frame_length or the frame"
            raise DeclarationError("framing 'ccsds_tm'", problem)
        return np.unpackbits(Randomizer.SHORT.apply(block) if self._randomize else block)

    def _line_decoded(self, bits: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._differential.receive(bits) if self._differential else bits

    def _line_encoded(self, bits: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return Differential(NRZ_M).encode(bits) if self._differential else bits


class CcsdsConcatenated(Deframer):
    """Transfer frames within a convolutional code of rate 1/2."""

    def __init__(
        self,
        frame_length: int = 223,
        *,
        convolutional: str = "ccsds",
        basis: str = "dual",
        interleave: int = 1,
        reed_solomon: bool = True,
        randomize: bool = True,
        differential: bool = False,
        check: str = "",
        marker_errors: int = MARKER_ERRORS,
    ) -> None:
        """Convolutional is a variant of :mod:`protocols.coding.convolutional`; the other options are CcsdsTm's.

        Raises DeclarationError on what cannot be.
        """
        super().__init__()
        if convolutional not in CODES:
            problem = f"no convolutional code {convolutional!r}; use one of {', '.join(CODES)}"
            raise DeclarationError("framing 'ccsds_concatenated'", problem)
        self._convolutional = CODES[convolutional]
        self._decoders = [ViterbiDecoder(self._convolutional, skip) for skip in (0, 1)]
        self._inner = [
            CcsdsTm(
                frame_length,
                basis=basis,
                interleave=interleave,
                reed_solomon=reed_solomon,
                randomize=randomize,
                differential=differential,
                check=check,
                marker_errors=marker_errors,
            )
            for _ in self._decoders
        ]
        self._end = 0  # of the last delivered frame
        self._settled = 0  # number of the first soft bit that is pending

    @property
    def bound(self) -> int:
        """Twice what is held behind the decoder, and what it holds itself."""
        return 2 * (self._inner[0].bound + 1) + _VITERBI_HOLDS + 1

    def receive(self, bits: NDArray[np.float32]) -> list[BitFrame]:
        """The frames that bits, float32 (n,), positive for 1, complete. Never raises."""
        self.ledger.bits_in += len(bits)
        found: list[BitFrame] = []
        for skip, (decoder, inner) in enumerate(zip(self._decoders, self._inner, strict=True)):
            found += [_doubled(frame, skip) for frame in inner.receive(_signs(decoder.receive(bits)))]
        return self._deliver(found)

    def finish(self) -> list[BitFrame]:
        """The frames among the bits still held, now that no more will come; those bits are discarded or theirs."""
        found: list[BitFrame] = []
        for skip, (decoder, inner) in enumerate(zip(self._decoders, self._inner, strict=True)):
            last = inner.receive(_signs(decoder.flush())) + inner.finish()
            found += [_doubled(frame, skip) for frame in last]
        return self._deliver(found, final=True)

    def encode(self, bodies: Iterable[bytes]) -> NDArray[np.uint8]:
        """The symbols, uint8 (n,) of 0 and 1, of bodies; some more follow that empty the register."""
        bits = self._inner[0].encode(bodies)
        return ConvolutionalEncoder(self._convolutional).encode(np.concatenate((bits, np.zeros(6, np.uint8))))

    def _deliver(self, found: list[BitFrame], *, final: bool = False) -> list[BitFrame]:
        frames = []
        for frame in sorted(found, key=lambda each: each.begin):
            if frame.begin >= self._end:
                frames.append(frame)
                self._end = frame.end
        self.ledger.check_failures = sum(inner.ledger.check_failures for inner in self._inner)
        held = [inner.ledger.bits_in - inner.ledger.pending for inner in self._inner]
        settled = self.ledger.bits_in if final else max(self._settled, self._end, 2 * min(held))
        gone, self._settled = settled - self._settled, settled
        return self._account(frames, gone, sum(frame.end - frame.begin for frame in frames))


def _doubled(frame: BitFrame, skip: int) -> BitFrame:
    """A frame with places in symbols instead of bits."""
    return BitFrame(frame.body, 2 * frame.begin + skip, 2 * frame.end + skip, frame.corrected)


def _signs(bits: NDArray[np.uint8]) -> NDArray[np.float32]:
    return bits.astype(np.float32) * 2 - 1


DEFRAMERS: dict[str, type[Deframer]] = {"ccsds_tm": CcsdsTm, "ccsds_concatenated": CcsdsConcatenated}
