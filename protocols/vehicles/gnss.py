"""A GNSS receiver: the messages of UBX, NMEA 0183 and RTCM 3, in the frames of the framing ``gnss``.

A rocket's tracker, or a receiver on the ground, whatever carries it. Each kind of message is a packet: ``ubx_nav_pvt``,
``nmea_gga`` (of all talkers), ``rtcm_1005``. Where the fields of one are not declared, it is its payload or sentence.
"""

from __future__ import annotations

from construct import Bytes, Struct

from protocols.gnss import rtcm3, sentences, ubx
from protocols.gnss.messages import UBX_SYNC
from protocols.gnss.names import ubx_names
from protocols.leaf import NoFixedPlace, leaves
from protocols.packet import Header, Packet, Vehicle

HEADER = Header(
    Struct("message" / Bytes(4) * "what the message is: UBX sync, class and id; NMEA formatter; RTCM 3 number"),
    key="message",
)
_PLAIN = {
    "AAM": "waypoint arrival",
    "APB": "autopilot sentence B",
    "BEC": "bearing and distance to a waypoint, dead reckoning",
    "BOD": "bearing from origin to destination",
    "BWC": "bearing and distance to a waypoint",
    "BWR": "bearing and distance to a waypoint, rhumb line",
    "DTM": "datum in use",
    "GBS": "satellite fault detection",
    "GRS": "residuals of the ranges",
    "HDG": "heading, deviation and variation",
    "HDM": "heading, magnetic",
    "MSK": "control of a beacon receiver",
    "MSS": "signal of a beacon receiver",
    "RLM": "return link message",
    "RMA": "recommended minimum of Loran-C",
    "RMB": "recommended minimum of navigation",
    "ROT": "rate of turn",
    "RTE": "route",
    "STN": "several data ids",
    "THS": "true heading and status",
    "VBW": "speeds over ground and through water",
    "VLW": "distance travelled",
    "WPL": "waypoint",
    "XTE": "cross-track error",
}
_MAKERS = {
    "PUBX": "u-blox",
    "PGRM": "Garmin",
    "PMTK": "MediaTek",
    "PQTM": "Quectel",
    "PSTM": "STMicroelectronics",
    "PASH": "Ashtech",
    "PTNL": "Trimble",
    "PSRF": "SiRF",
    "PSTI": "SkyTraq",
    "PAIR": "Airoha",
}


def _ubx(code: bytes, name: str) -> Packet:
    body = ubx.BODIES.get(name, ubx.RAW)
    path = "ubx_" + name.lower().replace("-", "_")
    return Packet(path, body, UBX_SYNC + code, time=_time(body), doc=f"UBX-{name}")


def _time(body: object) -> tuple[str, ...]:
    """The path of a message's time of week, where it has one at a fixed place."""
    try:
        names = [leaf.path for leaf in leaves(body)[0]]
    except NoFixedPlace:
        return ()
    return ("time_of_week",) if "time_of_week" in names else ()


UBX = tuple(_ubx(code, name) for code, name in ubx_names().items())
NMEA = (
    *(
        Packet(f"nmea_{name.lower()}", body, b"$" + name.encode(), doc=doc)
        for name, (doc, body) in sentences.SENTENCES.items()
    ),
    *(
        Packet(f"nmea_{name.lower()}", sentences.PLAIN, b"$" + name.encode(), doc=doc)
        for name, doc in _PLAIN.items()
        if name not in sentences.SENTENCES
    ),
    *(
        Packet(f"nmea_{name.lower()}", sentences.PLAIN, name.encode(), doc=f"proprietary sentence of {maker}")
        for name, maker in _MAKERS.items()
    ),
    *(
        Packet(f"nmea_{name.lower()}", sentences.PLAIN, b"!" + name.encode(), doc=f"AIS message, {whose} ship's")
        for name, whose in (("VDM", "another"), ("VDO", "the own"))
    ),
)
RTCM3 = tuple(
    Packet(f"rtcm_{number}", body, b"\xd3\x00" + number.to_bytes(2, "big"), doc=f"RTCM {number}, {doc}")
    for number, (doc, body) in rtcm3.MESSAGES.items()
)

VEHICLE = Vehicle(
    "gnss",
    "GNSS receiver",
    (*UBX, *NMEA, *RTCM3),
    HEADER,
    framing="gnss",
    display=(
        "ubx_nav_pvt.height_msl",
        "ubx_nav_pvt.velocity_down",
        "ubx_nav_pvt.latitude",
        "ubx_nav_pvt.longitude",
        "ubx_nav_pvt.satellites",
        "ubx_nav_pvt.horizontal_accuracy",
    ),
    plots=("ubx_nav_pvt.height_msl", "ubx_nav_pvt.velocity_down"),
    source="u-blox receiver descriptions; NMEA 0183 4.11; RTCM 10403.3",
    on_demand=True,
)
