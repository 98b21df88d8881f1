"""A recorded flight by the whole path: importer, framer, decoder."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protocols.batch import Batch, Column
from protocols.chunk import Chunk
from protocols.decoder import VehicleDecoder
from protocols.framer import framer
from protocols.vehicles import vehicle
from replay.recording import Recording, open_recording


@dataclass
class Flight:
    """What came out of a recording."""

    recording: Recording
    chunks: list[Chunk]
    decoder: VehicleDecoder
    batches: dict[str, list[Batch]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Packets by type, types without any left out."""
        return {name: count for name, count in self.decoder.packets.items() if count}

    def column(self, packet: str, path: str) -> Column:
        """All values of a measurement in engineering units."""
        return np.concatenate([batch[path] for batch in self.batches[packet]])

    def raw(self, packet: str, path: str) -> Column:
        """All counts of a measurement as stored."""
        return np.concatenate([batch.columns.raw(path) for batch in self.batches[packet]])  # type: ignore[attr-defined]

    def time(self, packet: str) -> Column:
        """The vehicle's time of all packets of a type, s."""
        times: list[Any] = [batch.time for batch in self.batches[packet]]
        return np.concatenate(times)

    def labels(self, packet: str, path: str) -> dict[int, str]:
        """Names of an enumeration's codes."""
        return dict(self.decoder.decoders[packet].fields[path].labels)


def decode(recording: Recording, chunks: list[Chunk]) -> Flight:
    """Chunks of a recording, framed and decoded as its links say."""
    ((name, link),) = recording.links.items()
    assert isinstance(link.framing, str)
    flight = Flight(recording, chunks, VehicleDecoder(vehicle(link.vehicle), name))
    receiver = framer(link.framing)
    for chunk in chunks:
        assert chunk.link == name
        for batch in flight.decoder.decode(receiver.receive(chunk.data, chunk.received_ns)):
            flight.batches.setdefault(batch.packet, []).append(batch)
    assert receiver.ledger.balanced
    return flight


@pytest.fixture(scope="session")
def flight(data: Path) -> Callable[[str], Flight]:
    """``flight(name)``: a file of the real recordings, opened by its content and decoded, once a session."""
    known: dict[str, Flight] = {}

    def of(name: str) -> Flight:
        if name not in known:
            recording = open_recording(data / name)
            known[name] = decode(recording, list(recording.chunks()))
        return known[name]

    return of


@pytest.fixture(scope="session")
def decoded() -> Callable[[Recording, list[Chunk]], Flight]:
    """``decoded(recording, chunks)``: frames and packets of chunks."""
    return decode
