"""Portland State Aerospace Society launch vehicles: the messages of their flight computer, launches 11 and 12.

Follows ``psas_packet/messages.py`` of psas/psas_packet: messages ``FOURCC, time in ns (48 bits), length (16 bits),
data``, all big-endian but for the data of the GPS receiver, which come as the receiver (Hemisphere Crescent, binary
messages of its ``Bin`` numbers) sends them, little-endian. A datagram begins with SEQN, whose count shows lost ones.
Older messages (MPU9, MPL3, JGPS, ERRO) are not declared, because their published layouts contradict each other; they
are counted as unknown and passed over by their length.
"""

from __future__ import annotations

from typing import Any

from construct import (
    Array,
    Bytes,
    BytesInteger,
    Construct,
    Float32b,
    Float32l,
    Float64l,
    Int8sl,
    Int8ub,
    Int8ul,
    Int16sb,
    Int16sl,
    Int16ub,
    Int16ul,
    Int32sl,
    Int32ub,
    Int32ul,
    Int64ub,
    Struct,
)

from protocols.curve import Linear
from protocols.flight import Above, Below, Falls, Flight, Steady, Transition
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

STANDARD_GRAVITY = 9.80665
"""m/s2; BIPM, 3rd CGPM 1901."""

HEADER = Header(
    Struct(
        "fourcc" / Bytes(4) * "message type, four characters",
        "time" / Measurement(BytesInteger(6), "s", Linear(1e-9)) * "since the sender's program started",
        "length" / Measurement(Int16ub, "B") * "bytes of the body",
    ),
    key="fourcc",
    length="length",
    several=True,
)


def _field(name: str, counts: Construct[Any, Any], unit: str, doc: str, scale: float = 1.0, bias: float = 0.0) -> Any:
    curve = Linear(scale, bias) if scale != 1.0 or bias else None
    return name / Measurement(counts, unit, curve) * doc


def _message(fourcc: bytes, doc: str, *fields: Any, rate: float = 0.0) -> Packet:
    text = fourcc[:3].decode() + (str(fourcc[3]) if fourcc[:3] == b"GPS" else chr(fourcc[3]))
    return Packet(text.lower(), Struct(*fields), fourcc, rate, ("header.time",), doc=doc)


def _axes(name: str, unit: str, scale: float, doc: str) -> list[Any]:
    return [_field(f"{name}_{axis}", Int16sb, unit, f"{doc}, {axis} axis", scale) for axis in "xyz"]


SEQN = Packet(
    "seqn",
    Struct(_field("sequence", Int32ub, "", "counts datagrams")),
    b"SEQN",
    sequence="sequence",
    doc="sequence number that begins each datagram; its header carries no time",
)

ADIS = _message(
    b"ADIS",
    "ADIS16405 inertial unit",
    _field("vcc", Int16ub, "V", "supply", 0.002418),
    *_axes("gyro", "deg/s", 0.05, "angular rate"),
    *_axes("acc", "m/s2", 0.00333 * STANDARD_GRAVITY, "specific force"),
    *_axes("magn", "T", 5e-8, "magnetic field"),
    _field("temp", Int16sb, "degC", "of the sensor", 0.14, 25.0),
    _field("aux_adc", Int16ub, "uV", "spare converter input", 806.0),  # ADIS16405 datasheet: 806 uV a count
    rate=800.0,
)

ROLL = _message(
    b"ROLL",
    "roll control servo",
    _field("pwm", Int16ub, "s", "pulse width, from its middle", 1e-6, -1.5e-3),
    _field("disable", Int8ub, "", "1: the servo is off"),
)

RNHH = _message(
    b"RNHH",
    "battery of the rocketnet hub",
    _field("temperature", Int16ub, "K", "of the battery pack", 0.1),
    _field("ts1_temperature", Int16sb, "K", "sensor 1", 0.1),  # psas_packet says degree C; its data are in kelvin
    _field("ts2_temperature", Int16sb, "K", "sensor 2", 0.1),
    _field("temp_range", Int16ub, "", "temperature range code of the gas gauge"),
    _field("voltage", Int16ub, "V", "sum of the cells", 1e-3),
    _field("current", Int16sb, "A", "negative: discharge", 1e-3),
    _field("average_current", Int16sb, "A", "negative: discharge", 1e-3),
    *(_field(f"cell_voltage{cell}", Int16ub, "V", f"cell {cell}", 1e-3) for cell in range(1, 5)),
    _field("pack_voltage", Int16ub, "V", "at the pack's terminals", 1e-3),
    _field("average_voltage", Int16ub, "V", "averaged", 1e-3),
)

_PORT = (3.3 / 2**12) * (63000.0 / 69800.0)  # A a count: 12-bit converter at 3.3 V, sense resistors of the hub
_UMBILICAL = 3.3 / 2**12
RNHP = _message(
    b"RNHP",
    "port currents of the rocketnet hub",
    *(_field(f"port{port}", Int16ub, "A", f"current of port {port}", _PORT) for port in range(1, 5)),
    _field("umbilical", Int16ub, "A", "current of the umbilical", _UMBILICAL),
    *(_field(f"port{port}", Int16ub, "A", f"current of port {port}", _PORT) for port in range(6, 9)),
)

_LOADS = ("user", "system", "nice", "io_wait", "irq", "soft_irq")
_TRAFFIC = ("bytes_sent", "bytes_recv", "packets_sent", "packets_recv")
FCFH = _message(
    b"FCFH",
    "health of the flight computer",
    *(_field(f"cpu_{name}", Float32b, "%", f"processor time: {name}") for name in _LOADS),
    *(_field(f"ram_{name}", Int64ub, "B", f"memory: {name}") for name in ("used", "buffer", "cached")),
    _field("pid", Int16ub, "", "process of the flight computer program"),
    *(_field(f"disk_{name}", Int64ub, "B", f"disk: {name}") for name in ("used", "read", "write")),
    *(
        _field(f"io_{port}_{name}", Int32ub, "B" if name.startswith("b") else "", f"network {port}: {name}")
        for port in ("lo", "eth0", "wlan0")
        for name in _TRAFFIC
    ),
    _field("core_temp", Int16ub, "degC", "of the processor"),
)

LTCH = _message(
    b"LTCH",
    "launch tower computer",
    _field("rocket_ready", Float32b, "V", "rocket ready line"),
    _field("ignition_relay", Int8ub, "", "1: closed"),
    _field("ignition_battery", Float32b, "V", "ignition battery"),
    _field("shore_power_relay", Int8ub, "", "1: closed"),
    _field("shore_power", Float32b, "V", "shore power"),
    _field("solar_voltage", Float32b, "V", "solar panel"),
    _field("system_battery", Float32b, "V", "system battery"),
    _field("internal_temp", Float32b, "degC", "in the box"),
    _field("external_temp", Float32b, "degC", "of the air"),
    _field("humidity", Float32b, "%", "of the air"),
    _field("wind_speed", Float32b, "", "as the weather station gives it"),
    _field("wind_direction", Float32b, "deg", "where the wind comes from"),
    _field("barometric_pressure", Float32b, "", "as the weather station gives it"),
)

GPS1 = _message(
    b"GPS\x01",
    "GPS position and velocity (Bin1)",
    _field("age_of_diff", Int8ul, "s", "age of the differential corrections"),
    _field("num_of_sats", Int8ul, "", "satellites used"),
    _field("gps_week", Int16ul, "", "GPS week"),
    _field("gps_time_of_week", Float64l, "s", "GPS time of week"),
    _field("latitude", Float64l, "deg", "north positive"),
    _field("longitude", Float64l, "deg", "east positive"),
    _field("height", Float32l, "m", "above the ellipsoid"),
    *(_field(f"v_{way}", Float32l, "m/s", f"velocity {way}") for way in ("north", "east", "up")),
    _field("std_dev_resid", Float32l, "m", "standard deviation of the residuals"),
    _field("nav_mode", Int16ul, "", "0: no fix, 1: 2D, 2: 3D, 3 and 4: differential"),
    _field("extended_age_of_diff", Int16ul, "s", "age of the differential corrections, beyond 255 s"),
)

GPS2 = _message(
    b"GPS\x02",
    "GPS fix quality (Bin2)",
    _field("mask_sats_tracked", Int32ul, "", "a bit for each satellite tracked"),
    _field("mask_sats_used", Int32ul, "", "a bit for each satellite used"),
    _field("gps_utc_diff", Int16ul, "s", "GPS time ahead of UTC"),
    _field("hdop", Int16ul, "", "horizontal dilution of precision, as psas_packet scales it", 10.0),
    _field("vdop", Int16ul, "", "vertical dilution of precision, as psas_packet scales it", 10.0),
    _field("mask_waas_prn", Int16ul, "", "WAAS satellites tracked"),
)

GPS80 = _message(
    b"GPS\x50",
    "a WAAS message (Bin80)",
    _field("prn", Int16ul, "", "satellite"),
    _field("spare", Int16ul, "", "not used"),
    _field("msg_sec_of_week", Int32ul, "s", "time of the message"),
    "waas_msg" / Bytes(32) * "the message's 250 bits",
)

_ORBIT = (
    ("xg", "m", 0.08),
    ("yg", "m", 0.08),
    ("zg", "m", 0.4),
    ("xg_dot", "m/s", 0.000625),
    ("yg_dot", "m/s", 0.000625),
    ("zg_dot", "m/s", 0.004),
    ("xg_dot_dot", "m/s2", 0.0000125),
    ("yg_dot_dot", "m/s2", 0.0000125),
    ("zg_dot_dot", "m/s2", 0.0000625),
)
GPS93 = _message(
    b"GPS\x5d",
    "WAAS ephemeris (Bin93)",
    _field("sv", Int16ul, "", "satellite"),
    _field("spare", Int16ul, "", "not used"),
    _field("tow_sec_of_week", Int32ul, "s", "time of arrival"),
    _field("iode", Int16ul, "", "issue of data"),
    _field("ura", Int16ul, "", "user range accuracy code"),
    _field("t_zero", Int32sl, "", "reference time, counts"),
    *(_field(name, Int32sl, unit, f"satellite orbit, {name}", scale) for name, unit, scale in _ORBIT),
    _field("gf_zero", Int16ul, "", "clock offset, counts"),
    _field("gf_zero_dot", Int16ul, "", "clock drift, counts"),
)

GPS94 = _message(
    b"GPS\x5e",
    "ionosphere and UTC (Bin94)",
    *(_field(f"{name}{i}", Float64l, "", f"ionosphere coefficient {name}{i}") for name in "ab" for i in range(4)),
    *(_field(f"utc_a{i}", Float64l, "", f"UTC coefficient {i}") for i in range(2)),
    _field("tot", Int32ul, "s", "reference time of the coefficients"),
    _field("wnt", Int16ul, "", "reference week"),
    _field("wnlsf", Int16ul, "", "week of the leap second"),
    _field("dn", Int16ul, "", "day of the leap second"),
    _field("dtls", Int16ul, "s", "leap seconds before it"),
    _field("dtlsf", Int16ul, "s", "leap seconds after it"),
    _field("space", Int16ul, "", "not used"),
)

GPS95 = _message(
    b"GPS\x5f",
    "GPS ephemeris (Bin95)",
    _field("sv", Int16ul, "", "satellite"),
    _field("spare", Int16ul, "", "not used"),
    _field("sec_of_week", Int32ul, "s", "time of arrival"),
    *(f"sf{i}_words" / Bytes(40) * f"subframe {i}" for i in range(1, 4)),
)

GPS96 = _message(
    b"GPS\x60",
    "GPS ranges and phases of twelve channels (Bin96)",
    _field("spare", Int16ul, "", "not used"),
    _field("week", Int16ul, "", "GPS week"),
    _field("tow", Float64l, "s", "GPS time of week"),
    _field("uics_tt_snr_prn", Array(12, Int32ul), "", "satellite, signal and tracking time, packed bits"),
    _field("ui_doppler_fl", Array(12, Int32ul), "", "Doppler and flags, packed bits"),
    _field("pseudo_range", Array(12, Float64l), "m", "pseudorange"),
    _field("phase", Array(12, Float64l), "m", "carrier phase"),
)

GPS98 = _message(
    b"GPS\x62",
    "GPS almanac (Bin98)",
    "alman_data" / Bytes(64) * "almanac words of eight satellites",
    _field("last_alman", Int8ul, "", "last almanac processed"),
    _field("iono_utcv_flag", Int8ul, "", "1: ionosphere and UTC are known"),
    _field("spare", Int16ul, "", "not used"),
)

_CHANNEL = Struct(
    _field("channel", Int8ul, "", "channel"),
    _field("tracked", Int8ul, "", "satellite tracked, 0: none"),
    _field("status", Int8ul, "", "tracking status, bits"),
    _field("last_subframe", Int8ul, "", "last subframe processed"),
    _field("ephm_v_flag", Int8ul, "", "ephemeris valid"),
    _field("ephm_health", Int8ul, "", "satellite health by the ephemeris"),
    _field("alm_v_flag", Int8ul, "", "almanac valid"),
    _field("alm_health", Int8ul, "", "satellite health by the almanac"),
    _field("elev_angle", Int8sl, "deg", "elevation"),
    _field("azimuth_angle", Int8ul, "deg", "azimuth", 2.0),
    _field("ura", Int8ul, "", "user range accuracy code"),
    _field("spare", Int8ul, "", "not used"),
    _field("cli_for_snr", Int16ul, "", "signal to noise, counts"),
    _field("diff_corr", Int16sl, "", "differential correction, counts"),
    _field("pos_resid", Int16sl, "", "position residual, counts"),
    _field("vel_resid", Int16sl, "", "velocity residual, counts"),
    _field("dopplr", Int16sl, "", "Doppler, counts"),
    _field("n_carr_offset", Int16sl, "", "carrier offset, counts"),
)
GPS99 = _message(
    b"GPS\x63",
    "GPS channels (Bin99)",
    _field("nav_mode_2", Int8ul, "", "navigation mode"),
    _field("utc_time_diff", Int8ul, "s", "GPS time ahead of UTC"),
    _field("gps_week", Int16ul, "", "GPS week"),
    _field("gps_time_of_week", Float64l, "s", "GPS time of week"),
    "channels" / Array(12, _CHANNEL) * "the twelve channels",
    _field("clock_err_l1", Int16sl, "", "clock error, counts"),
    _field("spare", Int16ul, "", "not used"),
)

FLIGHT = Flight(
    "pad",
    (
        Transition("liftoff", "boost", (Above("adis.acc_x", 30.0, 0.1),)),  # x points forward: 9.8 m/s2 on the pad
        Transition("burnout", "coast", (Below("adis.acc_x", 0.0, 0.2),)),  # then drag is all it feels
        Transition("apogee", "descent", (Falls("gps1.height", 50.0),)),
        Transition("landing", "landed", (Steady("gps1.height", 15.0, 20.0),)),
    ),
)

VEHICLE = Vehicle(
    "psas",
    "PSAS LV2",
    (SEQN, ADIS, ROLL, RNHH, RNHP, FCFH, LTCH, GPS1, GPS2, GPS80, GPS93, GPS94, GPS95, GPS96, GPS98, GPS99),
    HEADER,
    flight=FLIGHT,
    display=("adis.acc_x", "adis.gyro_x", "gps1.height", "gps1.v_up", "rnhh.voltage", "rnhh.current"),
    plots=("adis.acc_x", "gps1.height", "adis.gyro_x"),
    source="psas/psas_packet psas_packet/messages.py",
)
