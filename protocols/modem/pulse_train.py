"""A train of pulses, one a symbol, sampled at any rate: what a transmitter's filter makes of its symbols.

Sample k lies ``k * symbols per sample`` behind the first. That ratio is a fraction of whole numbers, so that where a
sample lies among the symbols is exact however long the stream; it need not be simple. The pulse is tabulated.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.modem.pulses import Pulse

_LARGEST = 1 << 20
"""Of the ratio's denominator: it is then right to a part in 10^8 and mostly to many more."""
_FINE = 1024
"""Places between symbols where the pulse is tabulated; between them it is interpolated, which errs by some 10^-6."""


class PulseTrain:
    """Sums the pulses of a stream of symbols; pieces of any size."""

    def __init__(self, pulse: Pulse, reach: float, step: float, after: float = 0.0) -> None:
        """Pulse is a function of time in symbols, zero before -reach and ``after`` beyond reach.

        Step is symbols a sample. Symbol n has its middle at ``reach / step + n / step`` samples: nothing is cut off.
        """
        self._step = Fraction(step).limit_denominator(_LARGEST)
        self._taps = int(np.ceil(2 * reach - 1e-9))
        times = np.arange(_FINE + 1) / _FINE + np.arange(self._taps)[:, np.newaxis] - reach
        rows = np.where(times > reach, after, np.where(times < -reach, 0.0, pulse(times)))
        self._rows = rows[:, :-1].copy()
        self._slopes = np.diff(rows, axis=1)
        self._after = after
        self._held: NDArray[Any] = np.zeros(self._taps - 1)  # the last symbols
        self._sum: Any = 0.0  # of those before, whose pulses are over
        self._symbols = 0  # that came, and the next sample, both from a sample that coincided with a symbol
        self._sample = 0

    def receive(self, symbols: NDArray[Any]) -> NDArray[Any]:
        """The samples that symbols, real or complex (n,), complete: float64 or complex128 (m,)."""
        held = np.concatenate((self._held, symbols))
        numerator, denominator = self._step.numerator, self._step.denominator
        end = -(-(self._symbols + len(symbols)) * denominator // numerator)  # the first that needs one symbol more
        places = np.arange(self._sample, end) * numerator
        newest = places // denominator - self._symbols  # among the fresh symbols
        fine = places % denominator * (_FINE / denominator)
        row = fine.astype(np.intp)
        between = fine - row
        samples = np.zeros(len(places), held.dtype)
        for tap in range(self._taps):
            weights = self._rows[tap].take(row) + between * self._slopes[tap].take(row)
            samples += held.take(newest + (self._taps - 1 - tap)) * weights
        if self._after:
            sums = self._sum + np.cumsum(np.concatenate((np.zeros(1), held[: len(symbols)])))
            samples += self._after * sums.take(newest)
            self._sum = sums[-1]
        self._held = held[len(symbols) :]
        self._count(len(symbols), end)
        return samples

    def finish(self) -> NDArray[Any]:
        """The samples of the pulses that are not over yet."""
        return self.receive(np.zeros(self._taps - 1))

    def _count(self, symbols: int, end: int) -> None:
        periods = (self._symbols + symbols) // self._step.numerator
        self._symbols += symbols - periods * self._step.numerator
        self._sample = end - periods * self._step.denominator
