"""What a modulator is: bits of any number in, samples out; the other end of :mod:`protocols.modem.demodulator`.

Kinds and options are named as a demodulator's, so what a campaign says of a link makes both of its ends. Everything
that goes on from bit to bit is counted in whole numbers, so how the bits are cut changes no sample.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.modem.demodulator import MODEMS, check_rates

MODULATORS: Mapping[str, str] = {
    "fsk": "frequency_modulation",
    "gfsk": "frequency_modulation",
    "msk": "frequency_modulation",
    "gmsk": "frequency_modulation",
    "pcm_fm": "frequency_modulation",
    "afsk": "frequency_modulation",
    "psk": "phase_modulation",
    "qpsk": "phase_modulation",
    "oqpsk": "phase_modulation",
}
"""The kinds there are, and the file of each, whose ``MODULATORS`` has it."""
RECEIVING = ("clock_error", "search")
"""Options that matter to a receiver alone; those of the demodulator of the same name are ignored as well."""
AUDIO = 0.5
"""Amplitude of audio: half of full scale."""
_PIECE = 2048  # bits modulated at once: what is computed on the way stays in the cache


class Modulator(ABC):
    """Turns bits into samples: complex of amplitude 1 (mean power 1), or audio as a receiver would give it."""

    BITS: ClassVar[int] = 1
    """Bits of a symbol."""

    def __init__(self, rate: float, baud: float, *, iq: bool) -> None:
        """Rate is in samples/s and baud in symbols/s; iq tells complex samples from audio."""
        self.iq = iq
        self.rate, self.baud = rate, baud
        self.spacing = rate / baud / self.BITS
        """Samples from a bit to the next, on the mean: of QPSK both bits of a symbol lie together."""
        self._begin()

    @property
    @abstractmethod
    def first(self) -> float:
        """Where the middle of the first bit lies, in samples: far enough in that nothing of its pulse is cut off."""

    def modulate(self, bits: NDArray[np.uint8]) -> NDArray[Any]:
        """The samples that bits, uint8 (n,) of 0 and 1, complete: complex64 (m,), or float32 for audio."""
        flat = (np.asarray(bits).reshape(-1) & 1).astype(np.uint8)
        pieces = [self._modulate(flat[begin : begin + _PIECE]) for begin in range(0, len(flat), _PIECE)]
        return self._joined(pieces)

    def finish(self) -> NDArray[Any]:
        """The samples in which the last pulses end. What is modulated next begins anew."""
        tail = self._joined([self._finish()])
        self._begin()
        return tail

    @abstractmethod
    def _begin(self) -> None:
        """Be as new."""

    @abstractmethod
    def _modulate(self, bits: NDArray[np.uint8]) -> NDArray[Any]:
        """The samples that bits complete."""

    @abstractmethod
    def _finish(self) -> NDArray[Any]:
        """The samples after the last bit."""

    def _joined(self, pieces: list[NDArray[Any]]) -> NDArray[Any]:
        kind = np.complex64 if self.iq else np.float32
        return np.concatenate([np.empty(0, kind), *(piece.astype(kind) for piece in pieces)])


def modulator(kind: str, rate: float, baud: float, **options: Any) -> Modulator:
    """A new modulator by name. Raises DeclarationError on an unknown name or option, or what cannot be.

    Options are the demodulator's of that name, and a few of its own; ``iq`` is true unless audio is asked for. Those
    that only a receiver needs are ignored.
    """
    if kind not in MODULATORS:
        problem = f"none sends it; use one of {', '.join(MODULATORS)}"
        raise DeclarationError(f"modem {kind!r}", problem)
    made: Callable[..., Modulator] = import_module(f"protocols.modem.{MODULATORS[kind]}").MODULATORS[kind]
    own = _options(made)
    ignored = {*RECEIVING, *(_options(import_module(f"protocols.modem.{kind}").MODEM) if kind in MODEMS else ())}
    for name in options:
        if name not in own and name not in ignored:
            raise DeclarationError(f"modem {kind!r}", f"no option {name!r}; its options are {', '.join(own)}")
    check_rates(kind, rate, baud)
    return made(rate, baud, **{name: value for name, value in options.items() if name in own})


def _options(of: Any) -> list[str]:
    return [name for name in inspect.signature(of).parameters if name not in ("rate", "baud")]
