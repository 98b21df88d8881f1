"""Packet types told apart by what several of their fields are, at places and by comparisons that differ from type to
type: as XTCE's containers restrict one another.

Of two types that a packet fits, the one declared first has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from protocols.errors import DeclarationError
from protocols.layout import Rows
from protocols.leaf import Place
from protocols.packet import Packet, Pattern, Test

OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
}  # fmt: skip
WIDEST: Final = 56
"""Bits of a field that is compared: however it lies, 64 bits cover it."""
_REMEMBERED = 65_536
"""Combinations of values whose type is remembered."""


class PatternReader:
    """The patterns of a vehicle's packets, compiled. A pattern is known by its number among them."""

    def __init__(self, vehicle: str, packets: Sequence[Packet]) -> None:
        """Raises DeclarationError on a packet whose key is no pattern, and on a test that cannot be made."""
        self.numbers: dict[Pattern, int] = {}
        for packet in packets:
            if not isinstance(packet.key, Pattern):
                problem = f"packet {packet.name} has no pattern, but others do; give it one too"
                raise DeclarationError(vehicle, problem)
            self.numbers[packet.key] = len(self.numbers)
            for test in packet.key.tests:
                _refuse(f"{vehicle}.{packet.name}", test)
        self._fields: dict[tuple[int, int, bool], int] = {}
        for pattern in self.numbers:
            for test in pattern.tests:
                self._fields.setdefault(_field(test), len(self._fields))
        self._readers = [_scalar(*field) for field in self._fields]
        self._known: dict[tuple[int, ...], int] = {}
        self.reach = max((-(-(bit + bits) // 8) for bit, bits, _ in self._fields), default=0)
        """Bytes from the packet's first that are looked at."""

    def key(self, data: bytes, at: int) -> int:
        """The number of the pattern of the packet at an offset of a buffer; -1 where it fits none."""
        values = tuple([read(data, at) for read in self._readers])
        known = self._known.get(values)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[values] = self._look(values)
        return known

    def _look(self, values: tuple[int, ...]) -> int:
        for pattern, number in self.numbers.items():
            if all(_passes(test, values[self._fields[_field(test)]]) for test in pattern.tests):
                return number
        return -1

    def keys(self, rows: Rows) -> NDArray[np.int64]:
        """The numbers of the patterns of packets that begin rows of at least reach bytes, int64 (n,)."""
        values = [_column(rows, *field) for field in self._fields]
        found = np.full(len(rows), -1, np.int64)
        free = np.ones(len(rows), np.bool_)
        with np.errstate(all="ignore"):  # whatever a curve makes of any counts
            for pattern, number in self.numbers.items():
                own = free.copy()
                for test in pattern.tests:
                    own &= _passes(test, values[self._fields[_field(test)]])
                found[own] = number
                free &= ~own
        return found


def _field(test: Test) -> tuple[int, int, bool]:
    return test.place.bit, test.place.bits, test.place.signed


def _refuse(where: str, test: Test) -> None:
    place: Place = test.place
    if not 0 < place.bits <= WIDEST or place.bit < 0 or place.little or place.shape:
        problem = f"{test.name} cannot tell types apart; use one big-endian number of at most {WIDEST} bits"
        raise DeclarationError(where, problem)
    if test.operator not in OPERATORS:
        raise DeclarationError(where, f"{test.operator!r} is no comparison; use one of {', '.join(OPERATORS)}")


def _passes(test: Test, value: Any) -> Any:
    return OPERATORS[test.operator](value if test.curve is None else test.curve(value), test.value)


def _scalar(bit: int, bits: int, signed: bool) -> Callable[[bytes, int], int]:
    first, last = bit // 8, (bit + bits - 1) // 8 + 1
    shift, mask, sign = 8 * last - bit - bits, (1 << bits) - 1, (1 << bits >> 1) * signed

    def read(data: bytes, at: int) -> int:
        return ((int.from_bytes(data[at + first : at + last]) >> shift & mask) ^ sign) - sign

    return read


def _column(rows: Rows, bit: int, bits: int, signed: bool) -> NDArray[np.int64]:
    """The field of every row, int64 (n,)."""
    first, last = bit // 8, (bit + bits - 1) // 8 + 1
    value = np.zeros(len(rows), np.uint64)
    for byte in range(first, last):
        value = value << np.uint64(8) | rows[:, byte].astype(np.uint64)
    value = value << np.uint64(64 - (8 * last - bit))
    whole = value.view(np.int64) >> np.int64(64 - bits) if signed else (value >> np.uint64(64 - bits)).view(np.int64)
    return np.asarray(whole)
