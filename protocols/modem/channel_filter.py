"""A filter that mixes, filters and changes the sample rate by any ratio, as one matrix product.

``outputs`` samples come out for each ``inputs`` that go in. What a block of inputs adds to the outputs around it is its
product with a matrix whose column j holds the response centred on output j's instant (a block-Toeplitz matrix), and
what blocks side by side add to the same outputs is summed. Inputs are read where they lie and only once, nothing is
computed that is not delivered, and the matrix product is the fastest loop a computer has. Mixing costs nothing: the
response is modulated instead of the input, and each output is turned by the carrier's phase at its own instant.

The filter has no delay: output j belongs to the instant ``j * inputs / outputs`` of the input.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.modem.product import product
from protocols.modem.pulses import Pulse

_ROWS = 40
"""Inputs a block has at least: smaller matrices waste the product's speed (measured)."""


def block_ratio(samples_per_symbol: float, largest: int = 64) -> Fraction:
    """A fraction within 50 parts per million of samples_per_symbol, as small as can be; the timing absorbs the rest.

    Where there is none up to the largest denominator, the best up to twice that.
    """
    for symbols in range(1, largest + 1):
        samples = round(samples_per_symbol * symbols)
        if samples and abs(samples / (samples_per_symbol * symbols) - 1) < 5e-5:
            return Fraction(samples, symbols)
    return Fraction(samples_per_symbol).limit_denominator(2 * largest)


class ChannelFilter:
    """Filters a stream of samples; pieces of any size."""

    def __init__(
        self,
        response: Pulse,
        reach: float,
        step: Fraction,
        *,
        shift: float = 0.0,
        of_complex: bool = False,
        blocking: bool = False,
    ) -> None:
        """Response is a function of time in input samples, zero beyond reach; step is input samples an output.

        A shift, in cycles a sample, is mixed down to zero; outputs are then complex, as they are of complex input.
        Its gain at shift is one. A blocking filter lets nothing through of an input that does not change.
        """
        self._ahead = int(np.ceil(reach / float(step)))  # outputs before a block that it adds to
        blocks = max(-(-_ROWS // step.numerator), -(-self._ahead // step.denominator))
        self._inputs, self._outputs = step.numerator * blocks, step.denominator * blocks
        self._step, self._shift = float(step), shift
        self._groups = -(-2 * self._ahead // self._outputs) + 1
        times = np.arange(self._inputs)[:, np.newaxis]
        away = times - (np.arange(self._groups * self._outputs) - self._ahead) * float(step)
        self.complex = bool(shift) or of_complex

        def taps(t: NDArray[np.float64]) -> NDArray[Any]:
            within = np.where(np.abs(t) <= reach, response(t), 0)
            return within * np.exp(-2j * np.pi * shift * t) if self.complex else within

        def hump(t: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.where(np.abs(t) <= reach, np.cos(np.pi * t / (2 * reach)) ** 2, 0)

        whole = np.arange(-np.ceil(reach), np.ceil(reach) + 1)
        laid = taps(away)
        if blocking:
            laid = laid - hump(away) * (taps(whole).sum() / hump(whole).sum())
        gain = np.where(np.abs(whole) <= reach, response(whole), 0).sum()
        self._matrix = self._laid_out(laid / gain, of_complex=of_complex)
        self._held = np.zeros(0, np.complex64 if of_complex else np.float32)
        self._sums = np.zeros((self._groups - 1, self._outputs), np.complex64 if self.complex else np.float32)
        self._done = 0  # blocks taken

    def receive(self, samples: NDArray[Any]) -> NDArray[Any]:
        """The outputs that samples complete: complex64 or float32 (n,)."""
        held = np.concatenate((self._held, samples)) if len(self._held) else samples
        count = len(held) // self._inputs
        self._held = held[count * self._inputs :].copy()
        if not count:
            return self._sums[:0].reshape(-1)
        added = product(held[: count * self._inputs].reshape(count, -1), self._matrix)
        added = added.view(np.complex64) if self.complex else added
        added = added.reshape(count, self._groups, self._outputs)
        sums = np.zeros((count + self._groups - 1, self._outputs), added.dtype)
        sums[: self._groups - 1] = self._sums
        for group in range(self._groups):
            sums[group : group + count] += added[:, group]
        self._sums = sums[count:]
        first = self._done * self._outputs - self._ahead
        self._done += count
        outputs = sums[:count].reshape(-1)
        if self._shift:
            outputs = outputs * self._carrier(first, count)
        return np.asarray(outputs[max(0, -first) :])

    def _laid_out(self, taps: NDArray[Any], *, of_complex: bool) -> NDArray[Any]:
        """Taps as the matrix: of real input with a complex result, real and imaginary columns side by side."""
        if of_complex:
            return taps.astype(np.complex64)
        if not self.complex:
            return taps.astype(np.float32)
        return np.stack((taps.real, taps.imag), axis=-1).reshape(len(taps), -1).astype(np.float32)

    def _carrier(self, first: int, count: int) -> NDArray[np.complex64]:
        """The turn of each output of count blocks: of the block's begin, and of the place in the block."""
        begins = (first + np.arange(count) * self._outputs) * self._step * self._shift % 1.0
        within = np.arange(self._outputs) * self._step * self._shift
        turn = np.exp(-2j * np.pi * begins)[:, np.newaxis] * np.exp(-2j * np.pi * within)
        return np.asarray(turn.reshape(-1), np.complex64)
