"""Any CRC of the catalogue by a table of 256 entries: one byte a step, or one byte of many frames a step."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from protocols.coding.crc_catalogue import Model

_LOCKSTEP = 32
"""Frames from which stepping through all of them together beats one after the other (measured)."""


def reflected(value: int, bits: int) -> int:
    """Value with its lowest ``bits`` bits in reverse order."""
    return int(f"{value:0{bits}b}"[::-1], 2)


class TableCrc:
    """A CRC model as a table; the register is at least a byte wide, so that models under 8 bits need no second way."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._pad = 0 if model.refin else max(0, 8 - model.bits)
        self._bits = model.bits + self._pad
        self._mask = (1 << self._bits) - 1
        self._start = reflected(model.init, model.bits) if model.refin else model.init << self._pad

    def one(self, data: bytes) -> int:
        """The CRC of data."""
        register, table, mask = self._start, self._table, self._mask
        if self.model.refin:
            for byte in data:
                register = (register >> 8) ^ table[(register ^ byte) & 0xFF]
        else:
            top = self._bits - 8
            for byte in data:
                register = ((register << 8) & mask) ^ table[(register >> top) ^ byte]
        return self._finish(register)

    def rows(self, rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """The CRC of each row of uint8 (n, length), uint64 (n,). The model must fit 64 bits."""
        if len(rows) < _LOCKSTEP:
            return np.array([self.one(row.tobytes()) for row in rows], np.uint64)
        columns, table, eight = np.ascontiguousarray(rows.T), self._columns, np.uint64(8)
        register = np.full(len(rows), self._start, np.uint64)
        if self.model.refin:
            for column in columns:
                register = (register >> eight) ^ table[(register ^ column) & np.uint64(0xFF)]
        else:
            top, mask = np.uint64(self._bits - 8), np.uint64(self._mask)
            for column in columns:
                register = ((register << eight) & mask) ^ table[(register >> top) ^ column]
        return self._finish_all(register)

    def _finish(self, register: int) -> int:
        model, register = self.model, register >> self._pad
        if model.refin != model.refout:
            register = reflected(register, model.bits)
        return register ^ model.xorout

    def _finish_all(self, registers: NDArray[np.uint64]) -> NDArray[np.uint64]:
        if self.model.refin != self.model.refout:  # one model in the catalogue: crc-12/umts
            return np.array([self._finish(register) for register in registers.tolist()], np.uint64)
        return (registers >> np.uint64(self._pad)) ^ np.uint64(self.model.xorout)

    @cached_property
    def _table(self) -> list[int]:
        return [self._entry(byte) for byte in range(256)]

    @cached_property
    def _columns(self) -> NDArray[np.uint64]:
        return np.array(self._table, np.uint64)

    def _entry(self, byte: int) -> int:
        if self.model.refin:
            poly, register = reflected(self.model.poly, self.model.bits), byte
            for _ in range(8):
                register = (register >> 1) ^ poly if register & 1 else register >> 1
            return register
        poly, high = self.model.poly << self._pad, 1 << (self._bits - 1)
        register = byte << (self._bits - 8)
        for _ in range(8):
            register = ((register << 1) ^ poly if register & high else register << 1) & self._mask
        return register
