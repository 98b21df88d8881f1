"""A transmitter's table as a person writes it on a command line: ``fsk:19200`` and ``ax100_reed_solomon``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlencode


def modem_text(table: Mapping[str, Any]) -> str:
    """A modem as ``KIND:BAUD?option=value``."""
    options = {name: value for name, value in table.items() if name not in ("kind", "baud")}
    return f"{table['kind']}:{_written(table['baud'])}{_query(options)}"


def framing_texts(framing: str | Mapping[str, Any] | list[Any]) -> list[str]:
    """A framing, or several, each as ``KIND?option=value``."""
    several = framing if isinstance(framing, list) else [framing]
    return [each if isinstance(each, str) else _framing(each) for each in several]


def framing_text(framing: str | Mapping[str, Any]) -> str:
    """A framing as a person writes it: ``cobs, check crc-16/ibm-3740``; of a radio, ``fsk:9600 ax100_golay``."""
    if isinstance(framing, str):
        return framing
    kind = str(framing.get("kind", "?"))
    rest = {name: value for name, value in framing.items() if name not in ("kind", "signal")}
    if kind == "radio":
        with suppress(KeyError, TypeError, AttributeError):  # a data file may say anything
            sent = [(modem_text(each["modem"]), *framing_texts(each["framing"])) for each in framing["transmitters"]]
            kind = ", ".join(map(" ".join, sent))
            del rest["transmitters"]
    return ", ".join([kind, *(f"{name} {value}" for name, value in rest.items())])


def _framing(table: Mapping[str, Any]) -> str:
    return f"{table['kind']}{_query({name: value for name, value in table.items() if name != 'kind'})}"


def _query(options: Mapping[str, Any]) -> str:
    written = {name: _written(value) for name, value in options.items()}
    return f"?{urlencode(written, safe='/:,', quote_via=quote)}" if written else ""


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(_written, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)
