"""Measurement: unit, calibration curve and limits, on the construct field that carries the counts.

It is an ordinary ``construct.Adapter``: parse gives engineering units, build takes them; the columnar decoder finds
it with one ``isinstance``. Documentation goes where construct puts it: ``"name" / Measurement(...) * "text"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from construct import Adapter, Construct, FormatField, Subconstruct

from protocols.curve import Curve
from protocols.errors import DeclarationError

Band = tuple[float, float]
"""Lowest and highest value still in order; ``-inf`` and ``inf`` leave a side open."""


if TYPE_CHECKING:
    _Adapter = Adapter[Any, Any, Any, Any]
else:
    _Adapter = Adapter  # generic in the stubs only


class Measurement(_Adapter):
    """A field with a unit."""

    def __init__(
        self,
        counts: Construct[Any, Any],
        unit: str,
        curve: Curve | None = None,
        *,
        yellow: Band | None = None,
        red: Band | None = None,
        persistence: int = 1,
        persistence_s: float = 0.0,
        hysteresis: float = 0.0,
        when: tuple[str, ...] = (),
    ) -> None:
        """Counts is the raw field; unit is SI or the ICD's, ``""`` for a pure number; curve turns counts into it.

        yellow and red are the bands outside of which an alarm is raised, after persistence samples in a row that
        also span persistence_s seconds; it ends once the value is back inside by hysteresis (in the unit). when names
        the flight phases in which the limits hold; empty: always. Raises DeclarationError on limits out of order.
        """
        super().__init__(counts)
        self.unit, self.curve = unit, curve
        self.yellow, self.red = yellow, red
        self.persistence, self.persistence_s, self.hysteresis, self.when = persistence, persistence_s, hysteresis, when
        self._floating = _floating(counts)
        if persistence < 1 or persistence_s < 0 or hysteresis < 0:
            given = f"persistence {persistence}, {persistence_s} s, hysteresis {hysteresis}"
            raise DeclarationError(given, "persistence counts from 1 and nothing here is negative; correct it")
        for band in (yellow, red):
            if band is not None and not band[0] < band[1]:
                raise DeclarationError(f"limits {band}", "the low limit must be under the high one; swap them")
        if yellow and red and not (red[0] <= yellow[0] and yellow[1] <= red[1]):
            raise DeclarationError(f"yellow {yellow}, red {red}", "red lies inside yellow; widen red or narrow yellow")

    def _decode(self, raw: Any, context: Any, path: Any) -> Any:
        if self.curve is None:
            return raw
        if isinstance(raw, list):
            return [self._decode(each, context, path) for each in raw]
        return self.curve(raw)

    def _encode(self, value: Any, context: Any, path: Any) -> Any:
        if isinstance(value, (list, tuple, np.ndarray)):
            return [self._encode(each, context, path) for each in value]
        if self.curve is None:
            return value
        counts = float(self.curve.inverse(value))
        return counts if self._floating else round(counts)


def _floating(counts: Any) -> bool:
    """Whether counts are stored as floats, so that none is rounded to be built."""
    while isinstance(counts, Subconstruct):
        counts = counts.subcon
    return isinstance(counts, FormatField) and counts.fmtstr[-1] in "efd"
