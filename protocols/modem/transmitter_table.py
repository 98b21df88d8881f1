"""A transmitter as a campaign, a preset or a recording names it: how it modulates, and how its bits are framed.

``{"modem": {"kind": "fsk", "baud": 9600}, "framing": "ax100_golay"}``; a framing may be a name or a table
``{"kind": name, option: value}``, or a list of them where one signal is framed in several ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from protocols.deframing.deframer import Deframer, deframer
from protocols.errors import DeclarationError
from protocols.modem.demodulator import Demodulator, demodulator
from protocols.modem.modulator import Modulator, modulator
from protocols.modem.receiver import Receiver
from protocols.signal import HIGHEST, Signal

MOST_FRAMINGS = 16
"""Framings tried on one signal; each takes all of its bits."""


@dataclass(frozen=True, slots=True)
class Transmitter:
    """One signal, and what finds the frames in it."""

    modem: Mapping[str, Any]
    """``kind``, ``baud`` and the demodulator's options."""
    framings: tuple[str | Mapping[str, Any], ...]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Self:
        """The transmitter of a table. Raises DeclarationError on what cannot be one."""
        if not isinstance(table, Mapping) or not {"modem", "framing"} <= set(table) <= {"modem", "framing", "name"}:
            raise DeclarationError("transmitter", "needs modem and framing, and nothing else but a name")
        modem, framing = table["modem"], table["framing"]
        if not isinstance(modem, Mapping) or not {"kind", "baud"} <= set(modem):
            raise DeclarationError("modem", 'needs a kind and a baud, as in { kind = "fsk", baud = 9600 }')
        framings = tuple(framing) if isinstance(framing, (list, tuple)) else (framing,)
        if not 0 < len(framings) <= MOST_FRAMINGS:
            raise DeclarationError("framing", f"give one to {MOST_FRAMINGS}")
        return cls(modem, framings)

    def demodulator(self, signal: Signal) -> Demodulator:
        """A new demodulator for it. Raises DeclarationError."""
        options = self._options
        if signal.iq:
            options["iq"] = True
        kind, baud = str(self.modem["kind"]), self._baud
        try:
            return demodulator(kind, signal.rate, baud, **options)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise _wrong(f"modem {kind!r}", error) from None

    def modulator(self, signal: Signal) -> Modulator:
        """A new modulator for it. Raises DeclarationError."""
        options = self._options
        kind, baud = str(self.modem["kind"]), self._baud
        try:
            return modulator(kind, signal.rate, baud, **{"iq": signal.iq} | options)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise _wrong(f"modem {kind!r}", error) from None

    def deframers(self) -> list[Deframer]:
        """New deframers for all of its framings. Raises DeclarationError."""
        return [_deframer(framing) for framing in self.framings]

    def receiver(self, signal: Signal) -> Receiver:
        """A new receiver of it. Raises DeclarationError."""
        return Receiver(self.demodulator(signal), self.deframers())

    @property
    def _options(self) -> dict[str, Any]:
        """The modem's own options. Raises DeclarationError on numbers that nobody can compute with."""
        options = {name: value for name, value in self.modem.items() if name not in ("kind", "baud")}
        for name, value in options.items():
            if isinstance(value, (int, float)) and not abs(value) <= HIGHEST:
                problem = f"{name} = {value!s:.20} is no number to compute with; give one up to {HIGHEST:g}"
                raise DeclarationError(f"modem {self.modem['kind']!r}", problem)
        return options

    @property
    def _baud(self) -> float:
        try:
            return float(self.modem["baud"])
        except (TypeError, ValueError) as error:
            raise _wrong("modem.baud", error) from None


def _deframer(framing: str | Mapping[str, Any]) -> Deframer:
    if isinstance(framing, str):
        return deframer(framing)
    if not isinstance(framing, Mapping) or "kind" not in framing:
        raise DeclarationError("framing", "give a name, or a table { kind = NAME, option = value }")
    kind = str(framing["kind"])
    try:
        return deframer(kind, **{name: value for name, value in framing.items() if name != "kind"})
    except (TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise _wrong(f"framing {kind!r}", error) from None


def _wrong(where: str, error: Exception) -> DeclarationError:
    return DeclarationError(where, f"an option has a wrong value ({error}); correct it")
