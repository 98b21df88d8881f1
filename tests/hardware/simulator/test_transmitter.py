"""The transmitter's pace by a clock that the test holds, and its sinks against real receivers."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from math import inf, nan

import pytest

from hardware.simulator.telemetry import OsxTelemetry
from hardware.simulator.trajectory import fly
from hardware.simulator.transmitter import TICK, PtySink, Sink, UdpSink, sink, transmit
from hardware.source import source
from protocols.errors import AddressError, SourceLost, SourceUnavailable


@pytest.fixture(scope="module")
def telemetry() -> OsxTelemetry:
    return OsxTelemetry(flight=fly(0.02))


class HeldClock:
    """A clock that goes forward by what is slept, and by what the test adds."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.oversleep: dict[int, float] = {}
        self.slept = 0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept += 1
        self.time += seconds + self.oversleep.get(self.slept, 0.0)
        await asyncio.sleep(0)


class Noted(Sink):
    """Keeps what was written, with the time."""

    def __init__(self, clock: HeldClock) -> None:
        super().__init__()
        self.clock = clock
        self.writes: list[tuple[float, list[bytes]]] = []

    @property
    def address(self) -> str:
        return "noted:"

    async def open(self) -> None:
        self.writes.clear()

    async def write(self, packets: Sequence[bytes]) -> None:
        self.writes.append((self.clock.time - 1_000.0, list(packets)))

    async def close(self) -> None:
        pass

    @property
    def packets(self) -> list[bytes]:
        return [packet for _, packets in self.writes for packet in packets]


async def noted(telemetry: OsxTelemetry, clock: HeldClock, speed: float, begin: float, end: float) -> Noted:
    out = Noted(clock)
    count = await transmit(telemetry, out, speed=speed, begin=begin, end=end, now=clock.now, sleep=clock.sleep)
    assert count == len(out.packets)
    return out


@pytest.mark.parametrize("speed", [0.5, 1.0, 3.0, 10.0])
async def test_every_packet_leaves_when_it_is_due_and_no_later_than_a_tick_after(
    telemetry: OsxTelemetry, speed: float
) -> None:
    out = await noted(telemetry, HeldClock(), speed, -1.0, 3.0)
    expected = telemetry.window(-1.0, 3.0)
    assert out.packets == [packet for _, packet in expected]
    left = [time for time, packets in out.writes for _ in packets]
    late = [at - (time + 1.0) / speed for at, (time, _) in zip(left, expected, strict=True)]
    assert min(late) > -1e-9
    assert max(late) <= TICK + 1e-9


async def test_a_late_tick_is_made_up_for_in_one_write_and_delays_nothing_after_it(telemetry: OsxTelemetry) -> None:
    clock = HeldClock()
    clock.oversleep[50] = 0.4
    out = await noted(telemetry, clock, 1.0, 10.0, 12.0)
    expected = telemetry.window(10.0, 12.0)
    assert out.packets == [packet for _, packet in expected]
    assert max(len(packets) for _, packets in out.writes) == pytest.approx(0.4 * 190, abs=4)
    left = [time for time, packets in out.writes for _ in packets]
    after = [at - (time - 10.0) for at, (time, _) in zip(left, expected, strict=True) if time > 10.7]
    assert 0.0 <= min(after) <= max(after) <= TICK + 1e-9


async def test_nothing_drifts_over_a_minute(telemetry: OsxTelemetry) -> None:
    clock = HeldClock()
    clock.oversleep = dict.fromkeys(range(1, 100_000), 0.0011)  # a timer that always wakes late
    out = await noted(telemetry, clock, 1.0, 0.0, 60.0)
    left = [time for time, packets in out.writes for _ in packets]
    last, _ = telemetry.window(0.0, 60.0)[-1]
    assert left[-1] - last <= TICK + 0.0011 + 1e-9


async def test_as_fast_as_possible_keeps_the_order_and_loses_nothing(telemetry: OsxTelemetry) -> None:
    clock = HeldClock()
    out = await noted(telemetry, clock, inf, 0.0, 50.0)
    assert out.packets == [packet for _, packet in telemetry.window(0.0, 50.0)]
    assert clock.time - 1_000.0 <= 2 * TICK
    assert max(len(packets) for _, packets in out.writes) <= 191  # a second of flight, then the others' turn


async def test_the_whole_flight_is_sent_when_no_part_of_it_is_named(telemetry: OsxTelemetry) -> None:
    clock = HeldClock()
    out = Noted(clock)
    count = await transmit(telemetry, out, speed=inf, now=clock.now, sleep=clock.sleep)
    assert count == len(telemetry.window(telemetry.start, telemetry.end)) > 63_000


async def test_cancelling_stops_it_with_whole_packets_sent(
    telemetry: OsxTelemetry, eventually: Callable[..., Awaitable[None]]
) -> None:
    clock = HeldClock()
    out = Noted(clock)
    task = asyncio.create_task(transmit(telemetry, out, begin=0.0, now=clock.now, sleep=clock.sleep))
    await eventually(lambda: len(out.packets) > 100)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    expected = [packet for _, packet in telemetry.window(0.0, 100.0)]
    assert out.packets == expected[: len(out.packets)]


@pytest.mark.parametrize("speed", [0.0, -1.0, nan])
async def test_a_speed_that_leads_nowhere_is_refused(telemetry: OsxTelemetry, speed: float) -> None:
    with pytest.raises(ValueError, match="give more than 0"):
        await transmit(telemetry, Noted(HeldClock()), speed=speed)


# Sinks.


async def test_a_serial_source_receives_every_byte_from_the_pty(telemetry: OsxTelemetry) -> None:
    expected = b"".join(packet for _, packet in telemetry.window(0.0, 30.0))
    got = bytearray()
    async with sink("pty:") as out:
        assert out.address.startswith("serial:/dev/")
        assert out.address.endswith("?baud=921600")
        async with source(out.address, "umbilical") as line, asyncio.timeout(120), asyncio.TaskGroup() as tasks:
            tasks.create_task(transmit(telemetry, out, speed=inf, begin=0.0, end=30.0))
            while len(got) < len(expected):
                for chunk in await line.receive():
                    got += chunk.data
        assert (out.written, out.dropped) == (len(expected), 0)
    assert bytes(got) == expected


async def test_a_pty_that_nobody_reads_drops_and_counts_and_works_again_once_read(telemetry: OsxTelemetry) -> None:
    out = PtySink()
    async with out:
        async with asyncio.timeout(120):
            await transmit(telemetry, out, speed=inf, begin=0.0, end=30.0)
        total = sum(len(packet) for _, packet in telemetry.window(0.0, 30.0))
        assert out.written + out.dropped == total
        assert out.dropped > 0
        reader = os.open(
            out.address.removeprefix("serial:").partition("?")[0], os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
        )
        try:
            kept = await drained(reader, out.written)
            assert len(kept) == out.written
            before = out.dropped
            await out.write([b"again", b"\0"])
            assert await drained(reader, 6) == b"again\0"
            assert out.dropped == before
        finally:
            os.close(reader)


async def drained(fd: int, size: int) -> bytes:
    """So many bytes from a descriptor, which must come."""
    got = b""
    async with asyncio.timeout(120):
        while len(got) < size:
            try:
                got += os.read(fd, 65_536)
            except BlockingIOError:
                await asyncio.sleep(0.001)
    return got


async def test_closing_the_pty_pulls_the_cable() -> None:
    out = PtySink()
    await out.open()
    line = source(out.address, "umbilical")
    async with line:
        await out.close()
        with pytest.raises(SourceLost, match=r"serial:/dev/"):
            async with asyncio.timeout(120):
                await line.receive()
    await out.close()
    await out.write([b"nobody"])
    assert out.dropped == 6


async def test_udp_sends_one_datagram_for_each_packet(telemetry: OsxTelemetry) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(120.0)
        port = receiver.getsockname()[1]
        async with UdpSink("127.0.0.1", port) as out:
            assert out.address == f"udp:127.0.0.1:{port}"
            expected = [packet for _, packet in telemetry.window(0.0, 0.5)]
            assert await transmit(telemetry, out, speed=inf, begin=0.0, end=0.5) == len(expected)
            assert [receiver.recv(65_536) for _ in expected] == expected
            assert (out.written, out.dropped) == (sum(map(len, expected)), 0)


async def test_udp_to_nobody_harms_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    out = UdpSink("127.0.0.1", port)
    async with out:
        for _ in range(3):
            await out.write([b"into the blue"])
    await out.write([b"closed"])
    assert (out.written, out.dropped) == (39, 6)


async def test_a_host_that_cannot_be_is_said_to_be() -> None:
    out = sink("udp:no..host:5000")
    with pytest.raises(SourceUnavailable, match=r"no host is called 'no\.\.host'.*give its IP address"):
        await out.open()


def test_sinks_are_named_by_address() -> None:
    assert isinstance(sink("pty:"), PtySink)
    assert sink("udp:127.0.0.1:5000").address == "udp:127.0.0.1:5000"
    assert sink("udp:5000").address == "udp:127.0.0.1:5000"
    assert sink("udp:[::1]:5000").address == "udp:[::1]:5000"


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("", "want pty:, udp:HOST:PORT, or of a radio"),
        ("pty", "want pty:, udp:HOST:PORT, or of a radio"),
        ("tcp:127.0.0.1:5000", "want pty:, udp:HOST:PORT, or of a radio"),
        ("pty:/dev/pts/4", "write pty: alone"),
        ("pty:?baud=9600", "no options"),
        ("udp:127.0.0.1", "does not end with a port"),
        ("udp:127.0.0.1:0", "want 1 to 65535"),
        ("udp:127.0.0.1:70000", "from 0 to 65535"),
        ("udp:127.0.0.1:5000?ttl=4", "no options"),
        ("udp:::1:5000", "in brackets"),
    ],
)
def test_addresses_that_name_no_sink_say_what_is_wanted(address: str, problem: str) -> None:
    with pytest.raises(AddressError, match=problem) as caught:
        sink(address)
    assert repr(address) in str(caught.value)
