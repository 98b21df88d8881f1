"""The command line as a user or a script meets it: what stands on which stream, and with which status it ends."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from groundstation.cli import main
from protocols.framer import framer
from tests.groundstation.conftest import free_port, state_packet

GROUNDSTATION = [sys.executable, "-m", "groundstation"]
COMMANDS = ("demo", "run", "console", "replay", "decode", "simulate", "check", "info")
FLIGHTS = (
    "carleton/july_12th.mission",
    "cats_euroc23/11_faraday/main.cfl",
    "psas_packet/simple_logfile",
)
LEDGER = {"bytes_in", "frames", "discarded", "pending", "crc_failures", "corrected", "sequence_gaps"}


def groundstation(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command, in a process of its own."""
    command = [*GROUNDSTATION, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, **options)


def started(*arguments: str) -> subprocess.Popen[bytes]:
    """A command that runs on."""
    return subprocess.Popen([*GROUNDSTATION, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def said(done: subprocess.CompletedProcess[str], status: int) -> str:
    """What a failed command says: a line or a few, never a traceback."""
    assert "Traceback" not in done.stderr, done.stderr
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    return done.stderr


# -- help and usage --------------------------------------------------------------------------------------------------


def test_help_names_every_command_and_ends_with_0():
    done = groundstation("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        assert f"\n    {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_commands_help_says_what_it_is_for_and_gives_an_example(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert told.startswith(f"usage: groundstation {command} ")
    assert f"\n  groundstation {command}" in told or f"\ngroundstation {command}" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("fly",), "invalid choice: 'fly' (choose from"),
        (("decode",), "the following arguments are required: recording"),
        (("decode", "x", "--from", "3"), "unrecognized arguments: --from 3"),
        (("replay", "x", "--speed", "0"), "argument --speed: '0': want a number from 0.1 to 1000, or max"),
        (("replay", "x", "--speed", "nan"), "argument --speed: 'nan': want a number from 0.1 to 1000, or max"),
        (("replay", "x", "--speed", "fast"), "argument --speed: 'fast': want a number from 0.1 to 1000, or max"),
        (("replay", "x", "--from", "5 minutes"), "argument --from: '5 minutes': want T+12.3, T-5, an event"),
        (("simulate", "falcon"), "invalid choice: 'falcon'"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wanted(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert message in told.err


def test_version_is_that_of_the_distribution():
    assert groundstation("--version").stdout.startswith("groundstation ")


# -- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["decode", "info", "replay"])
def test_what_is_no_recording_is_said(command, tmp_path, capsys):
    (tmp_path / "empty.mcap").touch()
    (tmp_path / "text.txt").write_text("Dear sirs,\nthe flight was great.\n")
    assert "empty.mcap: the file is empty" in said(groundstation(command, tmp_path / "empty.mcap"), 1)
    for name, problem in (
        ("text.txt", "text.txt: of no format known here; give a file of one of these"),
        (".", "cannot be read (Is a directory)"),
        ("nix.cfl", "nix.cfl: cannot be read (No such file"),
    ):
        assert main([command, str(tmp_path / name)]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert problem in told.err


def test_a_name_that_is_no_text_is_no_trouble(tmp_path, data):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/flight\xff")
    Path(odd).write_bytes((data / "psas_packet/simple_logfile").read_bytes())
    for command in (["decode", odd, "--json"], ["info", odd, "--json"]):
        done = groundstation(*command)
        assert (done.returncode, done.stderr) == (0, "")
        told = json.loads(done.stdout)
        assert "flight\\xff" in told.get("recording", told.get("file"))


def test_where_nothing_can_be_written_is_said_before_anything_is_read(tmp_path, data):
    flight = data / "psas_packet/simple_logfile"
    assert "--to /dev/null: of no kind known here; known are .csv" in said(
        groundstation("decode", flight, "--to", "/dev/null"), 2
    )
    assert "there is no folder" in said(groundstation("decode", flight, "--to", tmp_path / "nix/out.csv"), 2)
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder; name a file" in said(groundstation("decode", flight, "--to", tmp_path / "folder.csv"), 2)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*GROUNDSTATION, "info"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("name", "size"), [("z.bin", 1 << 30), ("z.mission", 1 << 29), ("z.cfl", 1 << 25), ("z.mcap", 1 << 25)]
)
def test_nothing_but_zeros_takes_no_memory(tmp_path, name, size):
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(size)
    program = (  # VmHWM: unlike ru_maxrss it does not count the process that started this one
        "import sys; from groundstation.cli import main; status = main(sys.argv[1:]);"
        "print(status, open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "decode", str(path)], capture_output=True, text=True, check=True, timeout=600
    )
    status, kilobytes = map(int, done.stdout.split()[-2:])
    assert status == 1
    assert "Traceback" not in done.stderr
    assert kilobytes < 250_000, f"{kilobytes} kB"


@pytest.mark.parametrize("flight", FLIGHTS)
def test_a_file_cut_anywhere_reads_up_to_the_cut(flight, data, tmp_path, capsys):
    whole = (data / flight).read_bytes()[:60_000]
    cut = tmp_path / Path(flight).name
    source = random.Random(flight)
    counts = []
    for size in sorted(source.randrange(1, len(whole)) for _ in range(12)):
        cut.write_bytes(whole[:size])
        status = main(["decode", str(cut), "--json"])
        told = capsys.readouterr()
        if told.out:
            content = json.loads(told.out)
            counts.append(sum(content["packets"].values()))
            assert status == (0 if counts[-1] else 1)
            _balanced(content)
        else:
            assert status == 1
            assert told.err.startswith(f"groundstation: {cut}")
    assert counts == sorted(counts)
    assert counts[-1] > 10


# -- what is said at the end -----------------------------------------------------------------------------------------


def _balanced(told: dict[str, Any]) -> None:
    for link in told["links"].values():
        assert set(link) >= LEDGER
        assert link["bytes_in"] == link["frame_bytes"] + link["discarded"] + link["pending"]
    total: dict[str, int] = {}
    for link in told["links"].values():
        for packet, count in link["packets"].items():
            total[packet] = total.get(packet, 0) + count
    assert told["packets"] == total
    for event in told["events"]:
        assert set(event) >= {"name", "received_ns", "mission_time"}
    assert told["duration_s"] >= 0


@pytest.mark.parametrize("flight", FLIGHTS)
def test_json_is_one_object_on_standard_output_and_its_ledger_balances(flight, data):
    done = groundstation("decode", data / flight, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    told = json.loads(done.stdout)
    _balanced(told)
    assert told["recording"] == str(data / flight)
    link = next(iter(told["links"].values()))
    whole = (data / flight).read_bytes()
    if flight.endswith(".mission"):  # two digits a byte, and line ends
        assert len(whole) == 2 * link["bytes_in"] + told["damage"]["discarded"] + len(whole) - len(
            b"".join(whole.split())
        )
    else:  # CATS logs begin with a version, which ends with a NUL
        version = whole.index(b"\0") + 1 if flight.endswith(".cfl") else 0
        assert len(whole) == link["bytes_in"] + told["damage"]["discarded"] + version


def test_people_are_told_the_same(data):
    done = groundstation("decode", data / "cats_euroc23/11_faraday/main.cfl")
    truth = json.loads((data / "cats_euroc23/11_faraday/main.truth.json").read_text())["summary"]
    assert f"flight_info {truth['counts']['flight_info']:,}" in done.stdout
    assert "  T+0.00 s  liftoff" in done.stdout
    assert " 0 discarded + 0 pending" in done.stdout


def test_info_tells_what_a_file_is_and_what_is_known_here(data):
    told = json.loads(groundstation("info", data / "carleton/july_12th.mission", "--json").stdout)
    assert (told["format"], told["chunks"], told["synthetic"]) == ("Carleton InSpace mission", 682, False)
    assert told["links"] == {"radio": "carleton, framing datagram"}
    known = json.loads(groundstation("info", "--json").stdout)
    assert {"carleton", "cats", "osx", "psas"} <= set(known["vehicles"])
    assert {"file", "serial", "tcp", "udp"} <= set(known["sources"])
    assert {"asm", "cobs", "datagram", "kiss", "slip", "sync"} <= set(known["framings"])


# -- interrupted -----------------------------------------------------------------------------------------------------


def test_a_reader_that_goes_is_no_trouble(data):
    flight = str(data / "cats_euroc23/11_faraday/main.cfl")
    for command in (["--help"], ["info", flight], ["decode", flight]):
        process = started(*command)
        assert process.stdout is not None
        process.stdout.close()
        _, told = process.communicate(timeout=120)
        assert told == b""
        assert process.returncode == (0 if command == ["--help"] else 128 + signal.SIGPIPE)  # argparse's own matter


async def test_an_interrupt_leaves_no_half_written_table(data, tmp_path, eventually):
    whole = (data / "cats_euroc23/07_aesir/main_1.cfl").read_bytes()
    long = tmp_path / "long.cfl"
    long.write_bytes(whole * 6)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "out.csv").write_text("older")
    process = started("decode", str(long), "--to", str(folder / "out.csv"))
    part = folder / ".out.csv.part"
    await eventually(lambda: (part.exists() and part.stat().st_size > 1_000_000) or process.poll() is not None)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=120)
    assert (process.returncode, out, told) == (130, b"", b"groundstation: interrupted\n")
    assert [each.name for each in folder.iterdir()] == ["out.csv"]
    assert (folder / "out.csv").read_text() == "older"


# -- groundstation run -----------------------------------------------------------------------------------------------


class Station:
    """``groundstation run`` as a process of its own."""

    def __init__(self, campaign: Path, *more: str) -> None:
        self.errors = campaign.with_suffix(".err")
        command = [*GROUNDSTATION, "run", str(campaign), "--no-console", "--json", *more]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)

    @property
    def log(self) -> str:
        return self.errors.read_text()

    def stop(self) -> dict[str, Any]:
        """Ctrl-C; what it says at the end."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, self.log
        assert "Traceback" not in self.log
        assert out.count(b"\n") == 1
        told: dict[str, Any] = json.loads(out)
        _balanced(told)
        return told


@pytest.fixture
def station() -> Any:
    """``station(campaign)``: a station that does not outlive its test."""
    made: list[Station] = []

    def started(campaign: Path, *more: str) -> Station:
        made.append(Station(campaign, *more))
        return made[-1]

    yield started
    for each in made:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()


class Vehicle:
    """Sends datagrams of a framed sparrow."""

    def __init__(self, port: int) -> None:
        self._socket, self._port, self.count = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), port, 0
        self._framer = framer("cobs", check="crc-16/ibm-3740")

    def send(self, packets: int) -> int:
        """So many packets; the bytes of them."""
        size = 0
        for _ in range(packets):
            size += self._socket.sendto(self.stream(self.count), ("127.0.0.1", self._port))
            self.count += 1
        return size

    def stream(self, count: int) -> bytes:
        """The bytes of the packet of that number."""
        return self._framer.encode([state_packet(count, 10.0)])

    def close(self) -> None:
        self._socket.close()


async def test_a_campaign_received_by_udp_is_counted_and_recorded(sparrow, station, eventually, tmp_path, subscriber):
    port = free_port()
    campaign = sparrow(f"udp:127.0.0.1:{port}")
    running = station(campaign)
    await eventually(lambda: "radio: open" in running.log)
    url = running.log.partition("the bus is ")[2].partition(",")[0]
    vehicle = Vehicle(port)
    async with subscriber(url) as seen:
        size = vehicle.send(200)
        vehicle._socket.sendto(b"\x05junk\x00", ("127.0.0.1", port))
        await eventually(lambda: len(seen.values("state", "altitude")) == 200)
    vehicle.close()
    told = running.stop()
    link = told["links"]["radio"]
    assert (told["packets"], link["frames"], link["bytes_in"]) == ({"state": 200}, 200, size + 6)
    assert (link["discarded"], link["crc_failures"], link["sequence_gaps"]) == (6, 1, 0)
    assert [event["name"] for event in told["events"] if event["kind"] == "link"] == ["receiving"]
    again = groundstation("decode", told["recording"], "--campaign", campaign, "--json")
    assert again.returncode == 0, again.stderr
    decoded = json.loads(again.stdout)
    assert (decoded["links"], decoded["packets"]) == (told["links"], told["packets"])
    assert decoded["damage"] == {"discarded": 0, "notes": []}


async def test_a_port_in_use_is_said_and_taken_when_it_is_free(sparrow, station, eventually):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        running = station(sparrow(f"udp:127.0.0.1:{port}"))
        await eventually(lambda: "in use" in running.log)
        assert running.process.poll() is None
    await eventually(lambda: "radio: open" in running.log)
    vehicle = Vehicle(port)
    vehicle.send(3)
    vehicle.close()
    await eventually(lambda: "is there" in running.log)
    told = running.stop()
    assert [event["name"] for event in told["events"] if event["kind"] == "link"][:2] == ["lost", "receiving"]


async def test_a_missing_serial_port_is_said_and_waited_for(sparrow, station, eventually, tmp_path):
    running = station(sparrow(f"serial:{tmp_path}/no-such-port"))
    await eventually(lambda: "no-such-port" in running.log and "is there" in running.log)
    assert running.process.poll() is None
    told = running.stop()
    assert (told["links"]["radio"]["bytes_in"], told["packets"]) == (0, {})
    assert [str(each) for each in (tmp_path / "recordings").iterdir()] == [told["recording"]]


async def test_a_broker_that_is_not_there_does_not_keep_it_from_recording(sparrow, station, eventually, tmp_path):
    port = free_port()
    campaign = sparrow(f"udp:127.0.0.1:{port}", f'[mqtt]\nurl = "mqtt://127.0.0.1:{free_port()}"\n')
    running = station(campaign)
    await eventually(lambda: "radio: open" in running.log)
    vehicle = Vehicle(port)
    vehicle.send(50)
    recordings, last = tmp_path / "recordings", vehicle.stream(49)
    await eventually(lambda: any(last in each.read_bytes() for each in recordings.glob("*.mcap")))
    vehicle.close()
    told = running.stop()
    assert told["packets"] == {"state": 50}
    decoded = groundstation("decode", told["recording"], "--campaign", campaign, "--json")
    assert json.loads(decoded.stdout)["packets"] == {"state": 50}


def test_a_campaign_with_a_mistake_ends_with_2_and_records_nothing(sparrow, tmp_path):
    campaign = sparrow("udp:5000", "[recordng]\n")
    for command in ("run", "check"):
        told = said(groundstation(command, campaign), 2)
        assert f"{campaign}: recordng: is no key here; did you mean 'recording'?" in told
    assert not (tmp_path / "recordings").exists()


def test_a_recording_that_cannot_be_made_is_said(sparrow, tmp_path):
    (tmp_path / "file").touch()
    campaign = sparrow(f"udp:127.0.0.1:{free_port()}", '[recording]\ndirectory = "file"\n')
    told = said(groundstation("run", campaign, "--no-console"), 1)
    assert f"{tmp_path}/file" in told
