"""CRCs and checksums by name: what ends a frame and says whether it arrived whole.

Names are those of the reveng catalogue in lower case (``crc-16/ibm-3740``), their aliases, or their last part alone
where that is unambiguous (``ccitt-false``, ``modbus``), and the checksums of :mod:`protocols.coding.checksum`. The
check is sent big-endian; ``:little`` after the name sends it the other way round (``modbus:little``). A width that
is no whole number of bytes is sent in the low bits of the next larger one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Literal, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from protocols.coding.checksum import CHECKSUMS
from protocols.coding.crc_catalogue import Model, catalogue, names
from protocols.coding.crc_table import TableCrc
from protocols.errors import DeclarationError
from protocols.frames import lengths_grouped, rows_at

_BLOCK = 1 << 20
"""Bytes checked together: frames that overlap must not let a link multiply the memory we use."""


class Algorithm(Protocol):
    """Computes checks."""

    def one(self, data: bytes) -> int:
        """The check of data."""
        ...

    def rows(self, rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """The check of each row of uint8 (n, length), uint64 (n,)."""
        ...


@dataclass(frozen=True, slots=True)
class FastCrc:
    """A CRC that the fastcrc library has: its SIMD code beats any table, also one short frame at a time."""

    one: Callable[[bytes], int]

    def rows(self, rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """The check of each row of uint8 (n, length), uint64 (n,)."""
        whole = np.ascontiguousarray(rows) if rows.strides[1] != 1 else rows
        pieces = whole.view(f"V{rows.shape[1]}")[:, 0].tolist()  # the quickest way from rows to bytes objects
        return np.fromiter(map(self.one, pieces), np.uint64, len(rows))


@dataclass(frozen=True, slots=True)
class Crc:
    """A check field at the end of a frame."""

    name: str
    """As it was asked for."""
    width: int
    """Bytes of the check field."""
    algorithm: Algorithm
    """What computes it."""
    order: Literal["big", "little"] = "big"
    """Byte order of the check field."""

    def compute(self, data: bytes) -> int:
        """The check of data."""
        return self.algorithm.one(data)

    def append(self, body: bytes) -> bytes:
        """Body with its check after it."""
        return body + self.compute(body).to_bytes(self.width, self.order)

    def good(self, frame: bytes) -> bool:
        """Whether a frame holds a body and, after it, the body's check."""
        width = self.width
        if len(frame) <= width:
            return False
        return self.algorithm.one(frame[:-width]) == int.from_bytes(frame[-width:], self.order)

    def verify(self, bodies: list[bytes]) -> list[bool]:
        """Whether each frame, its check at its end, is good."""
        return [self.good(body) for body in bodies]

    def verify_rows(self, rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Whether each row of uint8 (n, length), its check at its end, is good, bool (n,)."""
        count, length = rows.shape
        if length <= self.width:
            return np.zeros(count, np.bool_)
        if self.width > 8:  # crc-82/darc: wider than any numpy integer
            return np.fromiter((self.good(row.tobytes()) for row in rows), np.bool_, count)
        sent = np.zeros(count, np.uint64)
        check = range(length - self.width, length)
        for at in check if self.order == "big" else reversed(check):
            sent = sent << np.uint64(8) | rows[:, at]
        return cast("NDArray[np.bool_]", self.algorithm.rows(rows[:, : -self.width]) == sent)

    def verify_spans(
        self, data: NDArray[np.uint8], begins: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether each frame ``data[begins[i]:ends[i]]``, its check at its end, is good, bool (n,).

        Frames may be of any lengths, lie apart, or overlap; those of one length are checked together.
        """
        groups = lengths_grouped(ends - begins)
        if not groups:
            whole, good = data.tobytes(), self.good
            spans = zip(begins.tolist(), ends.tolist(), strict=True)
            return np.array([good(whole[begin:end]) for begin, end in spans], np.bool_)
        result = np.empty(len(begins), np.bool_)
        for length, which in groups:
            several = max(1, _BLOCK // max(1, length))
            for first in range(0, len(which), several):
                some = which[first : first + several]
                result[some] = self.verify_rows(rows_at(data, begins[some], length))
        return result

    def verify_frames(self, data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of the frames laid one after the other at offsets, int64 (n + 1,), is good, bool (n,)."""
        return self.verify_spans(data, offsets[:-1], offsets[1:])


@cache
def crc(name: str) -> Crc:
    """The check of that name. Raises DeclarationError on an unknown one, naming those that come near."""
    plain, _, order = name.strip().lower().partition(":")
    if order not in ("", "big", "little"):
        raise DeclarationError(f"check {name!r}", f"no byte order {order!r}; use :big or :little")
    byte_order: Literal["big", "little"] = "little" if order == "little" else "big"
    if plain in CHECKSUMS:
        width, algorithm = CHECKSUMS[plain]
        return Crc(name, width, algorithm, byte_order)
    if plain not in names():
        raise DeclarationError(f"check {name!r}", f"there is none of that name; {_hint(plain)}")
    model = catalogue()[names()[plain]]
    return Crc(name, (model.bits + 7) // 8, _algorithm(model), byte_order)


def _hint(name: str) -> str:
    known = [*CHECKSUMS, *names()]
    near = [each for each in known if name and name in each] or get_close_matches(name, known, 4, 0.5)
    return f"use one of {', '.join(near[:6])}" if near else "use one such as crc-16/ibm-3740, crc-32/iso-hdlc, xor-8"


def _algorithm(model: Model) -> Algorithm:
    family, _, member = model.name.replace("-", "", 1).partition("/")
    try:
        library = import_module(f"fastcrc.{family}")
    except ModuleNotFoundError:
        return TableCrc(model)
    fast = getattr(library, member.replace("-", "_"), None)
    return FastCrc(fast) if fast is not None else TableCrc(model)


def catalogued() -> Iterable[str]:
    """The names of all checks there are, without their aliases."""
    return [*CHECKSUMS, *catalogue()]
