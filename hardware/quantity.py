"""Frequencies and rates as radio people write them: ``2245.5M``, ``2.4M``, ``48k``, ``1.2G``, ``437500000``.

Read by decimal arithmetic: 2245.5M is 2245500000 exactly, which it is not as a product of floats.
"""

from __future__ import annotations

import re
from decimal import Decimal

_FORM = re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,12})?)([kKMG]?)(?:Hz|sps)?", re.ASCII)
_SCALES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}


def hertz(name: str, text: str) -> int:
    """An option's text in Hz or samples/s, rounded to whole ones. Raises ValueError naming the option."""
    form = _FORM.fullmatch(text)
    value = round(Decimal(form[1]) * _SCALES[form[2]]) if form else 0
    if value <= 0:
        raise ValueError(f"{name}={text!r}: want a number above 0 with k, M or G behind it or none, as {name}=2.4M")
    return value


def decibels(name: str, text: str) -> float | None:
    """An option's text in dB; None for ``auto``. Raises ValueError naming the option."""
    if text == "auto":
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -200.0 <= value <= 200.0:
        raise ValueError(f"{name}={text!r}: want dB, as {name}=30, or {name}=auto")
    return value


def short(value: float) -> str:
    """Hz or samples/s as an address has them, exactly: 2245.5M."""
    for suffix in ("G", "M", "k"):
        if value >= _SCALES[suffix]:
            scaled = Decimal(str(value)) / _SCALES[suffix]
            return f"{scaled.normalize():f}{suffix}"
    return f"{Decimal(str(value)).normalize():f}"
