"""A batch: packets of one type as columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.measurement import Band

Column = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Field:
    """What is known of one measurement from its declaration."""

    path: str
    """Its name in the packet: ``chamber_pressure``, ``state.armed``, ``header.time``."""
    unit: str
    """Unit of the value; empty for a pure number, a code or a text."""
    doc: str
    """The declaration's text."""
    raw_type: str
    """As stored: ``u11``, ``i16``, ``f32``, ``flag``, ``bytes8``, ``text9``; empty where that depends on the data."""
    bit: int
    """First bit in the packet, headers included; -1 where it has no fixed place."""
    bits: int
    """Bits of one element; -1 where that depends on the data."""
    shape: tuple[int, ...] = ()
    """Elements of an array field."""
    labels: Mapping[int, str] = field(default_factory=dict)
    """Names of an enumeration's codes."""
    resolution: float = 0.0
    """The step of one count in the unit, where it is the same everywhere; else 0."""
    yellow: Band | None = None
    red: Band | None = None
    persistence: int = 1
    persistence_s: float = 0.0
    hysteresis: float = 0.0
    when: tuple[str, ...] = ()


@dataclass(slots=True)
class Batch:
    """n packets of one type, in the order received."""

    packet: str
    """The packet's name in its vehicle."""
    link: str
    """The link they came by."""
    columns: Mapping[str, Column]
    """Values in engineering units by path, (n,) or (n, ...); finished when asked for."""
    received_ns: NDArray[np.int64]
    """Arrival of each, in ns, int64 (n,)."""
    valid: NDArray[np.bool_]
    """False where a constant of the declaration is wrong, bool (n,); of a packet of no fixed layout, such a one is
    malformed, because there a constant tells what follows.
    """
    time: NDArray[np.float64] | None = None
    """The vehicle's own time in s, float64 (n,); None where the packet carries none."""
    sequence_gaps: int = 0
    """Packets missing by the sequence count before or within this batch."""

    def __len__(self) -> int:
        return len(self.received_ns)

    def __getitem__(self, path: str) -> Column:
        """The column of a measurement. Raises KeyError where the packet has none of that path."""
        return self.columns[path]
