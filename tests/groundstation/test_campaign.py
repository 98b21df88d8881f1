"""The campaign file: whatever is wrong in it is named by its key, with what was found and what is allowed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from groundstation.campaign import Campaign
from groundstation.cli import main
from groundstation.pipeline import Pipeline
from protocols.errors import CampaignError

GOOD = """\
[campaign]
name = "static-fire_3"
vehicle = "osx"

[links.umbilical]
source = "serial:/dev/ttyUSB0?baud=921600"
silent_after = 2

[links.radio-1]
source = "udp:239.1.2.3:5000"
framing = { kind = "cobs", check = "crc-16/ibm-3740" }

[limits."power.battery_voltage"]
yellow = [27, 31.5]
red = [26.5, inf]
persistence = 4
when = ["boost", "coast"]

[mqtt]
url = "mqtts://pad@bus.example:8883"
password_file = "secret"

[recording]
directory = "records"
"""


@pytest.fixture
def wrong(tmp_path: Path) -> Callable[[str], list[str]]:
    """``wrong(text)``: the lines that are said of a file, without the file's own name."""

    def said(text: str) -> list[str]:
        path = tmp_path / "campaign.toml"
        path.write_text(text)
        with pytest.raises(CampaignError) as caught:
            Campaign.load(path)
        first, *others = str(caught.value).split("\n  ")
        assert first.startswith(f"{path}: ")
        return [first.removeprefix(f"{path}: "), *others]

    return said


def test_a_good_file_says_what_it_says(tmp_path):
    path = tmp_path / "campaign.toml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())  # with the mark that some editors begin a text with
    campaign = Campaign.load(path)
    assert (campaign.name, campaign.vehicle.name) == ("static-fire_3", "osx")
    assert campaign.framing("umbilical") == campaign.vehicle.framing
    assert campaign.framing("radio-1") == {"kind": "cobs", "check": "crc-16/ibm-3740"}
    assert campaign.directory == tmp_path / "records"
    framings = {name: campaign.framing(name) for name in campaign.file.links}
    limits = Pipeline(campaign.vehicle, framings, campaign.file.limits).limits["power.battery_voltage"]
    assert (limits.yellow, limits.red) == ((27.0, 31.5), (26.5, float("inf")))
    assert (limits.persistence, limits.when) == (4, ("boost", "coast"))


SOURCES = "file, "
FRAMINGS = "asm, cobs, "
PHASES = "pad, boost, coast, descent, landed"

WRONG = {
    "missing table": (
        '[campaign]\nname = "static-fire_3"\nvehicle = "osx"\n',
        "",
        "campaign: is missing; add the table",
    ),
    "missing name": ('name = "static-fire_3"', "", 'campaign.name: is missing; add name = "NAME"'),
    "missing vehicle": ('vehicle = "osx"', "", 'campaign.vehicle: is missing; add vehicle = "NAME"'),
    "missing source": (
        'source = "udp:239.1.2.3:5000"',
        "",
        'links.radio-1.source: is missing; add source = "KIND:TARGET"',
    ),
    "name's type": ('"static-fire_3"', "3", "campaign.name: found 3; want a text in quotes"),
    "a date": ('"static-fire_3"', "2026-11-21", "campaign.name: found 2026-11-21; want a text in quotes"),
    "name's letters": (
        '"static-fire_3"',
        '"fire/#"',
        "campaign.name: found 'fire/#'; want letters, digits, dots, dashes",
    ),
    "unknown key": (
        'name = "static',
        'nam = 1\nname = "static',
        "campaign.nam: is no key here; did you mean 'name'? allowed",
    ),
    "far key": (
        "silent_after",
        "zzz",
        "links.umbilical.zzz: is no key here; allowed are source, framing, modem, satellite, silent_after",
    ),
    "unknown table": (
        "[recording]",
        "[recordings]",
        "recordings: is no key here; did you mean 'recording'? allowed are",
    ),
    "table's type": (
        "[mqtt]\nurl",
        'recording = "x"\n[mqtt]\nurl',
        'limits."power.battery_voltage".recording: is no key',
    ),
    "unknown vehicle": (
        '"osx"',
        '"osy"',
        "there is none of that name; use one of altos, carleton, cats, ",
    ),
    "near vehicle": ('"osx"', '"OSX-"', "campaign.vehicle: found vehicle 'OSX-'"),
    "vehicle's file": ('"osx"', '"./nix.py"', "nix.py; write it or correct the name"),
    "unknown source": (
        "udp:239",
        "usb:239",
        f"links.radio-1.source: found 'usb:239.1.2.3:5000': want KIND:TARGET with KIND one of {SOURCES}",
    ),
    "no kind": (
        "udp:239.1.2.3:5000",
        "5000",
        f"links.radio-1.source: found '5000': want KIND:TARGET with KIND one of {SOURCES}",
    ),
    "source's option": (
        "baud=",
        "boud=",
        "links.umbilical.source: found 'serial:/dev/ttyUSB0?boud=921600': no option 'boud'; want one of baud",
    ),
    "option's type": ("921600", "fast", "option baud='fast' must be a whole number"),
    "port": ("239.1.2.3:5000", "239.1.2.3:70000", "links.radio-1.source: found 'udp:239.1.2.3:70000': "),
    "unknown framing": (
        '"cobs"',
        '"cobbs"',
        f"'check': 'crc-16/ibm-3740'}}; framing 'cobbs': there is none of that name; use one of {FRAMINGS}",
    ),
    "framing's option": ("check =", "chek =", "framing 'cobs': no option 'chek'; its options are "),
    "framing's check": ("ibm-3740", "ibm-3741", "check 'crc-16/ibm-3741': there is none of that name; use one of"),
    "option's sort": ('"crc-16/ibm-3740"', "16", "framing 'cobs': check = 16 is of another type; give a text"),
    "framing's type": (
        '{ kind = "cobs", check = "crc-16/ibm-3740" }',
        "7",
        "links.radio-1.framing: found 7; want a framing's name, or a table",
    ),
    "link's name": ("links.radio-1", 'links."up/#"', "links: 'up/#' cannot name a link; want letters, digits"),
    "number's type": (
        "silent_after = 2",
        "silent_after = true",
        "links.umbilical.silent_after: found true; want a number",
    ),
    "number's text": (
        "silent_after = 2",
        'silent_after = "2"',
        "links.umbilical.silent_after: found '2'; want a number",
    ),
    "number's range": (
        "silent_after = 2",
        "silent_after = 0",
        "links.umbilical.silent_after: found 0; want more than 0",
    ),
    "no measurement": (
        "battery_voltage",
        "batery_voltage",
        'limits."power.batery_voltage": osx has no such measurement; did you mean power.battery_voltage or ',
    ),
    "far measurement": (
        "power.battery_voltage",
        "zzzzzzz",
        "limits.zzzzzzz: osx has no such measurement; `groundstation check` lists",
    ),
    "without quotes": (
        '"power.battery_voltage"',
        "power.battery_voltage",
        'put the whole name of the measurement in quotes: [limits."power.battery_voltage"]',
    ),
    "phase": ('"coast"', '"cost"', f"limits.\"power.battery_voltage\".when: found 'cost'; its phases are {PHASES}"),
    "phases' type": (
        '["boost", "coast"]',
        '"boost"',
        "limits.\"power.battery_voltage\".when: found 'boost'; want a list of texts",
    ),
    "band's type": ("[27, 31.5]", "27", 'limits."power.battery_voltage".yellow: found 27; want [low, high]'),
    "band's length": ("[27, 31.5]", "[27]", 'limits."power.battery_voltage".yellow: found [27]; want [low, high]'),
    "band's order": (
        "[27, 31.5]",
        "[31.5, 27]",
        'limits."power.battery_voltage".yellow: found [31.5, 27]; the lower comes first',
    ),
    "band of nothing": (
        "[27, 31.5]",
        "[nan, 31.5]",
        'limits."power.battery_voltage".yellow: found [nan, 31.5]; the lower comes first',
    ),
    "red inside yellow": (
        "[26.5, inf]",
        "[27.5, inf]",
        'limits."power.battery_voltage".red: found [27.5, inf], with yellow [27, 31.5], red lies inside yellow',
    ),
    "red inside declared": (
        "yellow = [27, 31.5]\n",
        "",
        'limits."power.battery_voltage".red: found [26.5, inf], with yellow [26, 33] of the declaration',
    ),
    "yellow outside declared": (
        "yellow = [27, 31.5]\nred = [26.5, inf]",
        "yellow = [1, 99]",
        'limits."power.battery_voltage".yellow: found [1, 99], with red [24, 34] of the declaration',
    ),
    "persistence": (
        "persistence = 4",
        "persistence = 0",
        'limits."power.battery_voltage".persistence: found 0; want 1 or more',
    ),
    "whole number": (
        "persistence = 4",
        "persistence = 1.5",
        'limits."power.battery_voltage".persistence: found 1.5; want a whole number',
    ),
    "endless": (
        "persistence = 4",
        "persistence_s = inf",
        'limits."power.battery_voltage".persistence_s: found inf; want a finite number',
    ),
    "hysteresis": (
        "persistence = 4",
        "hysteresis = 3",
        'limits."power.battery_voltage": hysteresis 3 leaves nothing of 27 to 31.5',
    ),
    "broker's scheme": (
        "mqtts://",
        "http://",
        "mqtt.url: found 'http://pad@bus.example:8883'; want mqtt://host:port or mqtts://host:port",
    ),
    "broker's port": (":8883", ":88830", "want mqtt://host:port or mqtts://host:port, the port from 1 to 65535"),
    "broker's brackets": ("bus.example", "[::1", "want mqtt://host:port or mqtts://host:port"),
    "no links": (
        GOOD[GOOD.index("[links.umb") : GOOD.index("[limits")],
        "[links]\n",
        "links: found {}; want at least one table [links.NAME]",
    ),
    "syntax": ('name = "static', "name = static", "is not valid TOML: "),
    "twice": (
        'vehicle = "osx"',
        'vehicle = "osx"\nvehicle = "osx"',
        "is not valid TOML: Cannot overwrite a value (at line 4",
    ),
    "depth": ("silent_after = 2", f"silent_after = {'[' * 100_000}", "is not valid TOML: nested too deeply"),
    "digits": ("silent_after = 2", f"silent_after = {'9' * 5_000}", "is not valid TOML: "),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_mistake_is_named_by_its_key_with_what_was_found_and_what_is_allowed(wrong, kind):
    old, new, said = WRONG[kind]
    assert GOOD.count(old) == 1
    told = wrong(GOOD.replace(old, new))
    assert any(said in line for line in told), told


def test_all_mistakes_are_named_at_once_whichever_kind_they_are(wrong):
    text = (
        GOOD.replace('"osx"', '"osy"').replace("serial:", "seral:").replace('"cobs"', '"cob"').replace("mqtts:", "ftp:")
    )
    told = wrong(text.replace("silent_after = 2", "silent_after = -2").replace("[recording]", "[recorded]"))
    keys = ["campaign.vehicle", "links.radio-1.framing", "links.umbilical.silent_after", "links.umbilical.source"]
    assert sorted(line.partition(": ")[0] for line in told) == [*keys, "mqtt.url", "recorded"]
    told = wrong(text.replace('"osy"', '"osx"').replace("battery", "batery"))
    keys = ['limits."power.batery_voltage"', "links.radio-1.framing", "links.umbilical.source", "mqtt.url"]
    assert sorted(line.partition(": ")[0] for line in told) == keys


def test_a_text_has_no_limits(wrong):
    text = GOOD.replace("osx", "carleton").replace("power.battery_voltage", "pressure.frame.callsign")
    said = 'limits."pressure.frame.callsign": text9 has no limits; remove them'
    assert wrong(text.replace('when = ["boost", "coast"]', "")) == [said]


@pytest.mark.parametrize(
    "url", ["mqtt://ann:s3cr3t@bus", "http://ann:s3cr3t@bus", "mqtt://:s3cr3t@bus:1883", "mqtt://a:b@s3cr3t@bus"]
)
def test_a_password_in_the_file_is_refused_and_never_shown(wrong, url):
    told = wrong(GOOD.replace("mqtts://pad@bus.example:8883", url))
    assert len(told) == 1
    assert told[0].startswith("mqtt.url: found ")
    assert "s3cr3t" not in told[0]
    if url.startswith("mqtt"):
        assert "set GROUNDSTATION_MQTT_PASSWORD or mqtt.password_file" in told[0]


def test_files_that_are_no_campaign_say_what_to_do(tmp_path):
    binary, huge = tmp_path / "binary", tmp_path / "huge"
    binary.write_bytes(bytes(range(256)))
    huge.write_text("# " + "x" * 2_000_000)
    empty = tmp_path / "empty"
    empty.touch()
    for path, said in (
        (tmp_path / "nix.toml", "cannot be read (No such file or directory); check the name"),
        (tmp_path, "cannot be read (Is a directory); check the name"),
        (binary, "is not a text file in UTF-8; give a campaign file (TOML)"),
        (huge, "has more than 1,000,000 characters; give a campaign file (TOML)"),
        (Path("/dev/zero"), "has more than 1,000,000 characters; give a campaign file (TOML)"),
        (
            empty,
            "campaign: is missing; add the table [campaign]\n  links: is missing; add at least one table [links.NAME]",
        ),
    ):
        with pytest.raises(CampaignError, match=re.escape(f"{path}: {said}")):
            Campaign.load(path)


HEAD = "from construct import Int8ub, Struct\nfrom protocols.packet import Packet, Vehicle\n"
BODY = 'VEHICLE = Vehicle("v", "V", (Packet("state", Struct("altitude" / Int8ub)),){})\n'
VEHICLE_FILES = {
    "syntax": ("def f(:\n", " line 1 does not load: SyntaxError: "),
    "import": (
        "import os\nimport nosuchthing\n",
        " line 2 does not load: ModuleNotFoundError: No module named 'nosuchthing'",
    ),
    "exits": ("import sys\nsys.exit(3)\n", " line 2 does not load: SystemExit: 3; correct that file"),
    "raises": ("def f():\n    return 1 / 0\nf()\n", " line 2 does not load: ZeroDivisionError: division by zero"),
    "nothing": ("x = 1\n", " defines no VEHICLE = Vehicle(...); see protocols/vehicles"),
    "not a vehicle": ("VEHICLE = 5\n", " defines no VEHICLE = Vehicle(...); see protocols/vehicles"),
    "binary": ("\0\0", "does not load: "),
    "two of a key": (
        HEAD + 'P = Packet("a", Struct("x" / Int8ub))\nVEHICLE = Vehicle("v", "V", (P, P))\n',
        " line 4 does not load: v: two packets have one name; give each its own",
    ),
    "no packets": (HEAD + 'VEHICLE = Vehicle("v", "V", ("state",))\n', " line 3 does not load: AttributeError: "),
    "display": (
        HEAD + BODY.format(', display=("state.altitud",)'),
        " does not load: v.display: there is no measurement 'state.altitud'; did you mean state.altitude?",
    ),
    "flight": (
        HEAD
        + "from protocols.flight import Above, Flight, Transition\n"
        + BODY.format(', flight=Flight("pad", (Transition("liftoff", "up", (Above("state.alt", 5.0),)),))'),
        " does not load: v.flight.liftoff: there is no measurement 'state.alt'; did you mean state.altitude?",
    ),
}


@pytest.mark.parametrize("kind", VEHICLE_FILES)
def test_a_vehicle_file_that_does_not_load_is_named_with_its_line(wrong, tmp_path, kind):
    text, said = VEHICLE_FILES[kind]
    (tmp_path / "own.py").write_text(text)
    told = wrong(GOOD.replace('"osx"', '"./own.py"'))
    assert told[0].startswith("campaign.vehicle: ")
    assert said in told[0]
    assert len(told) == 1


def test_a_vehicle_file_beside_the_campaign_file_is_used(tmp_path):
    (tmp_path / "own.py").write_text(HEAD + BODY.format(""))
    path = tmp_path / "c.toml"
    path.write_text('[campaign]\nname = "c"\nvehicle = "own.py"\n[links.a]\nsource = "udp:5000"\n')
    assert Campaign.load(path).vehicle.title == "V"


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, len(GOOD)),
    st.integers(0, 30),
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(["", "[[links]]", "= 5", "\n", '"', "{}", "[1, 2]", "nan", "true", "1e999", "-9"]),
    ),
)
@example(0, len(GOOD), "")
def test_no_text_whatsoever_ends_in_a_traceback(at, cut, put):
    text = GOOD[:at] + put + GOOD[at + cut :]
    try:
        campaign = Campaign(text, Path("campaign.toml"))
    except CampaignError as error:
        said = str(error)
    else:
        said = f"campaign.toml: {campaign.name}"
    assert said.startswith("campaign.toml: ")


def test_check_says_what_would_be_received_and_ends_with_2_on_a_mistake(tmp_path, capsys):
    path = tmp_path / "campaign.toml"
    path.write_text(GOOD)
    assert main(["check", str(path)]) == 0
    told = capsys.readouterr().out
    assert "campaign static-fire_3, vehicle OneSpace OS-X ~ synthetic" in told
    assert "link radio-1: udp:239.1.2.3:5000, framing cobs, check crc-16/ibm-3740" in told
    assert "limit power.battery_voltage: yellow 27...31.5, red 26.5...inf V in boost, coast" in told
    assert told.endswith("good: nothing wrong was found\n")
    path.write_text(GOOD.replace("serial:", "seral:"))
    assert main(["check", str(path)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"groundstation: {path}: links.umbilical.source: found 'seral:")
