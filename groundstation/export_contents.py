"""What an export of a recording is to hold, by a first pass over it."""

from __future__ import annotations

from typing import Any

import numpy as np

from groundstation.exports import Contents
from groundstation.pipeline import Pipeline
from groundstation.reading import Reading
from protocols.decoder import PacketDecoder
from protocols.layout import Columns


def contents(reading: Reading, counted: Pipeline) -> Contents:
    """The packets that counted has met, and all that is known of them."""
    met: dict[str, PacketDecoder] = {}
    for path in counted.links.values():
        met |= {name: path.decoder.decoders[name] for name, count in path.decoder.packets.items() if count}
    fields = {name: each for name, each in counted.fields.items() if name.partition(".")[0] in met}
    types = {f"{name}.{path}": kind for name, decoder in met.items() for path, kind in _types(decoder).items()}
    return Contents(
        fields,
        types,
        {name: decoder.packet.doc for name, decoder in met.items()},
        counted.flight.t0_ns,
        reading.synthetic,
        str(reading.recording.time_base),
        reading.vehicle.title,
        reading.recording.path.name,
        sorted(counted.events, key=lambda each: each.received_ns),
    )


def _types(decoder: PacketDecoder) -> dict[str, np.dtype[Any]]:
    """The types of a packet's finished columns, as a packet of zeros has them; none where they depend on the data."""
    if decoder.layout is None:
        return {}
    columns = Columns(decoder.layout, np.zeros((1, decoder.layout.size), np.uint8))
    with np.errstate(all="ignore"):
        return {path: columns[path].dtype for path in columns}
