"""A filter that mixes, filters and changes the sample rate by any ratio, as one matrix product.

``outputs`` samples come out for each ``inputs`` that go in. A block of them is a product of the inputs around it with
a matrix whose column j holds the response centred on output j's instant (a block-Toeplitz matrix): nothing is computed
that is not delivered, and the matrix product is the fastest loop a computer has. Mixing costs nothing: the response is
modulated instead of the input, and each output is turned by the carrier's phase at its own instant.

The filter has no delay: output j belongs to the instant ``j * inputs / outputs`` of the input.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.modem.pulses import Pulse

_ROWS, _COLUMNS = 64, 16
"""Inputs and outputs a block has at least: smaller matrices waste the product's speed (measured)."""


def block_ratio(samples_per_symbol: float, largest: int = 64) -> Fraction:
    """A fraction within 50 parts per million of samples_per_symbol, as small as can be; the timing absorbs the rest."""
    for symbols in range(1, largest + 1):
        near = Fraction(round(samples_per_symbol * symbols), symbols)
        if near and abs(near / Fraction(samples_per_symbol) - 1) < 5e-5:
            return near
    return Fraction(samples_per_symbol).limit_denominator(largest)


class ChannelFilter:
    """Filters a stream of samples; pieces of any size."""

    def __init__(
        self, response: Pulse, reach: float, step: Fraction, *, shift: float = 0.0, of_complex: bool = False
    ) -> None:
        """Response is a function of time in input samples, zero beyond reach; step is input samples an output.

        A shift, in cycles a sample, is mixed down to zero; outputs are then complex, as they are of complex input.
        Its gain at shift is one.
        """
        blocks = max(-(-_ROWS // step.numerator), -(-_COLUMNS // step.denominator))
        self._inputs, self._outputs = step.numerator * blocks, step.denominator * blocks
        self._step, self._shift = float(step), shift
        self._margin = int(np.ceil(reach))
        times = np.arange(-self._margin, self._inputs + self._margin)[:, np.newaxis]
        away = times - np.arange(self._outputs) * float(step)
        taps = np.where(np.abs(away) <= reach, response(away), 0)
        taps = taps / taps[:, :1].sum()
        self.complex = bool(shift) or of_complex
        turned = taps * np.exp(-2j * np.pi * shift * away) if self.complex else taps
        self._matrix = self._laid_out(turned, of_complex=of_complex)
        self._held = np.zeros(self._margin, np.complex64 if of_complex else np.float32)
        self._done = 0  # blocks delivered

    def receive(self, samples: NDArray[Any]) -> NDArray[Any]:
        """The outputs that samples complete: complex64 or float32 (n,)."""
        held = np.concatenate((self._held, samples))
        width = self._inputs + 2 * self._margin
        count = max(0, (len(held) - width) // self._inputs + 1)
        self._held = held[count * self._inputs :]
        if not count:
            return np.empty(0, np.complex64 if self.complex else np.float32)
        rows = np.lib.stride_tricks.sliding_window_view(held, width)[: count * self._inputs : self._inputs]
        outputs = (rows @ self._matrix).reshape(-1)
        outputs = outputs.view(np.complex64) if self.complex else outputs
        if self._shift:
            outputs = outputs * self._carrier(count)
        self._done += count
        return np.asarray(outputs)

    def _laid_out(self, taps: NDArray[Any], *, of_complex: bool) -> NDArray[Any]:
        """Taps as the matrix: of real input with a complex result, real and imaginary columns side by side."""
        if of_complex:
            return taps.astype(np.complex64)
        if not self.complex:
            return taps.astype(np.float32)
        return np.stack((taps.real, taps.imag), axis=-1).reshape(len(taps), -1).astype(np.float32)

    def _carrier(self, count: int) -> NDArray[np.complex64]:
        """The turn of each output of the next blocks: of the block's begin, and of the place in the block."""
        begins = (self._done + np.arange(count)) * self._inputs * self._shift % 1.0
        within = np.arange(self._outputs) * self._step * self._shift
        turn = np.exp(-2j * np.pi * begins)[:, np.newaxis] * np.exp(-2j * np.pi * within)
        return np.asarray(turn.reshape(-1), np.complex64)
