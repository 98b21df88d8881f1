"""Symbol timing by the square law: M. Oerder, H. Meyr, "Digital filter and square timing recovery", IEEE Trans. Comm.
36(5), 1988.

The power of a matched filter's output, sampled a few times a symbol, has a spectral line at the symbol rate whose phase
is the timing. The line is taken over blocks of 16 symbols; each is divided by the block's power, so that loud noise
before a burst weighs no more than the burst itself, and averaged over some dozens around it, for several deviations of
the symbol rate, of which the one that adds up best is taken. Between the middles of blocks the timing is interpolated;
the instants at which it passes a whole number are the symbols. There is no loop, so nothing has to settle: the first
symbols of a burst are as good as the last.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError

PER_SYMBOL = 8
"""Samples a symbol that it takes: enough for cubic interpolation to lose nothing."""
_BLOCK = 16  # symbols
CLOCK_ERROR = 0.004
"""Deviation of the symbol rate that is searched: transmitters whose clock does not divide evenly are 0.3 % off."""
MOST_CLOCK_ERROR = 0.02
"""Beyond that the line fades within a block."""
_RATE_STEP = 0.001  # between deviations that are tried
_LINE = np.exp(-2j * np.pi * np.arange(PER_SYMBOL) / PER_SYMBOL)


@dataclass(frozen=True, slots=True)
class Symbols:
    """n symbols."""

    values: NDArray[Any]
    """The input at each instant, (n,), of its type."""
    instants: NDArray[np.float64]
    """Each instant in input samples from the first, float64 (n,)."""


def _averages(span: int, clock_error: float) -> NDArray[np.complex128]:
    """Weights of blocks for each deviation of the rate, by which the line's phase turns: complex128 (span, n)."""
    blocks = np.arange(span) - span // 2
    steps = round(clock_error / _RATE_STEP)
    turns = np.exp(2j * np.pi * _BLOCK * blocks[:, np.newaxis] * _RATE_STEP * np.arange(-steps, steps + 1))
    return np.asarray(np.hanning(span + 2)[1:-1, np.newaxis] * turns)


class SymbolTiming:
    """Finds the symbols in a stream sampled PER_SYMBOL times a symbol."""

    def __init__(self, span: int, clock_error: float = CLOCK_ERROR, *, limit: float = math.inf) -> None:
        """Span is the blocks averaged: more of them find the symbols in more noise, if the clock is steady enough.

        Clock_error is the share by which the symbol rate may be off; a wider search finds less in noise. What is
        larger than limit times the effective value of its block may count as no more than that, if the timing is then
        clearer: noise that comes in clicks then is, while few pulses among long runs of equal bits would be lost.
        Raises DeclarationError on a clock_error that cannot be.
        """
        if not 0 <= clock_error <= MOST_CLOCK_ERROR:
            problem = f"at most {MOST_CLOCK_ERROR:g} can be searched; give a symbol rate nearer to the true one"
            raise DeclarationError(f"clock_error {clock_error:g}", problem)
        self._held: NDArray[Any] = np.zeros(0, np.float32)
        self._begin = 0  # number of the first held sample
        self._blocks = 0  # blocks whose line has been taken
        self._span, self._limit = span, limit
        self._averages = _averages(span, clock_error)
        self._weights = np.square(np.abs(self._averages[:, 0]))
        kinds = 1 if limit == math.inf else 2
        self._lines = np.zeros((kinds, span // 2), np.complex128)  # of the last blocks
        self._powers = np.zeros((kinds, span, self._averages.shape[1]))  # of their averages, for each rate
        self._nodes = 0  # blocks whose timing is known
        self._phase = 0.0  # of the last of these, in cycles: time in symbols less timing
        self._timing = 0.0

    def receive(self, samples: NDArray[Any]) -> Symbols:
        """The symbols that samples, real or complex (n,), complete."""
        self._held = np.concatenate((self._held, samples)) if len(self._held) else samples
        self._take_lines()
        count = self._lines.shape[1] - self._span + 1
        if count < 1:
            return Symbols(self._held[:0], np.empty(0))
        strongest = self._strongest(np.lib.stride_tricks.sliding_window_view(self._lines, self._span, axis=1))
        self._lines = self._lines[:, count:]
        instants = self._instants(-np.angle(strongest) / (2 * np.pi))
        values = self._interpolated(instants - self._begin)
        self._forget()
        return Symbols(values, instants)

    def _take_lines(self) -> None:
        size = _BLOCK * PER_SYMBOL
        end = (self._begin + len(self._held)) // size
        begin = self._blocks * size - self._begin
        part = self._held[begin : end * size - self._begin]
        if not len(part):
            return
        powers = (np.square(part.real) + np.square(part.imag)).reshape(-1, size)
        limited = [powers]
        if self._limit < math.inf:
            limited.append(np.minimum(powers, self._limit**2 * powers.mean(axis=1, keepdims=True)))
        power = np.stack(limited).reshape(len(limited), -1, _BLOCK, PER_SYMBOL).sum(axis=2)
        lines = power @ _LINE / (power.sum(axis=2) + 1e-30)
        self._lines = np.concatenate((self._lines, lines), axis=1)
        self._blocks = end

    def _strongest(self, lines: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """The line at the best rate for each of n blocks, of the lines around, (kinds, n, span): (n,).

        Where there are two kinds of lines, those are taken that agree best with one another, and at the rate that did
        best for as long as a span: that of a clock lasts.
        """
        averages = lines @ self._averages
        powers = np.square(averages.real) + np.square(averages.imag)
        if len(lines) > 1:
            powers = powers / (np.square(np.abs(lines)) @ self._weights + 1e-30)[..., np.newaxis]
            held = np.concatenate((self._powers, powers), axis=1)
            self._powers = held[:, -self._span :]
            sums = np.cumsum(held, axis=1)
            powers = sums[:, self._span :] - sums[:, : -self._span]
        count, rates = powers.shape[1:]
        best = np.swapaxes(powers, 0, 1).reshape(count, -1).argmax(axis=1)
        return np.asarray(averages[best // rates, np.arange(count), best % rates])

    def _instants(self, timing: NDArray[np.float64]) -> NDArray[np.float64]:
        """Instants in samples of the symbols up to the middle of the last block whose timing, in cycles, is given."""
        steps = np.diff(timing, prepend=self._timing)
        steps -= np.round(steps)
        middles = _BLOCK * (self._nodes + np.arange(-1, len(timing)) + 0.5)
        phases = self._phase + np.concatenate((np.zeros(1), np.cumsum(_BLOCK - steps)))
        numbers = np.arange(np.floor(phases[0]) + 1, np.floor(phases[-1]) + 1)
        self._nodes += len(timing)
        self._phase, self._timing = float(phases[-1] % 1.0), float(timing[-1])
        return np.asarray(np.interp(numbers, phases, middles) * PER_SYMBOL)

    def _interpolated(self, places: NDArray[np.float64]) -> NDArray[Any]:
        """The held samples at places between them, by the cubic through four."""
        whole = np.floor(places).astype(np.int64)
        t = (places - whole).astype(np.float32)
        before, here, after, beyond = (self._held.take(whole + k, mode="clip") for k in (-1, 0, 1, 2))
        return (
            before * (-t * (t - 1) * (t - 2) / 6)
            + here * ((t + 1) * (t - 1) * (t - 2) / 2)
            - after * ((t + 1) * t * (t - 2) / 2)
            + beyond * ((t + 1) * t * (t - 1) / 6)
        )

    def _forget(self) -> None:
        """Let go of samples before the middle of the last block whose timing is known."""
        keep = max(self._begin, int((self._nodes - 0.5) * _BLOCK * PER_SYMBOL) - 2)
        self._held = self._held[keep - self._begin :]
        self._begin = keep
