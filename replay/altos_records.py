"""Records out of the text of an AltOS ``.eeprom`` file: hexadecimal digits to rows of bytes that passed their checksum.

A block of text is turned into bytes in one go. Where that fails, or a line does not hold whole records, the block is
read line by line: a line is lost alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protocols.altos.log import HEAD_BYTES
from replay.recording import Damage

Rows = NDArray[np.uint8]

_OLD = re.compile(rb"([!-~]) +([0-9a-fA-F]{1,4})((?: +[0-9a-fA-F]{1,4})*)\s*")
_SEED = 0x5A
"""What checksums begin with; all bytes of a record add up to 0 then."""


@dataclass(slots=True)
class RecordText:
    """Reads the lines of one file, whose records have so many bytes."""

    size: int
    old: bool
    """Whether a line holds one record, its type and time first."""
    damage: Damage
    line: int = 1
    """Number of the next line."""
    overhead: int = 0
    """Characters that are no digits of a record given."""

    def rows(self, text: bytes) -> Rows:
        """The good records in whole lines of text, uint8 (n, size)."""
        first, count = self.line, text.count(b"\n") + (not text.endswith(b"\n"))
        self.line += count
        found = None if self.old else self._at_once(text)
        if found is None:
            found = self._line_by_line(text, first)
        else:
            self.overhead += len(text) - 2 * found.size
        return found if self.size < HEAD_BYTES else self._checked(found, first, count)

    def _at_once(self, text: bytes) -> Rows | None:
        """All records where every line holds whole ones, the same number in each but the last."""
        try:
            data = bytes.fromhex(text.decode("ascii"))
        except ValueError:
            return None
        lines = text.split(b"\n", 2)
        each = len(lines[0].split())
        whole = len(lines) < 3 or (each and not each % self.size and self._alike(text, len(lines[0])))
        return np.frombuffer(data, np.uint8).reshape(-1, self.size) if whole and not len(data) % self.size else None

    @staticmethod
    def _alike(text: bytes, length: int) -> bool:
        """Whether all lines but the last have so many characters."""
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n"))
        return bool((np.diff(ends) == length + 1).all())

    def _line_by_line(self, text: bytes, number: int) -> Rows:
        """The records of the lines that hold whole ones; the others are damage."""
        read: Callable[[bytes], bytes | None] = self._old_record if self.old else self._bytes
        found = []
        for at, line in enumerate(text.splitlines(keepends=True)):
            data = read(line)
            if data is None or len(data) % self.size:
                self.damage.note(f"line {number + at:,} does not hold whole records in hexadecimal", len(line))
            else:
                self.overhead += len(line) - 2 * len(data)
                found.append(data)
        return np.frombuffer(b"".join(found), np.uint8).reshape(-1, self.size)

    @staticmethod
    def _bytes(line: bytes) -> bytes | None:
        """The bytes that a line's digits are."""
        try:
            return bytes.fromhex(line.decode("ascii"))
        except ValueError:
            return None

    def _old_record(self, line: bytes) -> bytes | None:
        """The record of a line ``A 0123 01 02 ...``, with the checksum that it had; nothing of a blank line."""
        if not line.strip():
            return b""
        told = _OLD.fullmatch(line)
        if told is None:
            return None
        words = told[3].split()
        if self.size < HEAD_BYTES:  # the first TeleMini: a word, or a state in the word before it
            return _tiny([int(word, 16) for word in words])
        data = b"".join(int(word, 16).to_bytes(2, "little") for word in words) if len(words) == 2 else _octets(words)
        if data is None:
            return None
        record = told[1] + b"\0" + int(told[2], 16).to_bytes(2, "little") + data
        return record[:1] + bytes((-(_SEED + sum(record)) & 0xFF,)) + record[2:]

    def _checked(self, rows: Rows, first: int, lines: int) -> Rows:
        """The rows whose checksum is right; those never written are overhead, the others damage."""
        good = (rows.sum(axis=1, dtype=np.uint8) + np.uint8(_SEED)) == 0
        if good.all():
            return rows
        bad = rows[~good]
        blank = int(np.count_nonzero((bad == 0xFF).all(axis=1)))
        self.overhead += 2 * self.size * blank
        if len(bad) > blank:
            where = f"line {first:,}" if lines == 1 else f"lines {first:,} to {first + lines - 1:,}"
            text = f"{where}: {len(bad) - blank:,} records whose checksum is wrong"
            self.damage.note(text, 2 * self.size * (len(bad) - blank))
        kept: Rows = rows[good]
        return kept


def _octets(words: list[bytes]) -> bytes | None:
    """One byte of each word."""
    values = [int(word, 16) for word in words]
    return bytes(values) if max(values, default=0) < 256 else None


def _tiny(words: list[int]) -> bytes | None:
    """Two bytes of the first TeleMini's record, of both notations there are."""
    if len(words) != 2:
        return None
    if max(words) < 256:
        return bytes(words)
    return (0x8000 | words[0] if words[0] else words[1]).to_bytes(2, "little")
