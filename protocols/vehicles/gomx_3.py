"""GOMX-3, GomSpace's and ESA's satellite (2015 to 2016): its beacons and ping replies, off the air by an AX100.

CSP packets with a CRC-32C over their data, all big-endian. GomSpace's description of the beacons was given to radio
amateurs and is not public; the on-board computer's beacon 0 follows what gr-satellites (``telemetry/gomx_3.py``) and
D. Estevez ("Decoding packets from GOMX-3: CSP packets", 2016) made of it and of the recorded frames. Of the attitude
computer's beacon 1 nothing is published: what is declared is what the recorded frames show, numbers without names.
"""

from __future__ import annotations

from typing import Any

from construct import Array, Construct, Float32b, Int8sb, Int8ub, Int16sb, Int16ub, Int32ub, Struct

from protocols.csp.packet import HEADER as CSP_HEADER
from protocols.csp.packet import PING_PORT
from protocols.curve import Linear
from protocols.measurement import Measurement
from protocols.packet import Header, Packet, Vehicle

OBC, ADCS, COM = 1, 4, 5
"""CSP addresses of the on-board computer, the attitude computer and the transceiver."""
BEACON_PORT = 0
"""The port beacons come from; they go to port 30 of address 10."""
PING_FIRST = 0
"""The first byte of a ping: libcsp numbers its bytes from 0 (``csp_ping``)."""

HEADER = Header(
    Struct("csp" / CSP_HEADER, "type" / Measurement(Int8ub, "") * "type of the beacon, counted for each unit"),
    key=("csp.source", "csp.source_port", "type"),
)


def _field(name: str, counts: Construct[Any, Any], unit: str, doc: str, scale: float = 1.0) -> Any:
    return name / Measurement(counts, unit, None if scale == 1.0 else Linear(scale)) * doc


def _current(name: str, counts: Construct[Any, Any], doc: str) -> Any:
    return _field(name, counts, "A", doc, 1e-3)


def _unit(*fields: Any) -> Construct[Any, Any]:
    return Struct(_field("timestamp", Int32ub, "s", "when these were measured, since 1970"), *fields)


BEACON_OBC = Struct(
    "eps"
    / _unit(
        _field("vboost", Array(3, Int16ub), "V", "boost converters of the solar panels", 1e-3),
        _field("vbatt", Int16ub, "V", "battery", 1e-3),
        _current("curout", Array(7, Int16ub), "out of the switched outputs"),
        _current("curin", Array(3, Int16ub), "into the boost converters"),
        _current("cursun", Int16ub, "out of the boost converters"),
        _current("cursys", Int16ub, "out of the battery"),
        _field("temp", Array(6, Int16sb), "degC", "places of the board and the battery"),
        _field("battmode", Int8ub, "", "code of the battery's state"),
    ),
    "com"
    / _unit(
        _field("temp_brd", Int16sb, "degC", "of the transceiver's board", 0.1),
        _field("temp_pa", Int16sb, "degC", "of its power amplifier", 0.1),
        _field("last_rssi", Int16sb, "dBm", "strength of the last signal received"),
        _field("last_rferr", Int16sb, "Hz", "frequency error of the last signal received"),
        _field("bgnd_rssi", Int16sb, "dBm", "strength of the background"),
    ),
    "obc"
    / _unit(
        _current("cur_gssb", Array(2, Int16ub), "into the GSSB buses"),
        _current("cur_flash", Int16ub, "into the flash memory"),
        _field("temp", Array(2, Int16sb), "degC", "two places of the board", 0.1),
    ),
    "adcs"
    / _unit(
        _current("cur_gssb", Array(2, Int16ub), "into the GSSB buses"),
        _current("cur_flash", Int16ub, "into the flash memory"),
        _current("cur_pwm", Int16ub, "into the magnetic torquers"),
        _current("cur_gps", Int16ub, "into the GPS receiver"),
        _current("cur_wde", Int16ub, "into the wheels' electronics"),
        _field("temp", Array(2, Int16sb), "degC", "two places of the board", 0.1),
    ),
    "adsb"
    / _unit(
        _current("cur5v0brd", Int16ub, "5.0 V, board"),
        _current("cur3v3brd", Int16ub, "3.3 V, board"),
        _current("cur3v3sd", Int16ub, "3.3 V, memory card"),
        _current("cur1v2", Int16ub, "1.2 V"),
        _current("cur2v5", Int16ub, "2.5 V"),
        _current("cur3v3fpga", Int16ub, "3.3 V, gate array"),
        _current("cur3v3adc", Int16ub, "3.3 V, converter"),
        _field("last_icao", Int32ub, "", "ICAO address of the last aircraft"),
        _field("last_lat", Float32b, "deg", "its latitude, north positive"),
        _field("last_lon", Float32b, "deg", "its longitude, east positive"),
        _field("last_alt", Int32ub, "", "its altitude; unit not stated"),
        _field("last_time", Int32ub, "s", "when its position came, since 1970"),
    ),
)

BEACON_ADCS = Struct(
    _field("timestamp", Int32ub, "s", "when these were measured, since 1970"),
    _field("values", Array(32, Float32b), "", "what the attitude computer sends; meanings are not published"),
    _field("status_timestamp", Int32ub, "s", "when the status was taken, since 1970"),
    _field("status", Array(8, Int8sb), "", "codes of the attitude computer's devices; meanings are not published"),
)

PING_REPLY = Struct(
    _field("data", Array(19, Int8ub), "", "the bytes behind the first, as they were sent: 1, 2, 3 and so on"),
)

VEHICLE = Vehicle(
    "gomx_3",
    "GOMX-3",
    (
        Packet(
            "beacon_obc",
            BEACON_OBC,
            (OBC, BEACON_PORT, 0),
            time=("eps.timestamp",),
            doc="housekeeping of all units, collected by the on-board computer",
        ),
        Packet(
            "beacon_adcs",
            BEACON_ADCS,
            (ADCS, BEACON_PORT, 1),
            time=("timestamp",),
            doc="attitude, from the attitude computer",
        ),
        Packet(
            "ping_reply", PING_REPLY, (COM, PING_PORT, PING_FIRST), doc="the transceiver's answer to a ping of 20 bytes"
        ),
    ),
    HEADER,
    framing="csp",
    display=(
        "beacon_obc.eps.vbatt",
        "beacon_obc.eps.cursun",
        "beacon_obc.eps.cursys",
        "beacon_obc.com.last_rssi",
        "beacon_obc.com.temp_pa",
    ),
    plots=("beacon_obc.eps.vbatt", "beacon_obc.eps.cursys"),
    source=(
        "gr-satellites telemetry/gomx_3.py and D. Estevez, Decoding packets from GOMX-3: CSP packets (2016); "
        "the attitude computer's beacon by the recorded frames"
    ),
)
