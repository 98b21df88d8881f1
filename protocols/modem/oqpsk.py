"""OQPSK: QPSK whose Q comes half a symbol after I, so that the amplitude never passes zero.

The power of such a signal has no line at the symbol rate, I has its most where Q has its least, so its timing cannot
be found before its phase. The fourth power however needs no timing: averaged over a symbol it points the same way as
that of QPSK. So the samples are turned first, then Q is put back by half a symbol, and what is left is QPSK.

In which quarter the phase is found makes no difference but in signs: a quarter of a turn on, I and Q change places,
and since they come in turn, every second bit changes its sign. That is the second reading.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.modem.carrier import REACH, stripped, unwrapped
from protocols.modem.demodulator import SoftBits
from protocols.modem.qpsk import Qpsk
from protocols.modem.symbol_timing import CLOCK_ERROR, PER_SYMBOL, Symbols
from protocols.modem.turns import turns

_HALF = PER_SYMBOL // 2
_STRIDE = 2
"""Samples from each to the next whose fourth power is taken."""


class Alignment:
    """Turns matched samples of OQPSK onto the axes and puts I beside the Q that follows it."""

    DELAY = PER_SYMBOL
    """Samples by which I lags behind what came in, and Q by half as many."""

    def __init__(self) -> None:
        reach = REACH[4]
        self._kernel = np.hanning(2 * reach + 3)[1:-1]
        self._held = np.zeros(0, np.complex64)  # less than a symbol
        self._powers: NDArray[np.complex128] = np.zeros(reach, np.complex128)
        self._unturned = np.zeros(_HALF, np.complex64)
        self._angle = 0.0
        self._i = np.zeros(_HALF, np.float32)

    def receive(self, samples: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """The samples so aligned, complex64 (n,), once as many more as the phase reaches are there."""
        held = np.concatenate((self._held, samples))
        whole = len(held) // PER_SYMBOL * PER_SYMBOL
        self._held = held[whole:]
        fresh = stripped(held[:whole:_STRIDE].astype(np.complex128), 4).reshape(-1, PER_SYMBOL // _STRIDE)
        powers = np.concatenate((self._powers, fresh.sum(axis=1)))
        unturned = np.concatenate((self._unturned, held[:whole]))
        count = max(0, len(powers) - len(self._kernel) + 1)
        self._powers, self._unturned = powers[count:], unturned[count * PER_SYMBOL :]
        if not count:
            return np.empty(0, np.complex64)
        angles = unwrapped(powers, self._kernel, self._angle)
        self._angle = float(angles[-1]) % (8 * np.pi)
        places = (np.arange(count * PER_SYMBOL) + 1) / PER_SYMBOL
        cycles = np.interp(places, np.arange(count + 1), angles) / (8 * np.pi)
        turned = unturned[: count * PER_SYMBOL] * turns(-cycles)
        i = np.concatenate((self._i, turned.real))
        self._i = i[len(turned) :]
        return np.asarray(i[: len(turned)] + np.complex64(1j) * turned.imag)


class Oqpsk(Qpsk):
    """Offset quaternary phase shift keying."""

    def __init__(
        self,
        rate: float,
        baud: float,
        *,
        iq: bool = False,
        carrier: float | None = None,
        differential: bool = False,
        pulse: str = "rrc",
        search: float = 0.5,
        clock_error: float = CLOCK_ERROR,
    ) -> None:
        """Options are those of QPSK, but differential tells that changes of either axis are sent: a 1 is none."""
        super().__init__(
            rate,
            baud,
            iq=iq,
            carrier=carrier,
            differential=differential,
            pulse=pulse,
            search=search,
            clock_error=clock_error,
        )
        self._alignment = Alignment()

    def readings(self, values: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """The bits received in one call, as they are and with every second one's sign changed: of either, any sign."""
        if self._differential:
            return (values,)
        return values, values * np.resize(np.array((1, -1), np.float32), len(values))

    def _demodulate(self, page: NDArray[Any]) -> SoftBits:
        symbols = self._timing.receive(self._alignment.receive(self._baseband.receive(page)))
        return self._bits(Symbols(symbols.values, symbols.instants - Alignment.DELAY), _HALF)

    def _changes(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of I and Q, float32 (n, 2), whether their sign is that of the symbol before."""
        held = np.concatenate((self._before[np.newaxis], values))
        self._before = held[-1]
        return np.asarray(np.where(held[:-1] > 0, values, -values))


MODEM = Oqpsk
