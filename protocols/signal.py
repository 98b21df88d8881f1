"""What a stream of samples is: their format, their rate and the frequency they were taken at.

Formats are named as SigMF names its ``core:datatype``: r for real (audio), c for complex (IQ), the kind of number, its
bits, and the order of its bytes. ``ci16``, ``cs16`` and the like of other programs are taken too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError

_NUMBERS: Mapping[str, tuple[str, float, float]] = {
    "u8": ("u1", 127.5, 127.5),
    "i8": ("i1", 0.0, 128.0),
    "u16": ("u2", 32767.5, 32767.5),
    "i16": ("i2", 0.0, 32768.0),
    "i32": ("i4", 0.0, 2147483648.0),
    "f32": ("f4", 0.0, 1.0),
    "f64": ("f8", 0.0, 1.0),
}
"""The numpy type of each kind of number, its value at zero and that of full scale, above zero."""
HIGHEST = 1e12
"""Hz that the middle of a band may be: above, no radio tunes."""
_NAME = re.compile(r"(c|r)(u8|i8|s8|u16|i16|s16|i32|s32|f32|f64)(?:_(le|be))?")


@dataclass(frozen=True, slots=True)
class Signal:
    """The samples of a radio or sound card, as bytes."""

    samples: str
    """Their format: ``cu8``, ``ci16_le``, ``cf32_le``, ``ri16_le`` (audio)..."""
    rate: float
    """Samples a second."""
    frequency: float = 0.0
    """What the middle of an IQ signal's band is, in Hz; 0 where nobody knows."""

    def __post_init__(self) -> None:
        """Raises DeclarationError on a format there is not, and rates and frequencies that cannot be."""
        if not _NAME.fullmatch(self.samples):
            allowed = "c (IQ) or r (audio), then u8, i8, u16, i16, i32, f32 or f64, then _le or _be"
            raise DeclarationError(f"samples {self.samples!r}", f"no such format; want {allowed}, as in ci16_le")
        if not 0 < self.rate < float("inf"):
            raise DeclarationError(f"rate {self.rate:g}", "give samples a second, more than none")
        if not 0 <= self.frequency <= HIGHEST:
            raise DeclarationError(f"frequency {self.frequency:g}", "give the band's middle in Hz, up to 1 THz, or 0")

    @property
    def iq(self) -> bool:
        """Whether samples are complex."""
        return self.samples.startswith("c")

    @property
    def size(self) -> int:
        """Bytes of a sample."""
        return self._numbers[0].itemsize * (2 if self.iq else 1)

    @property
    def datatype(self) -> str:
        """The format's name in SigMF."""
        kind, number, order = self._parts
        return f"{kind}{number}" + (f"_{order}" if self._numbers[0].itemsize > 1 else "")

    def array(self, data: bytes | memoryview) -> NDArray[Any]:
        """Samples of whole size as complex64 or float32 (n,), 1 at full scale. What is no number stays so."""
        kind, zero, scale = self._numbers
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which a demodulator counts
            values = np.frombuffer(data, kind)
        if scale != 1.0:  # in one new array: memory for more would cost more than the arithmetic
            values = np.subtract(values, np.float32(zero), dtype=np.float32)
            values *= np.float32(1 / scale)
        with np.errstate(over="ignore"):  # what is too large for it becomes infinite
            values = np.ascontiguousarray(values, np.float32)
        return values.view(np.complex64) if self.iq else values

    def encode(self, samples: NDArray[Any]) -> bytes:
        """Samples, complex or real (n,), 1 at full scale, in this format; what is larger is limited, as by a radio."""
        kind, zero, scale = self._numbers
        if self.iq:
            values = np.ascontiguousarray(samples, np.complex64).view(np.float32)
        else:
            values = np.ascontiguousarray(np.real(samples), np.float32)
        if kind.kind == "f":
            return values.astype(kind).tobytes()
        limits = np.iinfo(kind)
        scaled = np.rint(values.astype(np.float64) * scale + zero)
        return np.clip(scaled, limits.min, limits.max).astype(kind).tobytes()

    def as_dict(self) -> dict[str, str | float]:
        """It as a campaign file or a recording names it."""
        return {"samples": self.samples, "rate": self.rate, "frequency": self.frequency}

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """The signal a table names. Raises DeclarationError."""
        try:
            return cls(str(table["samples"]), float(table["rate"]), float(table.get("frequency", 0.0)))
        except (KeyError, TypeError, ValueError) as error:
            raise DeclarationError("signal", f"needs samples and rate, and may have frequency ({error!r})") from None

    @property
    def _parts(self) -> tuple[str, str, str]:
        found = _NAME.fullmatch(self.samples)
        assert found
        return found[1], found[2].replace("s", "i"), found[3] or "le"

    @property
    def _numbers(self) -> tuple[np.dtype[Any], float, float]:
        _, number, order = self._parts
        kind, zero, scale = _NUMBERS[number]
        return np.dtype(("<" if order == "le" else ">") + kind), zero, scale
