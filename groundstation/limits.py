"""Limits: which measurements are out of their yellow or red band, told by what the data says alone.

The same rows in the same phases give the same crossings, however they are cut into batches. The usual answer, that
nothing is wrong, comes from :mod:`groundstation.limit_screen`; only what may be out, or was, is judged sample by sample
in :mod:`groundstation.limit_state`.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from groundstation.limit_screen import Screen
from groundstation.limit_state import Crossing, Level, Limits, Standing, Values, Watch
from protocols.batch import Batch, Column, Field
from protocols.errors import DeclarationError
from protocols.layout import Columns, Layout

__all__ = ["Crossing", "Level", "LimitMonitor", "Limits", "Standing"]


class LimitMonitor:
    """The limits of one stream of batches."""

    def __init__(self, fields: Mapping[str, Field], limits: Mapping[str, Limits]) -> None:
        """Both by full name, ``packet.path``; limits without a band, and fields without limits, are left alone.

        Raises DeclarationError on a name that is no field's, limits of bytes or text, and a hysteresis too large.
        """
        by_packet: dict[str, list[Watch]] = {}
        for name, each in limits.items():
            if each.bands:
                _refuse(name, fields.get(name), each)
                by_packet.setdefault(name.partition(".")[0], []).append(Watch(name, fields[name].unit, each))
        self._packets = {packet: _PacketLimits(watches) for packet, watches in by_packet.items()}

    def fork(self) -> LimitMonitor:
        """Another one in the same state, which goes on by itself."""
        other: LimitMonitor = copy.copy(self)
        other._packets = {packet: each.fork() for packet, each in self._packets.items()}
        return other

    @property
    def standing(self) -> list[Standing]:
        """What is out of limits now, with its newest and its worst value."""
        return [watch.standing for packet in self._packets.values() for watch in packet.raised]

    def check(self, batch: Batch, phase: str) -> list[Crossing]:
        """The crossings in a batch received in one flight phase, in the order of its rows.

        A batch during which the phase changes is to be cut there, where the limits' ``when`` shall hold to the row.
        """
        packet = self._packets.get(batch.packet)
        if packet is None or not len(batch.received_ns):
            return []
        suspects = packet.suspects(batch.columns)
        if not suspects and not packet.busy:
            return []
        return packet.judge(batch, phase, suspects)


class _PacketLimits:
    """The limited measurements of one packet type."""

    def __init__(self, watches: list[Watch]) -> None:
        self._watches = watches
        self._paths = [watch.measurement.partition(".")[2] for watch in watches]
        self._bands = [(path, *watch.limits.inner) for path, watch in zip(self._paths, watches, strict=True)]
        self._screens: dict[Layout, Screen] = {}  # one for each link that carries the packet
        self.busy: set[int] = set()
        """Those out of limits, or with samples that count towards it."""

    def fork(self) -> _PacketLimits:
        """Another one in the same state; the screens, which have none, are shared."""
        other: _PacketLimits = copy.copy(self)
        other._watches, other.busy = [watch.fork() for watch in self._watches], set(self.busy)
        return other

    @property
    def raised(self) -> list[Watch]:
        """Those out of limits."""
        return [self._watches[each] for each in sorted(self.busy) if self._watches[each].level]

    def suspects(self, columns: Mapping[str, Column]) -> Sequence[int]:
        """Those of which some row may be out of limits."""
        if not isinstance(columns, Columns):
            return range(len(self._watches))
        screen = self._screens.get(columns.layout)
        if screen is None:
            screen = self._screens[columns.layout] = Screen(columns.layout, self._bands)
        return screen.suspects(columns)

    def judge(self, batch: Batch, phase: str, suspects: Sequence[int]) -> list[Crossing]:
        """The crossings of the suspects and of the busy, in the order of the rows."""
        found: list[tuple[int, int, Crossing]] = []
        for index in sorted({*suspects, *self.busy}):
            watch = self._watches[index]
            when = watch.limits.when
            holds = not when or phase in when
            if not holds and index not in self.busy:
                continue
            found += [(row, index, crossing) for row, crossing in self._judge(batch, index, holds=holds)]
            (self.busy.discard if watch.idle else self.busy.add)(index)
        return [crossing for *_, crossing in sorted(found, key=lambda each: each[:2])]

    def _judge(self, batch: Batch, index: int, *, holds: bool) -> list[tuple[int, Crossing]]:
        """The crossings of one measurement, with their rows."""
        watch, column = self._watches[index], batch.columns.get(self._paths[index])
        if column is None:
            return []
        lows, highs = _extremes(column)
        times, judged = batch.received_ns, batch.valid & (lows == lows)  # noqa: PLR0124 not equal to itself: NaN
        rows: Any = range(len(times))
        if not judged.all():
            rows = np.flatnonzero(judged)
            lows, highs, times = lows[rows], highs[rows], times[rows]
        if not len(times):
            return []
        if holds:
            return [(int(rows[at]), crossing) for at, crossing in watch.take(lows, highs, times)]
        crossing = watch.rest(float(lows[0]), float(highs[0]), int(times[0]))
        return [(int(rows[0]), crossing)] if crossing else []


def _extremes(column: Column) -> tuple[Values, Values]:
    """Least and greatest element of each row, float64 (n,); NaN where a row has no number."""
    if column.dtype.kind == "O":
        pairs = np.array([_object_extremes(value) for value in column], np.float64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]
    if column.dtype.kind not in "biuf":
        nothing = np.full(len(column), np.nan)
        return nothing, nothing
    with np.errstate(invalid="ignore"):
        values: Values = column.astype(np.float64)
        if values.ndim == 1:
            return values, values
        flat = values.reshape(len(values), math.prod(values.shape[1:]))
        return np.fmin.reduce(flat, axis=1, initial=np.nan), np.fmax.reduce(flat, axis=1, initial=np.nan)


def _object_extremes(value: Any) -> tuple[float, float]:
    """Least and greatest number of what construct made of one packet's field."""
    try:
        numbers = np.asarray(value, np.float64).reshape(-1)
    except (TypeError, ValueError, OverflowError):
        return np.nan, np.nan
    return float(np.fmin.reduce(numbers, initial=np.nan)), float(np.fmax.reduce(numbers, initial=np.nan))


def _refuse(name: str, field: Field | None, limits: Limits) -> None:
    """Raise DeclarationError on limits that cannot work."""
    if field is None:
        raise DeclarationError(f"limits.{name}", "no such measurement; `groundstation check` lists them")
    if field.bit >= 0 and field.raw_type.startswith(("bytes", "text")):
        raise DeclarationError(f"limits.{name}", f"{field.raw_type} has no limits; remove them")
    for low, high in limits.bands.values():
        if low + limits.hysteresis > high - limits.hysteresis:
            problem = f"hysteresis {limits.hysteresis:g} leaves nothing of {low:g} to {high:g}"
            raise DeclarationError(f"limits.{name}", f"{problem}, no alarm would ever end; make it smaller")
    if limits.persistence < 1 or limits.persistence_s < 0 or limits.hysteresis < 0:
        raise DeclarationError(f"limits.{name}", "persistence starts at 1, the others at 0; correct it")
