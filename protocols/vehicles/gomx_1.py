"""GOMX-1, GomSpace's first satellite (2013): beacons of its on-board computer, off the air by a U482C.

Follows ``cdh.h`` and ``hk_pack.c`` of GomSpace (J. De Claville Christiansen, 2010 to 2012), which its licensees have
published: a CSP packet to address 10, port 30, with the time and the kind of beacon first; all big-endian. Beacon A is
housekeeping, beacon B what the attitude estimator believes. Where they state no unit, none is given here, but for the
magnetic field: its 0.4 G, as the Earth's is in that orbit, tells that the numbers are milligauss.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from construct import (
    Array,
    BitsInteger,
    BitStruct,
    Construct,
    Enum,
    Flag,
    Float32b,
    Int8sb,
    Int8ub,
    Int16sb,
    Int16ub,
    Int32ub,
    Padding,
    Struct,
)

from protocols.csp.packet import HEADER as CSP_HEADER
from protocols.curve import Linear
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

OBC, BEACON_PORT = 1, 30
"""CSP address of the on-board computer, and the port on ground that beacons go to."""


class Beacon(IntEnum):
    """Which beacon follows (``CDH_HK_BEACON_A``, ``_B``)."""

    A = 1
    B = 2


class BatteryMode(IntEnum):
    """State of the battery; the power supply's firmware in flight sends others too."""

    NORMAL = 0
    UNDERVOLTAGE = 1
    OVERVOLTAGE = 2


HEADER = Header(
    Struct(
        "csp" / CSP_HEADER,
        "time" / Measurement(Int32ub, "s") * "when the beacon was formed, since 1970",
        "flags"
        / BitStruct(
            "ping_result" / Measurement(BitsInteger(4), "") * "one bit for each unit that answered",
            "live" / Flag * "sent as it was formed, not from the log",
            Padding(1),
            "beacon" / Enum(BitsInteger(2), Beacon) * "what follows",
        ),
    ),
    key=("csp.source", "csp.destination_port", "flags.beacon"),
)


def _field(name: str, counts: Construct[Any, Any], unit: str, doc: str, scale: float = 1.0) -> Any:
    return name / Measurement(counts, unit, None if scale == 1.0 else Linear(scale)) * doc


def _flags(*named: tuple[str, str]) -> Construct[Any, Any]:
    return BitStruct(*(name / Flag * doc for name, doc in named))


def _modes(of: str) -> Construct[Any, Any]:
    return BitStruct(
        _field("state", BitsInteger(4), "", f"mode of attitude {of}"),
        _field("wanted", BitsInteger(4), "", f"mode of attitude {of} that is asked for"),
    )


_OBC = Struct(
    _field("boot_count", Int16ub, "", "starts so far"),
    _field("temp", Array(2, Int16sb), "degC", "two places of the board", 0.25),
    _field("panel_temp", Array(6, Int16sb), "degC", "solar panels", 0.25),
)
_COM = Struct(
    _field("byte_corr_tot", Int16ub, "", "bytes that Reed-Solomon put right so far"),
    _field("rx", Int16ub, "", "packets received so far"),
    _field("rx_err", Int16ub, "", "packets received wrong so far"),
    _field("tx", Int16ub, "", "packets sent so far"),
    _field("last_temp", Array(2, Int16sb), "degC", "sensors A and B of the transceiver"),
    _field("last_rssi", Int16sb, "dBm", "strength of the last signal received"),
    _field("last_rferr", Int16sb, "Hz", "frequency error of the last signal received"),
    _field("last_batt_volt", Int16ub, "V", "supply of the transceiver", 0.01),
    _field("last_tx_current", Int16ub, "A", "while it last transmitted", 1e-3),
    _field("boot_count", Int16ub, "", "starts so far"),
)
_EPS = Struct(
    _field("vboost", Array(3, Int16ub), "V", "boost converters of the solar panels", 1e-3),
    _field("vbatt", Int16ub, "V", "battery", 1e-3),
    _field("curout", Array(6, Int16ub), "A", "out of the six switched outputs", 1e-3),
    _field("curin", Array(3, Int16ub), "A", "into the boost converters", 1e-3),
    _field("cursun", Int16ub, "A", "out of the boost converters", 1e-3),
    _field("cursys", Int16ub, "A", "out of the battery", 1e-3),
    _field("temp", Array(6, Int16sb), "degC", "four places of the board, two of the battery"),
    "output" / _flags(*((f"channel_{bit}", f"output {bit} is on") for bit in range(7, -1, -1))),
    _field("counter_boot", Int16ub, "", "starts so far"),
    _field("counter_wdt_i2c", Int16ub, "", "starts by the I2C watchdog"),
    _field("counter_wdt_gnd", Int16ub, "", "starts by the watchdog that ground feeds"),
    _field("bootcause", Int8ub, "", "code of what caused the last start"),
    _field("latchup", Array(6, Int16ub), "", "latch-ups of each output"),
    "battmode" / Enum(Int8ub, BatteryMode) * "state of the battery",
)
_GATOSS = Struct(
    _field("average_fps_5min", Int16ub, "Hz", "ADS-B frames heard, over 5 minutes"),
    _field("average_fps_1min", Int16ub, "Hz", "ADS-B frames heard, over a minute"),
    _field("average_fps_10sec", Int16ub, "Hz", "ADS-B frames heard, over 10 s"),
    _field("plane_count", Int16ub, "", "aircraft heard"),
    _field("frame_count", Int32ub, "", "ADS-B frames heard"),
    _field("last_icao", Int32ub, "", "ICAO address of the last aircraft"),
    _field("last_timestamp", Int32ub, "s", "when its position came, since 1970"),
    _field("last_lat", Float32b, "deg", "its latitude, north positive"),
    _field("last_lon", Float32b, "deg", "its longitude, east positive"),
    _field("last_altitude", Int32ub, "", "its altitude; unit not stated"),
    _field("crc_corrected", Int32ub, "", "ADS-B frames put right by their check"),
    _field("boot_count", Int16ub, "", "starts so far"),
    _field("boot_cause", Int16ub, "", "code of what caused the last start"),
)
_SENSES = ("arm_1", "arm_0", "k1s3", "k1s2", "k1s1", "k1s0", "k0s1", "k0s0")
_HUB = Struct(
    _field("temp", Int8sb, "degC", "of the hub"),
    _field("boot_count", Int16ub, "", "starts so far"),
    _field("reset_cause", Int8ub, "", "code of what caused the last start"),
    "switch_status" / _flags(*((name, f"feedback switch {name.upper()}") for name in _SENSES)),
    _field("burns", Array(2, Int16ub), "", "tries to burn knives K1B1 and K1B0"),
)
_ADCS = Struct(
    _field("tumblerate", Array(3, Float32b), "", "tumbling by axis; unit not stated"),
    _field("tumblenorm", Array(2, Float32b), "", "tumbling, two norms; unit not stated"),
    _field("magnetometer", Array(3, Float32b), "mG", "magnetic field by axis"),
    "status"
    / BitStruct(
        Padding(6), "magnetic_valid" / Flag * "the field is valid", "detumbled" / Flag * "the satellite does not tumble"
    ),
    _field("torquerduty", Array(3, Float32b), "%", "duty of the magnetic torquers, signed"),
    "ads" / _modes("determination"),
    "acs" / _modes("control"),
    _field(
        "sunsensor",
        Array(8, Int8ub),
        "",
        "the low bytes of 12-bit sensors 0, 1, 3, 4, 5; then their high four bits, two to a byte, the former low",
    ),
)
BEACON_A = Struct("obc" / _OBC, "com" / _COM, "eps" / _EPS, "gatoss" / _GATOSS, "hub" / _HUB, "adcs" / _ADCS)
BEACON_B = Struct(
    _field("sun", Array(5, Int16ub), "", "sun sensors +x, +y, -x, -y, -z"),
    _field("eclipse", Int8ub, "", "1: the satellite is in the Earth's shadow"),
    _field("estimate", Array(16, Float32b), "", "the estimator's state: attitude, rate, biases, torque"),
    _field("filtered", Array(9, Float32b), "", "filtered measurements: sun, magnetic field, rate"),
    _field("enabled", Int16ub, "", "mask of the measurements in use"),
    _field("ref_q", Array(4, Float32b), "", "attitude wanted, a quaternion"),
    _field("err_q", Array(4, Float32b), "", "its error, a quaternion"),
    _field("ierr_q", Array(3, Float32b), "", "its error integrated"),
    _field("err_rate", Array(3, Float32b), "", "error of the rate; unit not stated"),
    _field("sc_reci", Array(3, Float32b), "", "position of the satellite by ephemeris; unit not stated"),
    _field("sun_eci", Array(3, Float32b), "", "position of the sun by ephemeris; unit not stated"),
    _field("mag_eci", Array(3, Float32b), "", "magnetic field by model; unit not stated"),
)

VEHICLE = Vehicle(
    "gomx_1",
    "GOMX-1",
    (
        Packet(
            "beacon_a", BEACON_A, (OBC, BEACON_PORT, Beacon.A), time=("header.time",), doc="housekeeping of all units"
        ),
        Packet("beacon_b", BEACON_B, (OBC, BEACON_PORT, Beacon.B), time=("header.time",), doc="the attitude estimator"),
    ),
    HEADER,
    framing="csp",
    display=(
        "beacon_a.eps.vbatt",
        "beacon_a.eps.cursun",
        "beacon_a.eps.cursys",
        "beacon_a.com.last_rssi",
        "beacon_a.hub.temp",
    ),
    plots=("beacon_a.eps.vbatt", "beacon_a.eps.cursys"),
    source="GomSpace cdh.h and hk_pack.c, 2010 to 2012; beacon A also in D. Estevez, Decoding GOMX-1 telemetry (2016)",
)
