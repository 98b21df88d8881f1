"""What a bit framing is: soft bits of any number in, frames out, every bit accounted for.

Two invariants hold for every one, on any bits: nothing is raised, and after each call
``bits_in == frame_bits + discarded + pending``. Memory is bounded: ``pending`` never grows past ``bound``. How the
stream is cut into pieces changes nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, fields
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np
from numpy.typing import NDArray

import protocols.deframing
from protocols.errors import DeclarationError
from protocols.stated_options import check_options

LARGEST = 1 << 16
"""Bytes that a frame may be given as its length: as many as a space packet may have (133.0-B)."""


@dataclass(frozen=True, slots=True)
class BitFrame:
    """A frame that came as bits."""

    body: bytes
    """Its bytes, without marker, flags, code and check."""
    begin: int
    """The number of its first bit in the stream (of its marker, or behind its opening flag)."""
    end: int
    """The number of the bit behind its last."""
    corrected: int = 0
    """Bits or symbols that a code put right."""


@dataclass(slots=True)
class BitLedger:
    """Where a stream's bits went. Always: ``bits_in == frame_bits + discarded + pending``."""

    bits_in: int = 0
    """Bits received."""
    frame_bits: int = 0
    """Bits that made up delivered frames, with their markers, flags, codes and checks."""
    discarded: int = 0
    """Bits outside every delivered frame: noise, frames cut short, frames whose check or code failed."""
    pending: int = 0
    """Bits held that may yet belong to a frame."""
    frames: int = 0
    """Frames delivered (a count, not bits)."""
    check_failures: int = 0
    """Candidate frames whose check or code failed; their bits are among the discarded."""
    corrected: int = 0
    """Bits or symbols that a code put right in delivered frames."""

    @property
    def balanced(self) -> bool:
        """Whether every bit is accounted for."""
        return self.bits_in == self.frame_bits + self.discarded + self.pending

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


class Deframer(ABC):
    """Finds frames in soft bits and keeps their ledger."""

    def __init__(self) -> None:
        self.ledger = BitLedger()

    @property
    @abstractmethod
    def bound(self) -> int:
        """The most bits it ever holds between calls: ``ledger.pending`` stays within, whatever comes."""

    @abstractmethod
    def receive(self, bits: NDArray[np.float32]) -> list[BitFrame]:
        """The frames that bits, float32 (n,), positive for 1, complete. Never raises."""

    @abstractmethod
    def finish(self) -> list[BitFrame]:
        """The frames among the bits still held, now that no more will come; those bits are discarded or theirs."""

    @abstractmethod
    def encode(self, bodies: Iterable[bytes]) -> NDArray[np.uint8]:
        """The bits, uint8 (n,) of 0 and 1, from which ``receive`` gives bodies back."""

    def _account(self, frames: list[BitFrame], gone: int, taken: int) -> list[BitFrame]:
        """Enter frames in the ledger, with the bits let go of, of which some were taken by frames."""
        ledger = self.ledger
        ledger.frames += len(frames)
        ledger.corrected += sum(frame.corrected for frame in frames)
        ledger.frame_bits += taken
        ledger.discarded += gone - taken
        ledger.pending = ledger.bits_in - ledger.frame_bits - ledger.discarded
        return frames


def deframers() -> dict[str, type[Deframer]]:
    """All bit framings there are, by name: what the modules of :mod:`protocols.deframing` call ``DEFRAMERS``."""
    found: dict[str, type[Deframer]] = {}
    for module in iter_modules(protocols.deframing.__path__):
        found |= getattr(import_module(f"protocols.deframing.{module.name}"), "DEFRAMERS", {})
    return dict(sorted(found.items()))


def deframer(kind: str, **options: Any) -> Deframer:
    """A new deframer by name. Raises DeclarationError on an unknown name or option."""
    known = deframers()
    if kind not in known:
        raise DeclarationError(f"framing {kind!r}", f"there is none of that name; use one of {', '.join(known)}")
    check_options(f"framing {kind!r}", known[kind], options, LARGEST)
    return known[kind](**options)
