"""Node synchronisation: Viterbi decoding where it is not known which symbol begins a pair (CCSDS 130.1-G, 4).

Both pairings are decoded, each result is encoded again and compared with the symbols received: the right pairing
differs by the channel's errors, the wrong one by about one symbol in six. The polarity cannot be told here, see
:mod:`protocols.coding.convolutional`: bits of a complemented stream come out complemented.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protocols.coding.convolutional import CODES, Bits, ConvolutionalCode, ConvolutionalEncoder, ViterbiDecoder, finite
from protocols.coding.phase_choice import Chosen, Costs, PhaseChooser

_WINDOW = 128
"""Bits on either side that tell the pairing: a wrong one then differs by some 85 symbols, give or take 6."""
_UNSURE = 12
"""Symbols of difference within which the pairing stays: more than two wrong ones mostly differ by."""


class NodeSynchronizer:
    """Decodes a stream of soft bits whose pairing it finds, and finds again where symbols were lost or gained."""

    def __init__(self, code: ConvolutionalCode = CODES["ccsds"]) -> None:
        self.code = code
        self.symbols = 0  # symbols whose bits came out
        self.symbol_errors = 0  # of them, those that the code says were received wrong
        self.erasures = 0  # soft bits that were not finite
        self._readings = _Reading(code, 0), _Reading(code, 1)
        self._chooser = PhaseChooser(np.dtype(np.uint8), _WINDOW, _UNSURE)

    @property
    def phase(self) -> int:
        """Which symbol of the stream, 0 or 1, begins the pairs now."""
        return self._chooser.phase

    def receive(self, soft: ArrayLike) -> Bits:
        """The bits that soft bits, floats (n,), make certain, uint8 (m,)."""
        arrived, erasures = finite(soft)
        self.erasures += erasures
        even, odd = (reading.receive(arrived) for reading in self._readings)
        return self._counted(self._chooser.receive((even[0], odd[0]), (even[1], odd[1])))

    def flush(self) -> Bits:
        """The bits still waiting for symbols after them, uint8 (m,); a new stream can begin then."""
        even, odd = (reading.flush() for reading in self._readings)
        bits = self._counted(self._chooser.receive((even[0], odd[0]), (even[1], odd[1])))
        self._readings = _Reading(self.code, 0), _Reading(self.code, 1)
        return np.concatenate((bits, self._counted(self._chooser.flush())))

    def _counted(self, chosen: Chosen) -> Bits:
        self.symbols += 2 * len(chosen.values)
        self.symbol_errors += int(chosen.costs.sum())
        return chosen.values


class _Reading:
    """One pairing: its bits, and how many symbols of each pair were received otherwise."""

    def __init__(self, code: ConvolutionalCode, skip: int) -> None:
        self._decoder, self._encoder = ViterbiDecoder(code, skip), ConvolutionalEncoder(code)
        self._skip = skip
        self._hard = np.empty(0, np.int8)  # symbols received: -1, 0 or erased, 1

    def receive(self, soft: NDArray[np.float32]) -> tuple[Bits, Costs]:
        signs = (soft[self._skip :] > 0).astype(np.int8)
        signs -= soft[self._skip :] < 0
        self._skip = max(0, self._skip - len(soft))
        self._hard = np.concatenate((self._hard, signs))
        return self._compared(self._decoder.receive(soft))

    def flush(self) -> tuple[Bits, Costs]:
        return self._compared(self._decoder.flush())

    def _compared(self, bits: Bits) -> tuple[Bits, Costs]:
        sent = self._encoder.encode(bits).view(np.int8)
        received, self._hard = self._hard[: len(sent)], self._hard[len(sent) :]
        wrong = (received == 1 - 2 * sent).view(np.int8)
        return bits, wrong[0::2] + wrong[1::2]
