"""OS-X's telemetry, received and decoded, against the flight it was made from."""

import struct
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from groundstation.flight import FlightMonitor
from hardware.simulator import sensors
from hardware.simulator.encoder import PacketEncoder
from hardware.simulator.telemetry import OsxTelemetry
from hardware.simulator.trajectory import Trajectory, fly
from protocols.batch import Batch, Field
from protocols.decoder import VehicleDecoder
from protocols.framer import framer
from protocols.frames import Frames
from protocols.vehicles.osx import SAMPLES, VEHICLE

FRAMING: Any = VEHICLE.framing
RATES = {"guidance": 50, "propulsion": 100, "inertial": 20, "power": 10, "discretes": 10}
T0 = sensors.CLOCK_AT_T0


@pytest.fixture(scope="module")
def flight() -> Trajectory:
    return fly(0.01)


@pytest.fixture(scope="module")
def telemetry(flight: Trajectory) -> OsxTelemetry:
    return OsxTelemetry(flight=flight)


def received(telemetry: OsxTelemetry, begin: float, end: float) -> tuple[Frames, list[float]]:
    """The frames that a window's bytes give, all of them, and when each was sent."""
    sent = telemetry.window(begin, end)
    link = framer(**FRAMING)
    frames = link.receive(b"".join(packet for _, packet in sent), 0)
    assert (link.ledger.discarded, link.ledger.pending, len(frames)) == (0, 0, len(sent))
    return frames, [time for time, _ in sent]


@pytest.fixture(scope="module")
def batches(telemetry: OsxTelemetry) -> dict[str, Batch]:
    """The whole flight, decoded."""
    decoder = VehicleDecoder(VEHICLE, "umbilical")
    frames, _ = received(telemetry, telemetry.start, telemetry.end)
    found = {batch.packet: batch for batch in decoder.decode(frames)}
    assert (decoder.sequence_gaps, decoder.malformed, decoder.unknown_packets) == (0, 0, 0)
    assert all(batch.valid.all() for batch in found.values())
    return found


def sampled(batch: Batch) -> NDArray[np.float64]:
    """When a batch was measured by the vehicle's clock, s since T-0."""
    assert batch.time is not None
    return batch.time - T0


# The packets.


def test_a_whole_flight_has_every_packet_at_its_rate(batches: dict[str, Batch], telemetry: OsxTelemetry) -> None:
    duration = telemetry.end - telemetry.start
    assert duration > 330.0
    assert {name: len(batch) for name, batch in batches.items()} == {
        name: pytest.approx(rate * duration, abs=1.0) for name, rate in RATES.items()
    }
    for name, batch in batches.items():
        np.testing.assert_allclose(np.diff(sampled(batch)), 1.0 / RATES[name], atol=2.0**-15)


def test_packets_leave_after_their_last_sample_and_soon(telemetry: OsxTelemetry) -> None:
    frames, sent = received(telemetry, 20.0, 22.0)
    received_ns = (np.array(sent) * 1e9).astype(np.int64)
    stamped = Frames(frames.data, frames.offsets, received_ns)
    for batch in VehicleDecoder(VEHICLE, "umbilical").decode(stamped):
        last = sampled(batch) + ((SAMPLES - 1) * 0.005 if batch.packet == "inertial" else 0.0)
        late = batch.received_ns / 1e9 - last
        assert 0.0 < late.min() <= late.max() < 0.002


def test_primary_headers_are_those_of_the_standard(telemetry: OsxTelemetry) -> None:
    frames, _ = received(telemetry, telemetry.start, telemetry.start + 200.0)  # past the wrap of the fastest count
    assert len(frames) == 200 * sum(RATES.values())
    data, counts = frames.data.tobytes(), dict.fromkeys(range(0x101, 0x106), 0)
    for begin, end in pairwise(frames.offsets.tolist()):
        first, sequence, length = struct.unpack_from(">HHH", data, begin)
        apid = first & 0x7FF
        assert first >> 11 == 0b00001  # version 0, telemetry, with a secondary header
        assert sequence == 0xC000 | counts[apid] % 16_384  # not segmented
        assert length == end - begin - 7
        counts[apid] += 1
    assert counts == dict(zip(counts, (200 * rate for rate in RATES.values()), strict=True))
    assert counts[0x102] > 16_384


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.floats(27.0, 31.0), max_size=8))
def test_how_windows_are_cut_changes_nothing(telemetry: OsxTelemetry, cuts: list[float]) -> None:
    edges = [27.0, *sorted(cuts), 31.0]
    pieces = [packet for begin, end in pairwise(edges) for packet in telemetry.window(begin, end)]
    whole = telemetry.window(27.0, 31.0)
    assert pieces == whole
    assert [time for time, _ in whole] == sorted(time for time, _ in whole)
    assert len(whole) == 4 * sum(RATES.values())


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(flight: Trajectory, telemetry: OsxTelemetry) -> None:
    again, other = OsxTelemetry(seed=1, flight=flight), OsxTelemetry(seed=2, flight=flight)
    assert again.window(0.0, 2.0) == telemetry.window(0.0, 2.0)
    assert other.window(0.0, 2.0) != telemetry.window(0.0, 2.0)


@pytest.mark.parametrize("packet", VEHICLE.packets, ids=lambda each: str(each.name))
def test_columns_give_the_bytes_that_construct_builds(flight: Trajectory, packet: Any) -> None:
    measure = getattr(sensors, packet.name)
    time = np.linspace(-20.0, 316.0, 60)
    columns = measure(flight, time, np.random.default_rng(5)) | {"time": time + T0}
    rows = PacketEncoder(packet.body).rows(columns, len(time))
    for index, row in enumerate(rows):
        values = {path: np.broadcast_to(column, (60, *np.shape(column)[1:]))[index] for path, column in columns.items()}
        assert row.tobytes() == packet.body.build(nested(values))


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """Values by dotted path as construct takes them."""
    tree: dict[str, Any] = {}
    for path, value in values.items():
        *above, name = path.split(".")
        node = tree
        for each in above:
            node = node.setdefault(each, {})
        node[name] = np.rint(value).astype(int).item() if name in COUNTS else value.tolist()
    return tree


COUNTS = {"satellites", "cycles", "overruns", "corrected_errors", "commands_accepted", "commands_rejected"}
"""Fields without a curve, which construct's build wants as whole numbers."""


# The measurements against the flight.


@pytest.mark.parametrize(
    ("path", "truth", "tolerance"),
    [  # five standard deviations of noise, the largest slow error, half a count
        ("altitude", "altitude", 5 * 0.2 + 1.6 * 1.5 + 2.6),
        ("downrange", "downrange", 5 * 0.1 + 1.6 * 1.5 + 7.5),
        ("speed", "speed", 5 * 0.1 + 0.03),
        ("vertical_speed", "vertical_speed", 5 * 0.08 + 0.03),
        ("acceleration", "acceleration", 5 * 0.05 + 0.01),
        ("mach", "mach", 5 * 4e-4 + 1e-3),
        ("pitch", "pitch", 5 * 0.02 + 0.01),
        ("latitude", "latitude", 4.0 / 111_195.0),
        ("longitude", "longitude", 12.0 / 80_000.0),
    ],
)
def test_guidance_gives_the_flight_back(
    batches: dict[str, Batch], flight: Trajectory, path: str, truth: str, tolerance: float
) -> None:
    batch = batches["guidance"]
    at = flight.at(sampled(batch))
    away = sampled(batch)  # but for the instant of the impact, which a clock of 15 us resolution may put either side
    clear = np.abs(away - flight.events["landing"]) > 0.02
    assert np.abs(batch[path] - getattr(at, truth))[clear].max() < tolerance


def test_published_figures_are_in_the_telemetry(batches: dict[str, Batch]) -> None:
    guidance = batches["guidance"]
    assert guidance["altitude"].max() == pytest.approx(38_742.0, rel=0.02)
    assert guidance["downrange"].max() == pytest.approx(273_000.0, rel=0.03)
    assert guidance["mach"].max() > 5.7


def test_propulsion_gives_the_flight_back(batches: dict[str, Batch], flight: Trajectory) -> None:
    batch = batches["propulsion"]
    at = flight.at(sampled(batch))
    burning = (sampled(batch) > 0.0) & (sampled(batch) < 40.0)
    error = batch["chamber_pressure"] - at.chamber_pressure
    assert np.abs(error[~burning]).max() < 5 * 6e3 + 400.0
    assert np.abs(error[burning]).max() < 0.02 * at.chamber_pressure.max() + 30e3
    assert np.abs(batch["thrust"] - at.thrust).max() < 0.02 * at.thrust.max()


def test_inertial_samples_are_the_flight_every_5_ms(batches: dict[str, Batch], flight: Trajectory) -> None:
    batch = batches["inertial"]
    times = (sampled(batch)[:, None] + 0.005 * np.arange(10)).ravel()
    assert np.allclose(np.diff(times), 0.005, atol=2.0**-15)
    at = flight.at(times)
    for path, truth in (
        ("acceleration_x", at.acceleration),
        ("acceleration_z", at.normal_acceleration),
        ("acceleration_y", np.zeros(len(times))),
        ("rate_y", at.pitch_rate),
    ):
        error = batch[path].ravel() - truth
        assert abs(error[np.abs(error) < 6.0].mean()) < 0.05
        assert np.percentile(np.abs(error), 99.9) < 5.0


def test_roll_and_its_rate_belong_together(batches: dict[str, Batch]) -> None:
    inertial, guidance = batches["inertial"], batches["guidance"]
    flown = (sampled(inertial) > 1.0) & (sampled(inertial) < 300.0)
    turned = np.cumsum(inertial["rate_x"][flown].mean(axis=1) - 0.01) / RATES["inertial"]  # 0.01 deg/s: the gyro's bias
    rolled = np.interp(sampled(inertial)[flown], sampled(guidance), guidance["roll"])
    assert np.abs(turned - turned[0] - (rolled - rolled[0])).max() < 0.5


def test_gps_is_lost_about_the_highest_dynamic_pressure_only(batches: dict[str, Batch], flight: Trajectory) -> None:
    time = sampled(batches["discretes"])
    lost = time[~batches["discretes"]["state.gps_lock"]]
    highest = flight.time[flight.dynamic_pressure.argmax()]
    assert lost.min() < highest < lost.max()
    assert len(lost) == pytest.approx(70, abs=1)
    satellites = batches["guidance"]["satellites"]
    without = sampled(batches["guidance"])[satellites < 4]
    assert (without.min(), without.max()) == pytest.approx((lost.min(), lost.max()), abs=0.15)


def test_switches_follow_the_count_down(batches: dict[str, Batch], flight: Trajectory) -> None:
    batch, time = batches["discretes"], sampled(batches["discretes"])
    assert batch["state.umbilical"][time < 0.2].all()
    assert not batch["state.umbilical"][time > flight.events["liftoff"] + 0.11].any()
    np.testing.assert_array_equal(batch["state.ignition_command"], time >= -1e-5)
    np.testing.assert_array_equal(batch["state.external_power"], time < -10.0 - 1e-5)
    assert (np.diff(batch["cycles"].astype(np.int64)) == 20).all()
    assert np.all(np.diff(batches["guidance"]["mode"].astype(int)) >= 0)


# Limits and flight, as an operator sees them.


def outside(told: Field, band: tuple[float, float] | None, batch: Batch, flight: Trajectory) -> NDArray[np.float64]:
    """The times at which a measurement is out of a band, in the phases in which it counts."""
    assert VEHICLE.flight is not None
    if band is None:
        return np.empty(0)
    edges = [flight.events[each.event] for each in VEHICLE.flight.transitions]
    late = [edges[0], edges[1] + 0.35, edges[2] + 1.05, edges[3] + 3.1]  # a phase ends when its end is certain
    phase = np.array(VEHICLE.flight.phases)[np.searchsorted(late, sampled(batch))]
    column = batch[told.path].reshape(len(batch), -1)
    out = ((column < band[0]) | (column > band[1])).any(axis=1)
    counts = np.isin(phase, told.when) if told.when else np.ones(len(batch), np.bool_)
    return sampled(batch)[out & counts]


def test_nominal_flight_is_never_red_and_yellow_only_where_it_is_meant_to_be(
    batches: dict[str, Batch], flight: Trajectory
) -> None:
    yellow: dict[str, NDArray[np.float64]] = {}
    for name, decoder in VehicleDecoder(VEHICLE, "").decoders.items():
        for path, told in decoder.fields.items():
            assert not len(outside(told, told.red, batches[name], flight)), f"{name}.{path}"
            out = outside(told, told.yellow, batches[name], flight)
            if len(out):
                yellow[f"{name}.{path}"] = out
    assert set(yellow) == {"power.battery_voltage", "guidance.satellites"}
    assert 200.0 < yellow["power.battery_voltage"].min() < 230.0  # under the load of the glide
    assert yellow["power.battery_voltage"].max() > 280.0
    assert yellow["guidance.satellites"].max() < 40.0


def test_declared_flight_finds_the_true_events(telemetry: OsxTelemetry, flight: Trajectory) -> None:
    monitor, decoder, link = FlightMonitor(VEHICLE.flight), VehicleDecoder(VEHICLE, "umbilical"), framer(**FRAMING)
    found: dict[str, float] = {}
    for begin in np.arange(telemetry.start, telemetry.end, 0.1):
        data = b"".join(packet for _, packet in telemetry.window(begin, begin + 0.1))
        frames = link.receive(data, round((begin + 0.1 + T0) * 1e9))
        found |= {each.name: each.received_ns / 1e9 - T0 for each in monitor.watch(*decoder.decode(frames))}
    assert list(found) == ["liftoff", "burnout", "apogee", "landing"]
    for name, tolerance in (("liftoff", 0.15), ("burnout", 0.2), ("apogee", 0.2), ("landing", 0.2)):
        assert found[name] == pytest.approx(flight.events[name], abs=tolerance)
