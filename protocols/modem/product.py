"""Products of matrices that stay on one core.

OpenBLAS hands a product of more than 2^18 real multiplications to all cores (``interface/gemm.c``), which wait for one
another in loops: for the sizes here that only costs, and much when the cores have other work. Pieces below that do not.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST = 250_000


def _most(matrix: NDArray[Any]) -> int:
    """Rows of a piece that meet this matrix; a complex multiplication is four."""
    return max(1, _MOST // (matrix.size * (4 if np.iscomplexobj(matrix) else 1)))


def product(rows: NDArray[Any], matrix: NDArray[Any]) -> NDArray[Any]:
    """Rows (n, k) times matrix (k, m)."""
    step = _most(matrix)
    if len(rows) <= step:
        return np.asarray(rows @ matrix)
    made = np.empty((len(rows), matrix.shape[1]), matrix.dtype)
    for begin in range(0, len(rows), step):
        np.matmul(rows[begin : begin + step], matrix, out=made[begin : begin + step])
    return made


def product_with_rows(matrix: NDArray[Any], rows: NDArray[Any]) -> NDArray[Any]:
    """Matrix (m, k) times rows (n, k) as columns: (m, n)."""
    step = _most(matrix)
    if len(rows) <= step:
        return np.asarray(matrix @ rows.T)
    made = np.empty((len(matrix), len(rows)), matrix.dtype)
    for begin in range(0, len(rows), step):
        np.matmul(matrix, rows[begin : begin + step].T, out=made[:, begin : begin + step])
    return made
