"""A vehicle's radio as a receiver hears it: packets in, samples out, as many as are asked for. It has no clock.

Packets are framed, modulated and sent through the air of :mod:`hardware.simulator.channel`. The transmitter keeps its
carrier: between frames it sends random bits, so that a receiver stays locked. What comes faster than the link carries
is dropped, newest first, and counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hardware.simulator.channel import Channel
from protocols.modem.transmitter_table import Transmitter
from protocols.signal import Signal

_REST: Final = np.zeros(24, np.uint8)
"""Sent before each frame: where scramblers, differential and convolutional codes begin, which the random bits before
have left in any state. G3RUH's scrambler has 17 bits."""
QUEUE_S: Final = 1.0
"""s of bits that wait to be sent, at most. Our choice: an operator sees telemetry that is a second old, not more."""
NOISY: Final = 0.25
"""Root mean square of noisy samples, of full scale: one in ten thousand is limited."""
CLEAN: Final = 0.5
"""That of samples without noise, of which none is."""


@dataclass(frozen=True, slots=True)
class Air:
    """What lies between the transmitter and the samples; as :class:`Channel` takes it."""

    eb_n0: float | None = 12.0
    """dB, of a bit as it is sent, code included; None for no noise."""
    offset: float = 0.0
    """Hz that the carrier is off, as by Doppler."""
    drift: float = 0.0
    """Hz/s that the offset changes."""
    clock_error: float = 0.0
    """Parts per million by which bits come faster."""
    fading: tuple[float, float] | None = None
    """Hz and dB of a spinning vehicle."""
    seed: int = 1
    """Of the noise and of the bits between frames."""


class Downlink:
    """One transmitter, heard by one receiver."""

    def __init__(self, transmitter: Transmitter, signal: Signal, air: Air) -> None:
        """The transmitter sends on the signal's frequency. Raises DeclarationError on what cannot be."""
        self._transmitter, self._air, self._carrier = transmitter, air, signal.frequency
        self._framing = transmitter.deframers()[0]
        self._queue: deque[NDArray[np.uint8]] = deque()
        self._random = np.random.default_rng((air.seed, 1))
        self.waiting = 0
        """Bits that wait to be sent."""
        self.tune(signal)

    def tune(self, signal: Signal) -> None:
        """Be received like this from now on: at another rate, about another frequency. Raises DeclarationError.

        A carrier outside the band is not heard; noise is.
        """
        modulator = self._transmitter.modulator(signal)
        bit_rate, offset = signal.rate / modulator.spacing, self._carrier - signal.frequency + self._air.offset
        self._heard = abs(offset) < signal.rate / 2
        air = self._air
        self._channel = Channel(
            signal.rate,
            eb_n0=air.eb_n0,
            bit_rate=bit_rate,
            offset=offset if self._heard else 0.0,
            drift=air.drift,
            clock_error=air.clock_error,
            fading=air.fading,
            seed=air.seed,
        )
        noise = 0.0 if air.eb_n0 is None else signal.rate / bit_rate / 10 ** (air.eb_n0 / 10)
        self._level = np.float32((CLEAN if air.eb_n0 is None else NOISY) / sqrt(1 + noise))
        self.signal, self._modulator = signal, modulator
        self._ready = np.empty(0, np.complex64)
        self._most = ceil(bit_rate * QUEUE_S)

    def send(self, packets: Sequence[bytes]) -> int:
        """Frame packets and queue them; the bytes of those for which there is no room. Raises DeclarationError on one
        that the framing cannot carry.
        """
        dropped = 0
        for packet in packets:
            bits = np.concatenate((_REST, self._framing.encode([packet])))
            if self.waiting + len(bits) > self._most:
                dropped += len(packet)
                continue
            self._queue.append(bits)
            self.waiting += len(bits)
        return dropped

    def samples(self, count: int) -> bytes:
        """The next samples, in the signal's format."""
        pieces, held = [self._ready], len(self._ready)
        while held < count:
            bits = self._bits(ceil((count - held) / self._modulator.spacing) + 1)
            sent = self._modulator.modulate(bits)
            pieces.append(self._channel.receive(sent if self._heard else np.zeros_like(sent)))
            held += len(pieces[-1])
        joined = np.concatenate(pieces)
        self._ready = joined[count:]
        return self.signal.encode(self._level * joined[:count])

    def skip(self, count: int) -> None:
        """Let so many samples' time go by unheard."""
        self._bits(int(count / self._modulator.spacing))

    def _bits(self, count: int) -> NDArray[np.uint8]:
        """The next bits to send: what waits, then random ones."""
        pieces: list[NDArray[np.uint8]] = []
        missing = count
        while missing and self._queue:
            bits = self._queue.popleft()
            if len(bits) > missing:
                self._queue.appendleft(bits[missing:])
                bits = bits[:missing]
            pieces.append(bits)
            missing -= len(bits)
            self.waiting -= len(bits)
        return np.concatenate([*pieces, self._random.integers(0, 2, missing, np.uint8)])


@dataclass(frozen=True, slots=True)
class Radio:
    """A vehicle's radio and the air: a downlink for any receiver."""

    transmitter: Transmitter
    air: Air = Air()

    def downlink(self, signal: Signal) -> Downlink:
        """What a receiver at this rate and frequency hears. Raises DeclarationError."""
        return Downlink(self.transmitter, signal, self.air)
