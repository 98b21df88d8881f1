"""What a demodulator is: samples of any number in, soft bits out, nothing raised whatever the samples are.

Samples are cut into pages of a fixed size before anything is computed, so how they arrive changes no bit: chunks of
any size give the same soft bits to the last digit. What is no number (NaN, infinities) is counted and becomes zero;
what is larger than any receiver gives is counted and limited, so that powers of it stay finite.
"""

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError

MODEMS = ("fsk", "gfsk", "msk", "gmsk", "pcm_fm", "afsk", "psk", "qpsk", "oqpsk")
"""The modems there are: a file each, which defines ``MODEM``."""
LARGEST = 1e6
"""Samples are limited to this: their fourth power, summed over a page, stays within float32."""
LEAST_RATE = 2.0
"""Samples a symbol at least: with fewer the symbol rate's own line is lost."""
MOST_RATE = 100_000.0
"""Samples a symbol at most: a page of them takes 0.4 GB. Who asks for more has mistaken the symbol rate."""
PAGE_SYMBOLS = 512
"""Symbols in a page at least: what a page costs besides its samples is then small (measured)."""


@dataclass(frozen=True, slots=True)
class SoftBits:
    """n bits as they were received."""

    values: NDArray[np.float32]
    """One for each bit, float32 (n,): positive is 1, and about 1 in size where the bit is clear."""
    places: NDArray[np.float64]
    """Where the middle of each lies, in samples from the first ever received, float64 (n,)."""
    eb_n0: NDArray[np.float32]
    """Eb/N0 around each, in dB, float32 (n,)."""

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def none(cls) -> "SoftBits":
        """No bits."""
        return cls(np.empty(0, np.float32), np.empty(0), np.empty(0, np.float32))

    @classmethod
    def join(cls, several: Sequence["SoftBits"]) -> "SoftBits":
        """Bits one after the other."""
        if not several:
            return cls.none()
        values, places, eb_n0 = zip(*((each.values, each.places, each.eb_n0) for each in several), strict=True)
        return cls(np.concatenate(values), np.concatenate(places), np.concatenate(eb_n0))

    def within(self, begin: float, end: float = math.inf) -> "SoftBits":
        """Those whose places are at least begin and less than end."""
        if not len(self) or (self.places[0] >= begin and self.places[-1] < end):
            return self
        inside = (self.places >= begin) & (self.places < end)
        return SoftBits(self.values[inside], self.places[inside], self.eb_n0[inside])


class Demodulator(ABC):
    """Turns samples into soft bits."""

    WIDTH: int = 1536
    """Symbols after which a bit has left it: the reach of all its filters together."""

    def __init__(self, rate: float, baud: float, *, iq: bool) -> None:
        """Rate is in samples/s and baud in symbols/s; iq tells complex samples from audio."""
        self.iq = iq
        self.rate, self.baud = rate, baud
        self.samples_in = 0
        """Samples received."""
        self.invalid = 0
        """Samples that were no finite number and were taken as zero."""
        self.saturated = 0
        """Samples larger than LARGEST, which were limited."""
        self.eb_n0_now = math.nan
        """The newest estimate of Eb/N0 in dB; NaN before any."""
        self._type: type[np.generic] = np.complex64 if iq else np.float32
        self._page = max(4096, int(PAGE_SYMBOLS * rate / baud))
        self._held: NDArray[Any] = np.empty(0, self._type)
        self._count = 0

    @property
    def page(self) -> int:
        """Samples that are held until there are so many, and then treated together."""
        return self._page

    @property
    def carrier_offset(self) -> float:
        """How far the carrier now is from where it was expected, in Hz; NaN where that is not known."""
        return math.nan

    def readings(self, values: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """What the bits that one call gave, float32 (n,), may mean: one reading, or more where samples do not tell.

        That all signs may be wrong is no other reading: deframers do not mind.
        """
        return (values,)

    def receive(self, samples: NDArray[Any]) -> SoftBits:
        """The bits that samples, real or complex (n,), complete. Never raises."""
        self.samples_in += samples.size
        flat, bits = np.asarray(samples).reshape(-1), []
        begin = 0
        while begin < len(flat):
            end = min(len(flat), begin + self._page - self._count)
            piece = self._sane(flat[begin:end])
            if len(piece) < self._page:
                if len(self._held) < self._page:
                    self._held = np.empty(self._page, self._type)
                self._held[self._count : self._count + len(piece)] = piece
                piece = self._held
                self._count += end - begin
                if self._count < self._page:
                    break
            self._count = 0
            bits.append(self._demodulate(piece))
            begin = end
        joined = SoftBits.join(bits).within(0)
        if len(joined):
            self.eb_n0_now = float(joined.eb_n0[-1])
        return joined

    def finish(self) -> SoftBits:
        """The bits still within it: silence is put behind the last sample."""
        received, strength = self.samples_in, self.eb_n0_now
        quiet = np.zeros(self._page, self._type)  # a page at a time: all of them may be more than the memory
        several = [self.receive(quiet[self._count :])]
        several += [self.receive(quiet) for _ in range(2 + int(self.WIDTH * self.rate / self.baud) // self._page)]
        bits = SoftBits.join(several).within(0, received)
        self.samples_in = received
        self.eb_n0_now = float(bits.eb_n0[-1]) if len(bits) else strength  # and not that of the silence
        return bits

    @abstractmethod
    def _demodulate(self, page: NDArray[Any]) -> SoftBits:
        """The bits that a page completes. Its memory is used again: what is kept of it has to be copied."""

    def _sane(self, flat: NDArray[Any]) -> NDArray[Any]:
        """Samples (n,) as this demodulator takes them, finite and of bounded size."""
        if flat.dtype == self._type and flat.flags.c_contiguous:
            numbers = flat.view(np.float32)
            with np.errstate(over="ignore", invalid="ignore"):
                power = np.dot(numbers, numbers)
            if power <= LARGEST**2:  # then no single one is larger, and none is no number
                return flat
        if not self.iq and np.iscomplexobj(flat):
            flat = flat.real
        parts = np.stack((flat.real, flat.imag)) if self.iq else flat[np.newaxis]
        parts = parts.astype(np.float64 if parts.dtype.itemsize > 4 else np.float32)
        finite = np.isfinite(parts).all(axis=0)
        if not finite.all():
            self.invalid += int(len(finite) - np.count_nonzero(finite))
            parts[:, ~finite] = 0
        if parts.size and np.abs(parts).max() > LARGEST:
            self.saturated += int(np.count_nonzero((np.abs(parts) > LARGEST).any(axis=0)))
            np.clip(parts, -LARGEST, LARGEST, out=parts)
        single = parts.astype(np.float32, copy=False)
        return np.asarray(single[0] + np.complex64(1j) * single[1] if self.iq else single[0], self._type)


def demodulator(kind: str, rate: float, baud: float, **options: Any) -> Demodulator:
    """A new demodulator by name. Raises DeclarationError on an unknown name or option, or rates that cannot be."""
    if kind not in MODEMS:
        raise DeclarationError(f"modem {kind!r}", f"there is none of that name; use one of {', '.join(MODEMS)}")
    made: type[Demodulator] = import_module(f"protocols.modem.{kind}").MODEM
    allowed = [name for name in inspect.signature(made).parameters if name not in ("rate", "baud")]
    for name in options:
        if name not in allowed:
            raise DeclarationError(f"modem {kind!r}", f"no option {name!r}; its options are {', '.join(allowed)}")
    check_rates(kind, rate, baud)
    return made(rate, baud, **options)


def check_rates(kind: str, rate: float, baud: float) -> None:
    """Raise DeclarationError where samples are too few or too many for symbols of that rate."""
    if not 0 < LEAST_RATE * baud <= rate < math.inf:
        problem = f"at least {LEAST_RATE:g} samples a symbol are needed"
    elif rate > MOST_RATE * baud:
        problem = f"at most {MOST_RATE:g} samples a symbol are taken; baud is symbols a second"
    else:
        return
    raise DeclarationError(f"modem {kind!r}", f"{baud:g} baud at {rate:g} samples/s; {problem}")
