"""OS-X's telemetry: its flight, measured, as the packets of ``protocols.vehicles.osx`` in their frames.

Everything is made up, and the same for the same seed. All packets are built by columns when the telemetry is made; they
are framed when asked for, so that transmission starts at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hardware.simulator import sensors
from hardware.simulator.encoder import PacketEncoder
from hardware.simulator.trajectory import Trajectory, fly
from protocols.ccsds.space_packet import COUNT_MODULO, HEADER_SIZE, SequenceFlags
from protocols.framer import framer
from protocols.packet import Packet
from protocols.vehicles.osx import SAMPLE_INTERVAL, SAMPLES, VEHICLE, Apid

FLIGHT_STEP: Final = 0.01
"""s: with this step of integration the flight is the same as with a finer one, to the telemetry's resolution."""
LATENCY: Final = 0.001
"""s from the last sample in a packet until the packet is sent."""

_Measure = Callable[[Trajectory, NDArray[np.float64], np.random.Generator], dict[str, Any]]
_SCHEDULE: Final[dict[Apid, tuple[_Measure, float, float]]] = {
    Apid.GUIDANCE: (sensors.guidance, 0.001, 0.0),
    Apid.PROPULSION: (sensors.propulsion, 0.003, 0.0),
    Apid.INERTIAL: (sensors.inertial, 0.005, (SAMPLES - 1) * SAMPLE_INTERVAL),
    Apid.POWER: (sensors.power, 0.007, 0.0),
    Apid.DISCRETES: (sensors.discretes, 0.009, 0.0),
}
"""By packet type: what measures it, when in its interval it is sent (s; so that no two collide), and how long it takes
from its first sample to its last (s)."""


@dataclass(frozen=True, slots=True)
class _Stream:
    """All packets of one type."""

    sent: NDArray[np.float64]
    """When each is sent, s since T-0, (n,), rising."""
    rows: NDArray[np.uint8]
    """The packets, (n, size), not yet framed."""


class OsxTelemetry:
    """A whole flight's telemetry, from the pad to after the impact."""

    def __init__(self, *, seed: int = 1, flight: Trajectory | None = None, framed: bool = True) -> None:
        """Measure ``flight`` (else OS-X's own) with the noise of ``seed``. Not framed, packets are as a radio's frames
        carry them.
        """
        flight = flight if flight is not None else fly(FLIGHT_STEP)
        self.start = float(flight.time[0])
        """s since T-0: nothing is sent before."""
        self.end = float(flight.time[-1])
        """s since T-0: everything has been sent by then."""
        self._streams = [_stream(packet, flight, seed) for packet in VEHICLE.packets]
        framing: Any = VEHICLE.framing
        self._framer = framer(**framing) if framed else None

    def window(self, begin: float, end: float) -> list[tuple[float, bytes]]:
        """What is sent from ``begin`` until before ``end``, s since T-0: time and one whole packet each.

        Ordered by time. Windows that adjoin give every packet once, with its sequence count, however they are cut.
        """
        found: list[tuple[float, bytes]] = []
        for stream in self._streams:
            first, last = np.searchsorted(stream.sent, (begin, end))
            times, rows = stream.sent[first:last].tolist(), stream.rows[first:last]
            found.extend((time, self._sent(row.tobytes())) for time, row in zip(times, rows, strict=True))
        found.sort(key=itemgetter(0))
        return found

    def _sent(self, packet: bytes) -> bytes:
        return self._framer.encode((packet,)) if self._framer else packet


def _stream(packet: Packet, flight: Trajectory, seed: int) -> _Stream:
    """All packets of a type, its noise drawn from a generator of its own."""
    apid = Apid[packet.name.upper()]
    measure, place, duration = _SCHEDULE[apid]
    first, last = float(flight.time[0]) + place, float(flight.time[-1])
    sent = first + np.arange(int(np.ceil((last - first) * packet.rate))) / packet.rate
    sampled = sent - LATENCY - duration
    encoder = PacketEncoder(VEHICLE.declaration(packet))
    columns = measure(flight, sampled, np.random.default_rng((seed, apid)))
    columns["time"] = sampled + sensors.CLOCK_AT_T0
    return _Stream(sent, encoder.rows({**columns, **_header(apid, encoder.size, len(sent))}, len(sent)))


def _header(apid: Apid, size: int, count: int) -> dict[str, Any]:
    """The primary headers of ``count`` packets of ``size`` bytes: CCSDS 133.0-B-2 4.1.3."""
    return {
        "header.version": 0,
        "header.type": 0,
        "header.secondary_header": True,
        "header.apid": int(apid),
        "header.sequence_flags": int(SequenceFlags.UNSEGMENTED),
        "header.sequence_count": np.arange(count) % COUNT_MODULO,
        "header.data_length": size - HEADER_SIZE - 1,
    }
