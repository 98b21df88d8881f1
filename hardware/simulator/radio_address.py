"""Where a simulated radio's samples go: ``rtl_tcp:HOST:PORT?frequency=...&rate=...`` or ``sigmf:PATH?...``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from hardware.quantity import hertz
from protocols.errors import AddressError, DeclarationError
from protocols.signal import Signal

KINDS: Final = {
    "rtl_tcp": {"frequency": "2245.5M", "rate": "2.4M"},
    "sigmf": {"frequency": "2245.5M", "rate": "2.4M", "format": "ci16_le"},
}
"""The kinds, and their options with what is meant when they are left out."""


@dataclass(frozen=True, slots=True)
class RadioAddress:
    """A radio sink's address, read."""

    kind: str
    target: str
    signal: Signal
    """What is received there."""


def is_radio(address: str) -> bool:
    """Whether samples go there, and not bytes."""
    return address.partition(":")[0] in KINDS


def radio_address(address: str) -> RadioAddress:
    """What an address of a radio sink says. Raises AddressError."""
    kind, _, rest = address.partition(":")
    target, _, query = rest.partition("?")
    if kind not in KINDS or not target:
        raise AddressError(address, "want rtl_tcp:HOST:PORT?frequency=2245.5M&rate=2.4M or sigmf:PATH?rate=2.4M")
    options = dict(KINDS[kind])
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in options:
            raise AddressError(address, f"no option {name!r}; want one of {', '.join(options)}")
        options[name] = text
    try:
        rate, frequency = hertz("rate", options["rate"]), hertz("frequency", options["frequency"])
        return RadioAddress(kind, target, Signal(options.get("format", "cu8"), rate, frequency))
    except (ValueError, DeclarationError) as error:
        raise AddressError(address, str(error)) from None
