"""Candidate frames that overlap: the first come are kept."""

import numpy as np
from numpy.typing import NDArray


def first_come(begins: NDArray[np.int64], ends: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Those that do not begin within an earlier one that is itself kept."""
    if (begins[1:] >= ends[:-1]).all():
        return begins, ends
    kept, free = [], 0
    for place, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        if begin >= free:
            kept.append(place)
            free = end
    return begins[kept], ends[kept]


def within(places: NDArray[np.int64], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which places lie in one of the frames, which do not overlap, bool (n,)."""
    if not len(begins):
        return np.zeros(len(places), np.bool_)
    frame = np.searchsorted(begins, places, "right") - 1
    return (frame >= 0) & (places < ends[frame])
