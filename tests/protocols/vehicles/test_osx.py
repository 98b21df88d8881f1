"""OS-X's packets against bytes put together by hand, and its curves against the laws they stand for."""

import struct
from typing import Any

import numpy as np
import pytest

from protocols.batch import Field
from protocols.decoder import VehicleDecoder
from protocols.framer import framer
from protocols.frames import Frames
from protocols.packet import Packet
from protocols.vehicles.osx import SAMPLES, THERMISTOR, THERMOCOUPLE, VEHICLE, GuidanceMode, Igniter

MEASUREMENTS: dict[str, Field] = {
    f"{name}.{path}": told
    for name, decoder in VehicleDecoder(VEHICLE, "").decoders.items()
    for path, told in decoder.fields.items()
}


def space_packet(apid: int, count: int, seconds: float, data: bytes) -> bytes:
    """A telemetry packet with a secondary header of 4 + 2 octets of time, by CCSDS 133.0-B-2 4.1 and 301.0-B-4 3.2."""
    whole = int(seconds)
    time = struct.pack(">IH", whole, round((seconds - whole) * 65536))
    return struct.pack(">HHH", 0x0800 | apid, 0xC000 | count, len(time + data) - 1) + time + data


def decoded(packet: bytes) -> dict[str, object]:
    """The one packet's values by path."""
    decoder = VehicleDecoder(VEHICLE, "umbilical")
    (batch,) = decoder.decode(Frames.of([packet], 0))
    assert decoder.malformed == 0
    return {"packet": batch.packet} | {path: column[0] for path, column in batch.columns.items()}


def test_guidance_packet_made_by_hand_decodes() -> None:
    data = struct.pack(
        ">iiiiHhhHHhHhBB",
        409600000,
        1002800000,
        3873299,
        880000,
        34142,
        -9691,
        -1289,
        5785,
        32192,
        -6865,
        27000,
        300,
        5,
        9,
    )
    values = decoded(space_packet(0x101, 16383, 1908.4, data))
    assert values["packet"] == "guidance"
    assert (values["header.sequence_count"], values["header.secondary_header"]) == (16383, True)
    expected = {
        "time": 1908.4,
        "latitude": 40.96,
        "longitude": 100.28,
        "altitude": 38732.99,
        "downrange": 88000.0,
        "speed": 1707.1,
        "vertical_speed": -484.55,
        "acceleration": -12.89,
        "mach": 5.785,
        "dynamic_pressure": 321920.0,
        "pitch": -68.65,
        "heading": 270.0,
        "roll": 3.0,
        "mode": GuidanceMode.GLIDE,
        "satellites": 9,
    }
    assert {path: values[path] for path in expected} == pytest.approx(expected, abs=1e-5)


def test_propulsion_packet_made_by_hand_decodes() -> None:
    data = struct.pack(">HHHHHHBB", 28400, 14300, 33275, 1854, 1191, 34_350, 3, 0b10011000)
    values = decoded(space_packet(0x102, 0, 1801.5, data))
    expected = {
        "chamber_pressure": 7.0e6,
        "igniter_pressure": 7.05e6,
        "case_temperature_forward": 30.0,
        "case_temperature_aft": 50.0,
        "thrust": 343_500.0,
        "igniter": Igniter.FIRED,
        "arming.safe_arm": True,
        "arming.continuity": False,
        "arming.igniter_inhibit": False,
        "arming.termination_a": True,
        "arming.termination_b": True,
    }
    assert {path: values[path] for path in expected} == pytest.approx(expected)
    assert values["nozzle_temperature"] == pytest.approx(800.0, abs=2.7)  # NIST ITS-90, type K: 33,275 uV


def test_inertial_packet_holds_ten_samples_of_six_axes() -> None:
    counts = (np.arange(6 * SAMPLES).reshape(6, SAMPLES) - 30).astype(">i2")
    values = decoded(space_packet(0x103, 1, 1800.0, counts.tobytes() + struct.pack(">H", 2048)))
    axes = ("acceleration_x", "acceleration_y", "acceleration_z", "rate_x", "rate_y", "rate_z")
    for axis, expected in zip(axes, counts, strict=True):
        np.testing.assert_allclose(values[axis], expected / 100.0)
    assert values["temperature"] == pytest.approx(25.0)


def test_power_packet_made_by_hand_decodes() -> None:
    data = struct.pack(">HhHHHHHHH", 28_400, -40, 1234, 28_050, 1300, 16_400, 3200, 2248, 1496)
    values = decoded(space_packet(0x104, 1, 1800.0, data))
    expected = {
        "battery_voltage": 28.4,
        "battery_current": -0.4,
        "charge_used": 1.234,
        "bus_voltage": 28.05,
        "bus_current": 13.0,
        "pyro_voltage": 16.4,
        "transmitter_current": 3.2,
        "battery_temperature": 20.0,
        "converter_temperature": 40.0,
    }
    assert {path: values[path] for path in expected} == pytest.approx(expected)


def test_discretes_packet_made_by_hand_decodes() -> None:
    data = struct.pack(">HIHHBBB", 0b1010_0001_1000_0000, 360_000, 3, 260, 12, 1, 88)
    values = decoded(space_packet(0x105, 1, 1800.0, data))
    flags = {path.removeprefix("state.") for path, value in values.items() if path.startswith("state.") and value}
    assert flags == {"umbilical", "safe_arm", "gps_lock", "guidance_valid"}
    expected = {
        "cycles": 360_000,
        "overruns": 3,
        "corrected_errors": 260,
        "commands_accepted": 12,
        "commands_rejected": 1,
        "processor_load": 44.0,
    }
    assert {path: values[path] for path in expected} == expected


def test_frames_are_cobs_with_a_crc() -> None:
    framing: Any = VEHICLE.framing
    link = framer(**framing)
    # The catalogue's check value of CRC-16/IBM-3740 (also called CCITT-FALSE) for "123456789" is 29B1.
    assert link.encode([b"123456789"]) == b"\x0c123456789\x29\xb1\x00"


@pytest.mark.parametrize("packet", VEHICLE.packets, ids=lambda each: each.name)
def test_building_a_parsed_packet_gives_its_bytes_back(packet: Packet) -> None:
    declaration = VEHICLE.declaration(packet)
    rows = np.random.default_rng(3).integers(0, 256, (50, declaration.sizeof()), np.uint8)
    for row in rows:
        once = declaration.build(declaration.parse(row.tobytes()))  # padding zero, thermistors within their table
        assert declaration.build(declaration.parse(once)) == once


def test_thermistor_follows_the_beta_law() -> None:
    temperature = np.linspace(-40.0, 140.0, 400)
    resistance = 1e4 * np.exp(3435.0 * (1.0 / (temperature + 273.15) - 1.0 / 298.15))
    counts = 4095.0 * resistance / (resistance + 1e4)
    np.testing.assert_allclose(THERMISTOR(counts), temperature, atol=0.7)  # straight lines between its points
    assert np.abs(THERMISTOR(counts) - temperature)[(temperature >= 0.0) & (temperature <= 100.0)].max() < 0.5


@pytest.mark.parametrize(
    ("microvolts", "celsius"),
    [(0, 0.0), (4_096, 100.0), (8_138, 200.0), (16_397, 400.0), (20_644, 500.0), (33_275, 800.0), (41_276, 1000.0)],
)
def test_thermocouple_follows_the_type_k_reference(microvolts: int, celsius: float) -> None:
    assert THERMOCOUPLE(microvolts) == pytest.approx(celsius, abs=2.8)


def test_thermocouple_counts_come_back_from_their_temperature() -> None:
    for count in range(0, 55_000, 611):
        assert round(THERMOCOUPLE.inverse(THERMOCOUPLE(count))) == count


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_every_field_is_documented_and_has_its_unit(name: str) -> None:
    told = MEASUREMENTS[name]
    assert told.doc
    numbers = ("satellites", "mach", "cycles", "overruns", "corrected_errors", "commands_accepted", "commands_rejected")
    assert told.unit or told.labels or told.raw_type == "flag" or told.path in numbers or name.count("header.")


def test_limits_hold_in_phases_there_are() -> None:
    assert VEHICLE.flight is not None
    for told in MEASUREMENTS.values():
        assert set(told.when) <= set(VEHICLE.flight.phases)
    assert MEASUREMENTS["propulsion.chamber_pressure"].when == ("boost",)


def test_flight_display_and_plots_name_numbers_of_its_packets() -> None:
    assert VEHICLE.flight is not None
    assert VEHICLE.flight.phases == ("pad", "boost", "coast", "descent", "landed")
    assert [each.event for each in VEHICLE.flight.transitions] == ["liftoff", "burnout", "apogee", "landing"]
    conditions = [condition.measurement for each in VEHICLE.flight.transitions for condition in each.when]
    for name in (*conditions, *VEHICLE.display, *VEHICLE.plots):
        assert not MEASUREMENTS[name].shape
    assert 5 <= len(VEHICLE.display) <= 6
    assert 2 <= len(VEHICLE.plots) <= 4


def test_rates_are_those_asked_for_and_it_is_said_to_be_synthetic() -> None:
    rates = {packet.name: packet.rate for packet in VEHICLE.packets}
    assert rates == {"guidance": 50, "propulsion": 100, "inertial": 20, "power": 10, "discretes": 10}
    assert rates["inertial"] * SAMPLES == 200
    assert VEHICLE.synthetic
    assert VEHICLE.source.startswith("ours")
