"""The power spectrum of the newest samples, for an operator's eye: computed when it is asked for."""

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 256
"""Lines of a spectrum."""
_KEPT = 256 * BINS
"""Samples that are averaged over, as far as they are there: the mean of so many lines is within half a decibel."""
_FLOOR = 1e-15  # -150 dB: less than any converter's last bit


class SpectrumMeter:
    """Keeps the newest samples."""

    def __init__(self) -> None:
        self._pieces: deque[NDArray[Any]] = deque()
        self._count = 0

    def receive(self, samples: NDArray[Any]) -> None:
        """Take note of samples, real or complex (n,), which nobody changes afterwards."""
        if not len(samples):
            return
        self._pieces.append(samples[-_KEPT:])
        self._count += len(self._pieces[-1])
        while self._count - len(self._pieces[0]) >= _KEPT:
            self._count -= len(self._pieces.popleft())

    def decibels(self) -> NDArray[np.float32]:
        """Power in each of BINS lines, in dB of full scale, float32: from the lowest frequency up; empty before any.

        IQ covers minus to plus half the sample rate, audio 0 to half of it. A tone of full scale stands at 0 dB.
        """
        if not self._pieces:
            return np.empty(0, np.float32)
        samples = np.concatenate(list(self._pieces))
        samples = np.where(np.isfinite(samples), samples, 0)
        iq = np.iscomplexobj(samples)
        size = BINS if iq else 2 * BINS
        rows = max(1, len(samples) // size)
        padded = np.zeros(rows * size, samples.dtype)
        padded[: min(len(samples), rows * size)] = samples[-rows * size :]
        window = np.hanning(size + 1)[:-1].astype(np.float32)
        window /= window.sum() / (1 if iq else 2)
        cut = padded.reshape(rows, size) * window
        lines = np.fft.fftshift(np.fft.fft(cut), axes=1) if iq else np.fft.rfft(cut)[:, :BINS]
        with np.errstate(over="ignore"):
            power = np.square(np.abs(lines)).mean(axis=0)
        return np.asarray(10 * np.log10(np.clip(power, _FLOOR, 1e30)), np.float32)
