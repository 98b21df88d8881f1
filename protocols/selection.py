"""Some packets of a batch, as a batch of their own."""

from __future__ import annotations

from dataclasses import replace

from protocols.batch import Batch
from protocols.layout import Columns


def chosen(batch: Batch, rows: slice) -> Batch:
    """The packets that a slice names, holding nothing of the others in memory.

    The sequence gaps before and within the batch stay with the part that begins it.
    """
    columns = batch.columns
    return replace(
        batch,
        columns=columns.chosen(rows)
        if isinstance(columns, Columns)
        else {name: columns[name][rows] for name in columns},
        received_ns=batch.received_ns[rows],
        valid=batch.valid[rows],
        time=None if batch.time is None else batch.time[rows],
        sequence_gaps=0 if rows.start else batch.sequence_gaps,
    )
