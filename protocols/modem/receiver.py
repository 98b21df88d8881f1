"""A demodulator and the deframers behind it: samples in, frames out, each with where it lay and how strong it was."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.deframing.deframer import BitFrame, Deframer
from protocols.modem.demodulator import Demodulator, SoftBits


@dataclass(frozen=True, slots=True)
class ReceivedFrame:
    """A frame off the air."""

    body: bytes
    """Its bytes."""
    begin: float
    """Where its first bit lay, in samples from the first received."""
    end: float
    """Where its last bit lay."""
    eb_n0: float
    """The median Eb/N0 of its bits, in dB."""
    corrected: int
    """Bits or symbols that a code put right."""
    deframer: int
    """Which of the deframers given found it, or a copy of it, from 0."""


class Receiver:
    """Frames from one signal, which may be framed in several ways."""

    def __init__(self, demodulator: Demodulator, deframers: Sequence[Deframer]) -> None:
        """Every deframer gets all bits; where they have further readings, a copy of it gets each of those."""
        others = demodulator.readings(np.zeros(0, np.float32))[1:]
        self._of_readings = [tuple(deframers), *(tuple(map(deepcopy, deframers)) for _ in others)]
        self.demodulator, self.deframers = demodulator, tuple(chain.from_iterable(self._of_readings))
        self._kept = SoftBits.none()  # bits that a deframer may still deliver in a frame
        self._first = 0  # the number of the first of these
        self._reach = max((deframer.bound for deframer in self.deframers), default=0) + 1

    def receive(self, samples: NDArray[Any]) -> list[ReceivedFrame]:
        """The frames that samples, real or complex (n,), complete, in the order of their ends. Never raises."""
        return self._deframed(self.demodulator.receive(samples), final=False)

    def finish(self) -> list[ReceivedFrame]:
        """The frames still within it, now that no more samples will come."""
        return self._deframed(self.demodulator.finish(), final=True)

    @property
    def settled(self) -> float:
        """Up to where it has been decided, in samples, what belonged to a frame and what did not."""
        pending = max((deframer.ledger.pending for deframer in self.deframers), default=0)
        first = len(self._kept) - max(pending, 1)
        return float(self._kept.places[first]) if 0 <= first < len(self._kept) else 0.0

    def _deframed(self, bits: SoftBits, *, final: bool) -> list[ReceivedFrame]:
        self._kept = SoftBits.join([self._kept, bits])
        found: list[ReceivedFrame] = []
        for values, deframers in zip(self.demodulator.readings(bits.values), self._of_readings, strict=True):
            for number, deframer in enumerate(deframers):
                frames = deframer.receive(values) + (deframer.finish() if final else [])
                found += [self._placed(frame, number) for frame in frames]
        gone = max(0, len(self._kept) - self._reach)
        self._kept = SoftBits(self._kept.values[gone:], self._kept.places[gone:], self._kept.eb_n0[gone:])
        self._first += gone
        return sorted(found, key=lambda frame: frame.end)

    def _placed(self, frame: BitFrame, number: int) -> ReceivedFrame:
        begin, end = max(0, frame.begin - self._first), max(1, frame.end - self._first)
        places = self._kept.places[begin:end]
        strength = float(np.median(self._kept.eb_n0[begin:end]))
        return ReceivedFrame(frame.body, float(places[0]), float(places[-1]), strength, frame.corrected, number)
