"""Serial ports against real ptys: set-up, names, exclusive use, unplugging, and many bytes."""

import array
import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import termios
import tty
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

from hardware.arrivals import HELD_MAX, TURN_MAX
from hardware.devices import found, identity
from hardware.source import source
from hardware.sources.serial import Serial
from protocols.chunk import Chunk
from protocols.errors import AddressError, SourceLost, SourceUnavailable

Forbidden = Callable[[Path], AbstractContextManager[None]]
TCGETS2 = 0x802C542A
"""asm-generic/ioctls.h: termios with the rate as a number, c_ospeed at word 10."""


class Pty:
    """A cable: ``end`` is the vehicle's side, ``path`` the port."""

    def __init__(self) -> None:
        self.end, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.end, data) :]

    def unplug(self) -> None:
        for fd in (self.end, self.slave):
            if fd >= 0:
                os.close(fd)
        self.end = self.slave = -1


@pytest.fixture
def pty() -> Iterator[Pty]:
    made = Pty()
    yield made
    made.unplug()


async def taken(opened: Serial, size: int) -> bytes:
    chunks: list[Chunk] = []
    async with asyncio.timeout(120):
        while sum(len(each.data) for each in chunks) < size:
            chunks += await opened.receive()
    return b"".join(each.data for each in chunks)


def started(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def serial(path: str, query: str = "") -> Serial:
    made = source(f"serial:{path}{query}", "umbilical")
    assert isinstance(made, Serial)
    return made


def usb(device: str, vid: int = 0x0403, pid: int = 0x6001, number: str | None = "A50285BI") -> ListPortInfo:
    """A port as pyserial lists it."""
    port = ListPortInfo(device)
    port.vid, port.pid, port.serial_number, port.product = vid, pid, number, "FT232R USB UART"
    port.apply_usb_info()
    return port


@pytest.mark.parametrize("baud", [50, 9600, 57600, 115200, 250000, 921600, 1234567, 4000000, 12000000])
async def test_any_rate_is_set_on_the_device(pty: Pty, baud: int) -> None:
    async with serial(pty.path, f"?baud={baud}") as opened:
        words = array.array("i", bytes(64 * 4))
        fcntl.ioctl(pty.slave, TCGETS2, words)
        assert words[10] == baud
        assert opened.state["baud"] == baud
        pty.write(b"\x00\x03\x0d\x11\x13\x1a\x7f\xff")
        assert await taken(opened, 8) == b"\x00\x03\x0d\x11\x13\x1a\x7f\xff"


async def test_nothing_is_translated_whatever_the_port_was_set_to_before(pty: Pty) -> None:
    every = bytes(range(256)) * 4
    attributes = termios.tcgetattr(pty.slave)
    attributes[0] |= termios.ICRNL | termios.IXON | termios.ISTRIP | termios.INLCR
    attributes[3] |= termios.ICANON | termios.ECHO | termios.ISIG
    termios.tcsetattr(pty.slave, termios.TCSANOW, attributes)
    async with serial(pty.path) as opened:
        pty.write(every)
        assert await taken(opened, len(every)) == every


@pytest.mark.parametrize(("query", "flag"), [("?rtscts=true", 2), ("?xonxoff=true", 0), ("?stopbits=2", 2)])
async def test_options_reach_the_device(pty: Pty, query: str, flag: int) -> None:
    bits = {"?rtscts=true": termios.CRTSCTS, "?xonxoff=true": termios.IXON, "?stopbits=2": termios.CSTOPB}[query]
    async with serial(pty.path):
        assert not termios.tcgetattr(pty.slave)[flag] & bits
    async with serial(pty.path, query):
        assert termios.tcgetattr(pty.slave)[flag] & bits


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("baud=0", "above 0"),
        ("baud=-9600", "above 0"),
        ("baud=fast", "a whole number"),
        ("parity=X", "want one of N, E, O, M, S"),
        ("bytesize=9", "want one of 5, 6, 7, 8"),
        ("stopbits=3", "want one of 1, 1.5, 2"),
    ],
)
def test_settings_no_port_can_have(query: str, said: str) -> None:
    with pytest.raises(AddressError, match=said):
        serial("/dev/ttyUSB0", f"?{query}")


async def test_a_second_opening_is_refused_until_the_first_closes(pty: Pty) -> None:
    first, second = serial(pty.path), serial(pty.path)
    await first.open()
    for _ in range(3):
        with pytest.raises(SourceUnavailable, match=r"in use by another program; close that \(fuser /dev/pts/"):
            await second.open()
    pty.write(b"still mine")
    assert await taken(first, 10) == b"still mine"
    await first.close()
    async with second:
        pty.write(b"mine now")
        assert await taken(second, 8) == b"mine now"


async def test_a_port_another_process_has(pty: Pty) -> None:
    program = (
        "import serial, sys; port = serial.Serial(sys.argv[1], exclusive=True); print('mine', flush=True); input()"
    )
    other = started(sys.executable, "-c", program, pty.path)
    assert other.stdin is not None
    assert other.stdout is not None
    with other:
        assert other.stdout.readline() == b"mine\n"
        with pytest.raises(SourceUnavailable, match="in use by another program"):
            await serial(pty.path).open()
        async with serial(pty.path, "?exclusive=false"):
            pass
        other.stdin.close()
    async with serial(pty.path):
        pass


async def test_no_permission_names_the_group(pty: Pty, forbidden: Forbidden) -> None:
    with forbidden(Path(pty.path)), pytest.raises(SourceUnavailable, match=r"no permission .*dialout .*log in again"):
        await serial(pty.path).open()


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", __file__])
async def test_what_is_no_serial_port(path: str) -> None:
    with pytest.raises(SourceUnavailable, match="is not a serial port; plug it in"):
        await serial(path).open()


async def test_a_folder_and_a_path_through_a_file() -> None:
    for path in ("/dev", "/dev/null/ttyUSB0"):
        with pytest.raises(SourceUnavailable, match=r"; .*check the device"):
            await serial(path).open()


@pytest.mark.parametrize(
    ("query", "said"), [("parity=e", "8E1"), ("bytesize=7", "7N1"), ("parity=S&bytesize=5", "5S1")]
)
async def test_settings_the_device_does_not_keep_are_told(
    pty: Pty, query: str, said: str, eventually: Callable[..., Awaitable[None]]
) -> None:
    """Linux ptys take any, and keep 8 bits without parity."""
    before = set(Path("/proc/self/fd").iterdir())  # noqa: ASYNC240  # not a disk
    with pytest.raises(SourceUnavailable, match=f"does not do 115200 {said}; choose"):
        await serial(pty.path, f"?{query}").open()
    await eventually(lambda: set(Path("/proc/self/fd").iterdir()) <= before)


async def test_unplugged_with_bytes_unread_gives_them_first(
    pty: Pty, eventually: Callable[..., Awaitable[None]]
) -> None:
    async with serial(pty.path) as opened:
        pty.write(b"last words")
        assert opened._arrivals is not None
        await eventually(lambda: opened._arrivals and opened._arrivals._held)
        pty.unplug()
        await eventually(lambda: opened._arrivals and opened._arrivals._loss)
        assert await taken(opened, 10) == b"last words"
        for _ in range(2):
            with pytest.raises(SourceLost, match=r"serial:/dev/pts/\d+: unplugged \(.*\); plug it in again"):
                await opened.receive()


async def test_200_unplugs_with_the_name_moving(tmp_path: Path) -> None:
    """As a by-id link points to another /dev name after each plugging in."""
    name = tmp_path / "usb-OneSpace_umbilical-if00"
    opened = serial(str(name))
    devices, kept = set(), []
    for cycle in range(200):
        with pytest.raises(SourceUnavailable, match="no such device; plug it in"):
            await opened.open()
        if cycle % 3 == 0:
            kept.append(Pty())  # takes the number just freed, so that the next differs
        pty = Pty()
        name.symlink_to(pty.path)
        await opened.open()
        assert opened.state["device"] == pty.path
        devices.add(pty.path)
        sent = os.urandom(1 + cycle * 17)
        for at in range(0, len(sent), 100):
            pty.write(sent[at : at + 100])
        assert await taken(opened, len(sent)) == sent
        waiting = asyncio.create_task(opened.receive())
        await asyncio.sleep(0)
        name.unlink()
        pty.unplug()
        with pytest.raises(SourceLost, match="unplugged"):
            await asyncio.wait_for(waiting, 120)
        await opened.close()
    for each in kept:
        each.unplug()
    assert len(devices) > 50


@pytest.mark.parametrize("name", ["usb:0403:6001", "usb:0403:6001:A50285BI", "sn:A50285BI"])
async def test_found_by_its_usb_identity_under_any_name(name: str) -> None:
    plugged: list[ListPortInfo] = [ListPortInfo("/dev/ttyS0"), usb("/dev/ttyACM7", 0x2E8A, 0x000A, "E660")]
    opened = Serial("umbilical", name, listing=lambda: plugged)
    with pytest.raises(SourceUnavailable, match=r"no such device; .*/dev/ttyACM7 \(usb:2e8a:000a:E660"):
        await opened.open()
    for _ in range(3):
        pty = Pty()
        plugged.append(usb(pty.path))
        async with opened:
            assert opened.state["device"] == pty.path
            pty.write(b"here")
            assert await taken(opened, 4) == b"here"
        plugged.pop()
        pty.unplug()


def test_two_that_fit_are_both_named_and_none_is_taken() -> None:
    ports = [usb("/dev/ttyUSB0", number="A1"), usb("/dev/ttyUSB1", number="B2")]
    with pytest.raises(
        LookupError, match=r"2 ports fit: /dev/ttyUSB0 .*A1.*/dev/ttyUSB1 .*B2.*; add the serial number"
    ):
        found("usb:0403:6001", ports)
    assert found("usb:0403:6001:B2", ports) == "/dev/ttyUSB1"
    assert found("sn:A1", ports) == "/dev/ttyUSB0"


def test_a_serial_number_may_hold_colons() -> None:
    assert identity("usb:303a:1001:F4:12:FA:00:11:22") == (0x303A, 0x1001, "F4:12:FA:00:11:22")


@pytest.mark.parametrize("name", ["ttyUSB0", "usb:", "usb:0403", "usb:zz:6001", "sn:", "COM3"])
def test_names_that_name_no_port(name: str) -> None:
    with pytest.raises(AddressError, match="names no serial port; want /dev/NAME, usb:VID:PID"):
        source(f"serial:{name}", "umbilical")


async def test_ten_megabytes_intact(pty: Pty) -> None:
    sent = os.urandom(10_000_000)
    async with serial(pty.path) as opened:
        writing = asyncio.create_task(asyncio.to_thread(pty.write, sent))
        assert await taken(opened, len(sent)) == sent
        await writing
        assert opened.state["device"] == pty.path


async def test_what_nobody_asks_for_is_bounded_and_not_lost(
    pty: Pty, eventually: Callable[..., Awaitable[None]]
) -> None:
    sent = os.urandom(HELD_MAX + 3 * TURN_MAX)
    async with serial(pty.path) as opened:
        arrivals = opened._arrivals
        assert arrivals is not None
        writing = asyncio.create_task(asyncio.to_thread(pty.write, sent))
        await eventually(lambda: not arrivals._watching)
        assert sum(len(each.data) for each in arrivals._held) <= HELD_MAX + TURN_MAX
        assert not writing.done()
        assert await taken(opened, len(sent)) == sent
        await writing


async def test_socat_dies(tmp_path: Path, eventually: Callable[..., Awaitable[None]]) -> None:
    """Another program's pty, killed."""
    socat = shutil.which("socat")
    if socat is None:
        pytest.skip("socat is not installed")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    cable = started(socat, f"PTY,link={ours},raw,echo=0", f"PTY,link={theirs},raw,echo=0")
    try:
        await eventually(lambda: ours.exists() and theirs.exists())
        async with serial(str(ours)) as opened:
            theirs.write_bytes(b"through socat")
            assert await taken(opened, 13) == b"through socat"
            cable.kill()
            with pytest.raises(SourceLost, match="plug it in again"):
                await asyncio.wait_for(opened.receive(), 120)
    finally:
        cable.kill()
        cable.communicate()


def test_imports_nothing_heavy() -> None:
    program = """if True:
        import sys
        from hardware.source import source
        source("serial:/dev/ttyUSB0?baud=921600", "umbilical")
        heavy = {"numpy", "textual", "construct", "pydantic", "aiomqtt", "mcap", "msgspec", "orjson", "fastcrc"}
        print(sorted(heavy & set(sys.modules)))
    """
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
