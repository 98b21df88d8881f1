"""The picture: everything the bus has said, as the newest values, ready to be drawn at any moment.

Messages change it as they come (`take`), screens read it on their own timer after `tick` has set the time of the
picture. It does no I/O and has no clock: times are handed in.
"""

import numpy as np

from groundstation.console.declared import Measurement
from groundstation.console.history import Curve
from groundstation.console.intake import Intake
from groundstation.console.packet_state import PacketState
from groundstation.console.radio_state import RadioState
from groundstation.console.reading import Origin, Quality, Reading

STALE_INTERVALS = 3
"""A value older than this many expected intervals is stale."""
STALE_FLOOR_NS = 1_000_000_000
"""No value is stale before this, whatever its rate: the bus brings batches, a slow line brings them late."""
UNKNOWN_RATE_NS = 10_000_000_000
"""When a value of which nobody knows how often it comes is stale."""
DATA_OLD_NS = 2_000_000_000
"""The header says DATA OLD when nothing at all is newer than this, or than three intervals of the fastest packet."""
RADIO_STALE_NS = 2_000_000_000
"""A radio's spectrum comes 5 times a second: after this it no longer shows what is received."""
NO_CURVE = Curve(np.empty(0, np.int64), np.empty(0))


class Picture(Intake):
    """What may be asked of the newest of everything of one station."""

    @property
    def origin(self) -> Origin:
        """Live, simulated or replayed; a replay of a simulation is a replay."""
        if self.status.mode == "replay" or self.root.startswith("groundstation/replay/"):
            return Origin.REPLAY
        return Origin.SIMULATION if self.is_synthetic else Origin.LIVE

    @property
    def is_synthetic(self) -> bool:
        """Whether the values are computed by a simulation, also when replayed."""
        return self.status.synthetic or self.definition.synthetic

    @property
    def is_running(self) -> bool:
        """Whether the station is there and data may be expected."""
        return self.status.state in {"running", "starting"} and not self.broker_problem

    @property
    def data_age_ns(self) -> int:
        """Age of the newest telemetry in data time; -1 when none was ever received."""
        newest = max((packet.received_ns for packet in self.packets.values()), default=0)
        return max(0, self.now_ns - newest) if newest else -1

    @property
    def data_is_old(self) -> bool:
        """Whether all telemetry is too old to steer by."""
        intervals = [packet.interval_ns for packet in self.packets.values() if packet.interval_ns]
        bound = max(DATA_OLD_NS, STALE_INTERVALS * min(intervals, default=0.0)) * self._pace
        return self.data_age_ns > bound

    @property
    def _pace(self) -> float:
        """Seconds of data in a second of looking at it."""
        replay = self.status.replay
        return 1.0 if replay is None else max(1.0, replay.speed)

    def age_ns(self, packet: PacketState) -> int:
        """Age of a packet type's newest values in data time; -1 when none was ever received."""
        return max(0, self.now_ns - packet.received_ns) if packet.received_ns else -1

    def is_stale(self, packet: PacketState) -> bool:
        """Whether a packet type's newest values are older than three expected intervals, or nothing vouches for them
        any more.
        """
        if packet.received_ns and not self.is_running and self.status.state != "ended":
            return True
        return self.age_ns(packet) > self._stale_after_ns(packet)

    def _stale_after_ns(self, packet: PacketState) -> float:
        interval_ns = packet.interval_ns
        bound = max(STALE_FLOOR_NS, STALE_INTERVALS * interval_ns) if interval_ns else UNKNOWN_RATE_NS
        return bound * self._pace

    def radio_age_ns(self, radio: RadioState) -> int:
        """Age of a radio link's newest message in data time; -1 when none was ever received."""
        return max(0, self.now_ns - radio.radio.at_ns) if radio.radio else -1

    def is_radio_stale(self, radio: RadioState) -> bool:
        """Whether a radio link's newest message no longer says how it is received now."""
        if radio.radio and not self.is_running and self.status.state != "ended":
            return True
        link = self.links.get(radio.name)
        if link is not None and link.state == "ended":
            return False
        return self.radio_age_ns(radio) > RADIO_STALE_NS * self._pace

    def reading(self, name: str) -> Reading:
        """One measurement now, by its full name; absent where nobody knows it."""
        packet_name, _, path = name.partition(".")
        packet = self.packets.get(packet_name)
        if packet is None:
            return Reading(Measurement(packet_name, path), None, Quality.ABSENT, -1, float("nan"), float("nan"))
        row = packet.rows.get(path)
        low, high = (float("nan"),) * 2 if row is None else (float(packet.low[row]), float(packet.high[row]))
        trace = self._traces.get(name)
        if trace is not None and len(trace.values):
            least, greatest = self._ranges.get(name, (np.nan, np.nan))  # of all packets, not of the trace's points only
            low, high = (
                float(np.fmin(np.fmin(low, trace.low), least)),
                float(np.fmax(np.fmax(high, trace.high), greatest)),
            )
            if not packet.received_ns:  # after a seek: the trace is all there is until the next packet
                age_ns = max(0, self.now_ns - int(trace.times_ns[-1]))
                quality = (
                    Quality.STALE if age_ns > self._stale_after_ns(packet) else self._levels.get(name, Quality.NOMINAL)
                )
                return Reading(packet.measurement(path), float(trace.values[-1]), quality, age_ns, low, high)
        value = packet.others.get(path, None if row is None else float(packet.newest[row]))
        quality = self._quality(packet, path, name, value)
        return Reading(packet.measurement(path), value, quality, self.age_ns(packet), low, high)

    def _quality(self, packet: PacketState, path: str, name: str, value: object) -> Quality:
        if value is None and path not in packet.others:
            return Quality.ABSENT
        if not packet.valid or value is None or value != value:  # noqa: PLR0124 - NaN: a number the link or a curve made none
            return Quality.INVALID
        if self.is_stale(packet):
            return Quality.STALE
        frozen = Quality.FROZEN if packet.is_frozen(path) else Quality.NOMINAL
        return self._levels.get(name, frozen)

    @property
    def names(self) -> list[str]:
        """Full names of all measurements: those declared, in order, then those only received."""
        declared = [each.name for each in self.definition.measurements]
        known = set(declared)
        seen = (f"{name}.{path}" for name, packet in self.packets.items() for path in (*packet.rows, *packet.others))
        return declared + [each for each in dict.fromkeys(seen) if each not in known]

    def mission_time(self, data_ns: int) -> float | None:
        """Seconds since T-0 at a data time; None before T-0 is known."""
        return None if self.status.t0_ns is None else (data_ns - self.status.t0_ns) / 1e9

    def curve(self, name: str, since_ns: int) -> Curve:
        """A measurement over time: as received, and before that as the station's trace has it."""
        packet_name, _, path = name.partition(".")
        packet = self.packets.get(packet_name)
        row = None if packet is None else packet.rows.get(path)
        trace = self._traces.get(name, NO_CURVE)
        if packet is None or row is None:
            return trace
        seen = packet.history.curve(row, since_ns)
        first = int(seen.times_ns[0]) if len(seen.times_ns) else self.now_ns
        before = (trace.times_ns >= since_ns) & (trace.times_ns < first)
        if not before.any():
            return seen
        times = np.concatenate((trace.times_ns[before], seen.times_ns))
        return Curve(times, np.concatenate((trace.values[before], seen.values)))
