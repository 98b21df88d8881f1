"""Simple checksums that small flight computers send where a CRC would have cost them too much.

``fletcher-16`` is Fletcher's sum modulo 255 and ``fletcher-16/modulo-256`` that of RFC 1145 (the u-blox receivers'
CK_A, CK_B); both as ``second sum << 8 | first sum``, so ``:little`` sends the first sum first.
"""

from dataclasses import dataclass
from functools import reduce
from operator import xor

import numpy as np
from numpy.typing import NDArray


class Xor8:
    """All bytes exclusive-ored, as NMEA 0183 does."""

    def one(self, data: bytes) -> int:
        """The checksum of data."""
        return reduce(xor, data, 0)

    def rows(self, rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """The checksum of each row of uint8 (n, length), uint64 (n,)."""
        return np.asarray(np.bitwise_xor.reduce(rows, axis=1), np.uint64)


class Sum8:
    """All bytes added, modulo 256."""

    def one(self, data: bytes) -> int:
        """The checksum of data."""
        return sum(data) & 0xFF

    def rows(self, rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """The checksum of each row of uint8 (n, length), uint64 (n,)."""
        return np.asarray(rows.sum(axis=1, dtype=np.uint64) & np.uint64(0xFF))


@dataclass(frozen=True, slots=True)
class Fletcher16:
    """Fletcher's two running sums of bytes (J. Fletcher, 1982)."""

    modulus: int

    def one(self, data: bytes) -> int:
        """The checksum of data."""
        first, second = (
            sum(data),
            sum(weight * byte for weight, byte in zip(range(len(data), 0, -1), data, strict=True)),
        )
        return second % self.modulus << 8 | first % self.modulus

    def rows(self, rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
        """The checksum of each row of uint8 (n, length), uint64 (n,)."""
        modulus, weights = np.uint64(self.modulus), np.arange(rows.shape[1], 0, -1, dtype=np.uint64)
        first, second = rows.sum(axis=1, dtype=np.uint64), rows.astype(np.uint64) @ weights
        return np.asarray((second % modulus) << np.uint64(8) | first % modulus)


CHECKSUMS: dict[str, tuple[int, Xor8 | Sum8 | Fletcher16]] = {
    "xor-8": (1, Xor8()),
    "sum-8": (1, Sum8()),
    "fletcher-16": (2, Fletcher16(255)),
    "fletcher-16/modulo-256": (2, Fletcher16(256)),
}
"""Width in bytes and algorithm by name."""
