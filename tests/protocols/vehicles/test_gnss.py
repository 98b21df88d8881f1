"""Values of receivers' messages against pyubx2, pynmeagps and pyrtcm: their truth of real files, and live."""

import json
import math
import re

import numpy as np
import pytest

from protocols.decoder import VehicleDecoder
from protocols.framer import framer
from protocols.gnss.names import ubx_names
from protocols.vehicles import vehicle

PLACE = {"lon": ("longitude", 1), "lat": ("latitude", 1), "height": ("height", 1e-3), "hMSL": ("height_msl", 1e-3)}
DATE = {name: (name, 1) for name in ("year", "month", "day")} | {
    "hour": ("hour", 1),
    "min": ("minute", 1),
}
SECOND = {"second": ("second", 1)}
FIELDS = {
    "NAV-PVT": PLACE
    | DATE
    | SECOND
    | {
        "hAcc": ("horizontal_accuracy", 1e-3),
        "vAcc": ("vertical_accuracy", 1e-3),
        "tAcc": ("time_accuracy", 1e-9),
        "nano": ("nanosecond", 1e-9),
        "fixType": ("fix", 1),
        "validDate": ("valid.date", 1),
        "validTime": ("valid.time", 1),
        "fullyResolved": ("valid.resolved", 1),
        "gnssFixOk": ("flags.fix_ok", 1),
        "diffSoln": ("flags.differential", 1),
        "carrSoln": ("flags.carrier", 1),
        "numSV": ("satellites", 1),
        "velN": ("velocity_north", 1e-3),
        "velE": ("velocity_east", 1e-3),
        "velD": ("velocity_down", 1e-3),
        "gSpeed": ("ground_speed", 1e-3),
        "headMot": ("course", 1),
        "sAcc": ("speed_accuracy", 1e-3),
        "headAcc": ("course_accuracy", 1),
        "pDOP": ("pdop", 1),
    },
    "NAV-POSLLH": PLACE | {"hAcc": ("horizontal_accuracy", 1e-3), "vAcc": ("vertical_accuracy", 1e-3)},
    "NAV-POSECEF": {f"ecef{axis}": (f"position_{axis.lower()}", 0.01) for axis in "XYZ"}
    | {"pAcc": ("position_accuracy", 0.01)},
    "NAV-VELECEF": {f"ecefV{axis}": (f"velocity_{axis.lower()}", 0.01) for axis in "XYZ"},
    "NAV-VELNED": {
        "velN": ("velocity_north", 0.01),
        "velE": ("velocity_east", 0.01),
        "velD": ("velocity_down", 0.01),
        "speed": ("speed", 0.01),
        "gSpeed": ("ground_speed", 0.01),
        "heading": ("course", 1),
        "sAcc": ("speed_accuracy", 0.01),
        "cAcc": ("course_accuracy", 1),
    },
    "NAV-STATUS": {"gpsFix": ("fix", 1), "ttff": ("first_fix", 1e-3), "msss": ("uptime", 1e-3)},
    "NAV-DOP": {f"{letter}DOP": (f"{letter}dop", 1) for letter in "gptvhne"},
    "NAV-SOL": {
        "fTOW": ("fraction", 1e-9),
        "week": ("week", 1),
        "gpsFix": ("fix", 1),
        "ecefX": ("position_x", 0.01),
        "ecefVZ": ("velocity_z", 0.01),
        "pAcc": ("position_accuracy", 0.01),
        "sAcc": ("speed_accuracy", 0.01),
        "pDOP": ("pdop", 1),
        "numSV": ("satellites", 1),
    },
    "NAV-TIMEUTC": DATE | {"sec": ("second", 1), "tAcc": ("time_accuracy", 1e-9), "nano": ("nanosecond", 1e-9)},
    "NAV-TIMEGPS": {"fTOW": ("fraction", 1e-9), "week": ("week", 1), "leapS": ("leap_seconds", 1)},
    "NAV-TIMEGLO": {"TOD": ("second_of_day", 1), "fTOD": ("fraction", 1e-9), "Nt": ("day", 1), "N4": ("period", 1)},
    "NAV-TIMEBDS": {"SOW": ("second_of_week", 1), "fSOW": ("fraction", 1e-9), "week": ("week", 1)},
    "NAV-TIMEGAL": {"galTow": ("second_of_week", 1), "fGalTow": ("fraction", 1e-9), "galWno": ("week", 1)},
    "NAV-TIMELS": {
        "currLs": ("leap_seconds", 1),
        "lsChange": ("change", 1),
        "timeToLsEvent": ("change_in", 1),
        "dateOfLsGpsWn": ("change_week", 1),
        "dateOfLsGpsDn": ("change_day", 1),
    },
    "NAV-CLOCK": {
        "clkB": ("bias", 1e-9),
        "clkD": ("drift", 1e-9),
        "tAcc": ("time_accuracy", 1e-9),
        "fAcc": ("frequency_accuracy", 1e-12),
    },
    "NAV-ODO": {"distance": ("distance", 1), "totalDistance": ("total", 1)},
    "NAV-COV": {"posCovNN": ("position_nn", 1), "posCovDD": ("position_dd", 1), "velCovED": ("velocity_ed", 1)},
    "NAV-SAT": {"numSvs": ("count", 1)}
    | {
        theirs: (f"satellites.{ours}", 1)
        for theirs, ours in (("svId", "satellite"), ("cno", "cn0"), ("elev", "elevation"), ("azim", "azimuth"))
    }
    | {"prRes": ("satellites.residual", 1)},
    "NAV-SVINFO": {
        "numCh": ("count", 1),
        "chn": ("channels.channel", 1),
        "svid": ("channels.satellite", 1),
        "cno": ("channels.cn0", 1),
        "prRes": ("channels.residual", 0.01),
    },
    "NAV-SIG": {"svId": ("signals.satellite", 1), "prRes": ("signals.residual", 1), "cno": ("signals.cn0", 1)},
    "HNR-PVT": PLACE
    | DATE
    | SECOND
    | {
        "speed": ("speed", 1e-3),
        "headMot": ("course", 1),
        "headVeh": ("heading", 1),
        "sAcc": ("speed_accuracy", 1e-3),
        "headAcc": ("course_accuracy", 1),
    },
    "MON-HW": {"noisePerMS": ("noise", 1), "agcCnt": ("gain_control", 1), "aStatus": ("antenna", 1)},
    "RXM-SFRBX": {"svId": ("satellite", 1), "dwrd": ("words", 1)},
    "TIM-TP": {"towMS": ("time_of_week", 1e-3), "qErr": ("quantisation", 1e-12), "week": ("week", 1)},
    "ESF-MEAS": {"timeTag": ("time_tag", 1)},
}
"""What pyubx2 calls a field, what it is called here, and its unit in ours."""
COMPARED = [name for name in FIELDS if name.startswith(("NAV", "HNR", "MON", "RXM", "TIM", "ESF"))]


def decoded(stream):
    """All values of a stream by packet and path, in order."""
    decoder = VehicleDecoder(vehicle("gnss"), "any")
    found = {}
    for batch in decoder.decode(framer("gnss").receive(stream, 0)):
        for path, column in batch.columns.items():
            found.setdefault(batch.packet, {}).setdefault(path, []).extend(column.tolist())
    return found, decoder


def packet(identity):
    return "ubx_" + identity.lower().replace("-", "_")


@pytest.mark.parametrize("name", ["ALL", "BADCK2", "MIXED", "NAV", "NMEA"])
def test_every_message_of_real_files_is_a_packet_of_its_name(data, name):
    (told,) = (
        each for each in json.loads((data / "gnss_ubx/truth.json").read_text()) if each["file"].endswith(f"{name}.log")
    )
    _, decoder = decoded((data / "gnss_ubx" / told["file"]).read_bytes())
    assert (decoder.unknown_packets, decoder.malformed) == (0, 0)
    wanted = {}
    for identity, count in told["by_type"].items():
        own = identity[:4].lower() if identity.startswith("P") else identity[2:].lower()
        key = packet(identity) if identity in ubx_names().values() else f"nmea_{own}"
        wanted[key] = wanted.get(key, 0) + count
    assert {key: count for key, count in decoder.packets.items() if count} == wanted


def test_sampled_messages_of_real_files_against_their_truth(data):
    seen = 0
    for told in json.loads((data / "gnss_ubx/truth.json").read_text()):
        for _, wire, text in told["samples"]:
            identity = re.match(r"<UBX\(([\w-]+)", text)
            if identity is None or identity[1] not in FIELDS or wire.endswith("\u2026"):
                continue
            found, _ = decoded(bytes.fromhex(wire))
            values = dict(re.findall(r"(\w+)=([^,)\u2026]+)(?=[,)])", text))
            for theirs, (ours, unit) in FIELDS[identity[1]].items():
                if theirs in values:
                    assert found[packet(identity[1])][ours] == [pytest.approx(float(values[theirs]) * unit)], theirs
                    seen += 1
    assert seen > 150


@pytest.mark.parametrize("identity", COMPARED)
def test_all_messages_of_real_files_against_pyubx2(data, identity):
    pyubx2 = pytest.importorskip("pyubx2", reason="pyubx2 is not installed: it reads the same messages")
    streams = [path.read_bytes() for path in sorted((data / "gnss_ubx").glob("*.log"))]
    found, _ = decoded(b"".join(streams))
    theirs = []
    for stream in streams:
        from io import BytesIO  # noqa: PLC0415

        reader = pyubx2.UBXReader(BytesIO(stream), protfilter=2, quitonerror=0)
        theirs += [parsed for _, parsed in reader if parsed is not None and parsed.identity == identity]
    assert theirs
    for name, (path, unit) in FIELDS[identity].items():
        values = found[packet(identity)][path]
        assert len(values) == len(theirs)
        for ours, message in zip(values, theirs, strict=True):
            if isinstance(ours, list):
                several = [getattr(message, f"{name}_{number:02d}") * unit for number in range(1, len(ours) + 1)]
                assert ours == pytest.approx(several), (name, path)
                assert not hasattr(message, f"{name}_{len(ours) + 1:02d}")
            else:
                assert ours == pytest.approx(float(getattr(message, name)) * unit), (name, path)


def test_versions_and_notices_are_texts(data):
    found, _ = decoded((data / "gnss_ubx/pygpsdata-ALL.log").read_bytes())
    assert found["ubx_mon_ver"]["software"] == ["EXT CORE 4.04 (7f89f7)"]
    assert found["ubx_mon_ver"]["extensions"][0][3] == "MOD=NEO-M9N"
    assert len(found["ubx_inf_notice"]["text"]) == 12


SENTENCES = [
    ("GP", "GGA", "092725.00,4717.11399,S,00833.91590,E,1,08,1.01,499.6,M,48.0,M,,"),
    ("GN", "RMC", "083559.00,A,4717.11437,N,00833.91522,W,0.004,77.52,091202,3.1,W,A,V"),
    ("GN", "RMC", ",V,,,,,,,,,,N"),
    ("GP", "VTG", "77.52,T,78.1,M,0.004,N,0.008,K,A"),
    ("GP", "GLL", "4717.11364,N,00833.91565,E,092321.00,A,A"),
    ("GN", "GSA", "A,3,23,29,07,08,09,18,26,28,,,,,1.94,1.18,1.54,1"),
    ("GP", "GSV", "3,1,10,23,38,230,44,29,71,156,47,07,29,116,41,08,09,081,36,1"),
    ("GP", "GSV", "3,3,10,05,29,116,,08,09,081,36,1"),
    ("GP", "GST", "082356.00,1.8,,,,1.7,1.3,2.2"),
    ("GP", "ZDA", "082710.00,16,09,2002,00,00"),
    ("GN", "GNS", "103600.01,5114.51176,N,00012.29380,W,ANNN,07,1.18,111.5,45.6,,,V"),
]
THEIRS = {
    "time": "time",
    "lat": "latitude",
    "lon": "longitude",
    "quality": "quality",
    "numSV": "satellites",
    "HDOP": "hdop",
    "alt": "altitude",
    "sep": "geoid_separation",
    "spd": "speed",
    "cog": "course",
    "cogt": "course",
    "cogm": "magnetic_course",
    "sogn": "speed",
    "sogk": "speed_km_h",
    "status": "status",
    "PDOP": "pdop",
    "VDOP": "vdop",
    "systemId": "system",
    "navMode": "fix",
    "numMsg": "total",
    "rangeRms": "range_rms",
    "stdLat": "latitude_error",
    "stdAlt": "altitude_error",
    "day": "day",
    "year": "year",
}


@pytest.mark.parametrize(("talker", "formatter", "text"), SENTENCES)
def test_sentences_against_pynmeagps(talker, formatter, text):
    pynmeagps = pytest.importorskip("pynmeagps", reason="pynmeagps is not installed: it reads the same sentences")
    made = pynmeagps.NMEAMessage(talker, formatter, pynmeagps.GET, payload=text.split(","))
    found, decoder = decoded(made.serialize())
    assert (decoder.malformed, decoder.unknown_packets) == (0, 0)
    ours = found[f"nmea_{formatter.lower()}"]
    assert ours["sentence"] == [f"{talker}{formatter},{text}"]
    compared = 0
    for theirs, path in THEIRS.items():
        value = getattr(made, theirs, "")
        if path not in ours or value == "" or (theirs == "numSV" and formatter == "GSV"):
            continue
        if hasattr(value, "microsecond"):
            value = 3600 * value.hour + 60 * value.minute + value.second + value.microsecond / 1e6
        number = not isinstance(ours[path][0], str)
        assert ours[path][0] == (pytest.approx(float(value), abs=1e-9) if number else value), theirs
        compared += 1
    assert compared >= (0 if text.startswith(",") else 1)
    if formatter == "GSV":
        several = [getattr(made, f"svid_{n:02d}") for n in range(1, 5) if hasattr(made, f"svid_{n:02d}")]
        assert ours["satellites.number"][0] == [float(each) for each in several]
    if formatter == "RMC":
        date = made.date
        assert ours["date"] == [date.isoformat() if date else ""]
    if text.startswith(","):
        assert all(math.isnan(ours[path][0]) for path in ("time", "latitude", "longitude", "speed", "variation"))


@pytest.mark.parametrize("text", ["", ",", ",x,y", ",1e999,-,+,.,..", ",inf,nan,1_0,\u0661"])
def test_what_is_no_number_is_nan(text):
    found, decoder = decoded(framer("gnss").encode([b"$GGAGPGGA" + text.encode("ascii", "ignore")]))
    assert decoder.malformed == 0
    assert math.isnan(found["nmea_gga"]["hdop"][0])
    assert math.isnan(found["nmea_gga"]["latitude"][0]) or "y" not in text


@pytest.mark.parametrize("number", [1005, 1006])
def test_a_stations_position_against_pyrtcm(number):
    pyrtcm = pytest.importorskip("pyrtcm", reason="pyrtcm is not installed: it reads the same messages")
    rng = np.random.default_rng(number)
    for _ in range(20):
        payload = bytearray(rng.bytes(19 if number == 1005 else 21))
        payload[0], payload[1] = number >> 4, number << 4 & 0xF0 | payload[1] & 0xF
        wire = framer("gnss").encode([b"\xd3\x00" + number.to_bytes(2, "big") + bytes(payload)])
        theirs = pyrtcm.RTCMReader.parse(wire)
        found, _ = decoded(wire)
        ours = found[f"rtcm_{number}"]
        assert ours["station"] == [theirs.DF003]
        for path, name in (("x", "DF025"), ("y", "DF026"), ("z", "DF027")):
            assert ours[path] == [pytest.approx(getattr(theirs, name), abs=1e-6)], path
        if number == 1006:
            assert ours["height"] == [pytest.approx(theirs.DF028)]


def test_other_rtcm_messages_tell_their_station_and_are_given_as_bytes():
    payload = bytes.fromhex("435 123".replace(" ", "")) + bytes(range(30))
    found, _ = decoded(framer("gnss").encode([b"\xd3\x00" + (1077).to_bytes(2, "big") + payload]))
    assert found["rtcm_1077"]["reference.station"] == [0x123]
    assert found["rtcm_1077"]["rest"][0] == bytes(range(30))


def test_all_packets_can_be_compiled_and_have_no_limits():
    """They are compiled when they come: a receiver sends a dozen of these kinds, and only those are shown."""
    receiver = vehicle("gnss")
    decoders = VehicleDecoder(receiver, "any").decoders
    assert receiver.on_demand
    assert {name: decoders[name].layout or decoders[name].objects for name in decoders}.keys() == {
        each.name for each in receiver.packets
    }
    assert all(told.yellow is told.red is None for each in decoders.values() for told in each.fields.values())
