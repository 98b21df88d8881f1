"""How a radio link is received, as people write it: ``fsk:9600``, ``ccsds_concatenated?frame_length=114``, or tables.

A modem is ``KIND:BAUD?option=value``, a framing ``KIND?option=value``: the grammar of sources. In a campaign file a
table does as well: ``{ kind = "fsk", baud = 9600 }``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from protocols.errors import DeclarationError
from protocols.modem.demodulator import LEAST_RATE
from protocols.signal import Signal

Named = str | Mapping[str, Any]
"""A modem or a framing: as a text or as a table."""
HEXADECIMAL = ("marker", "start")
"""Options that give bytes: digits in them are no number."""
RADIO = "radio"
"""The kind of framing that a radio link has: samples in, frames out."""


def modem_table(named: Named) -> dict[str, Any]:
    """A modem as a table with ``kind``, ``baud`` and options. Raises DeclarationError."""
    if isinstance(named, Mapping):
        return dict(named)
    text, _, query = named.partition("?")
    kind, _, baud = text.partition(":")
    try:
        return {"kind": kind, "baud": float(baud), **_options(query)}
    except ValueError:
        problem = "want KIND:BAUD, then ?option=value&option=value where needed, as in fsk:9600?deviation=3000"
        raise DeclarationError(f"modem {named!r}", problem) from None


def framing_table(named: Named) -> Named:
    """A framing as a name, or as a table where it has options. Raises DeclarationError."""
    if isinstance(named, Mapping):
        return dict(named)
    kind, _, query = named.partition("?")
    options = _options(query)
    return {"kind": kind, **options} if options else kind


def radio_framing(signal: Signal, transmitters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The framing of a radio link, as recordings keep it, of those transmitters that its samples can carry.

    ``transfer_frames`` of a transmitter's framing become its own. Raises DeclarationError where transmitters differ in
    that: what comes out is one stream of frames.
    """
    tables, stages = [dict(each) for each in _carried(signal, transmitters)], []
    for table in tables:
        framing = table.get("framing")
        if isinstance(framing, Mapping) and "transfer_frames" in framing:
            stages.append(framing["transfer_frames"])
            table["framing"] = {name: value for name, value in framing.items() if name != "transfer_frames"}
    if stages and stages != [stages[0]] * len(tables):
        raise DeclarationError("transfer_frames", "all transmitters of a link need the same; give others another link")
    made = {"kind": RADIO, "signal": signal.as_dict(), "transmitters": tables}
    return {**made, "transfer_frames": stages[0]} if stages else made


def _carried(signal: Signal, transmitters: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Those slow enough for a signal: audio holds a satellite's slow modes alone. All if none is, to be refused."""
    return [each for each in transmitters if not _too_fast(each["modem"].get("baud"), signal.rate)] or transmitters


def _too_fast(baud: object, rate: float) -> bool:
    return isinstance(baud, (int, float)) and LEAST_RATE * baud > rate


def transmitter(modem: Named, framing: Named | Sequence[Named]) -> dict[str, Any]:
    """A transmitter's table of a modem and a framing or several as people write them. Raises DeclarationError."""
    if isinstance(framing, (str, Mapping)):
        return {"modem": modem_table(modem), "framing": framing_table(framing)}
    return {"modem": modem_table(modem), "framing": [framing_table(each) for each in framing]}


def _options(query: str) -> dict[str, Any]:
    """The options of a query: numbers, true and false as such, several with commas between as a list, the rest as text.

    Raises DeclarationError.
    """
    found: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name in found:
            raise DeclarationError(f"option {name!r}", "stands there twice; keep one")
        found[name] = text if name in HEXADECIMAL else _typed(text)
    return found


def _typed(text: str) -> bool | float | str | list[Any]:
    if "," in text:
        return [_typed(each) for each in text.split(",")]
    words = {"true": True, "yes": True, "false": False, "no": False}
    if text.lower() in words:
        return words[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
