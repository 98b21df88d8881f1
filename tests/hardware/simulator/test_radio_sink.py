"""The simulator's radio against our own rtl_tcp source, a bare socket, and its recordings read back."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hardware.endpoint import Endpoint
from hardware.simulator.downlink import Air, Radio
from hardware.simulator.radio_address import radio_address
from hardware.simulator.radio_file import record
from hardware.simulator.radio_sink import HELD_MAX, RtlTcpSink, rtl_tcp_sink
from hardware.simulator.telemetry import OsxTelemetry
from hardware.simulator.trajectory import fly
from hardware.source import source
from protocols.errors import AddressError, SourceUnavailable
from protocols.modem.transmitter_table import Transmitter
from protocols.signal import Signal
from replay.sample_opening import open_sample_file

Eventually = Callable[..., Awaitable[None]]
SIGNAL = Signal("cu8", 250_000, 437_500_000)
FSK = Transmitter.of({"modem": {"kind": "fsk", "baud": 9600}, "framing": "ax100_golay"})
AIR = Air(eb_n0=16)
PACKETS = [bytes([number]) * 30 for number in range(8)]


def made(signal: Signal = SIGNAL, air: Air = AIR) -> RtlTcpSink:
    return RtlTcpSink(Endpoint("127.0.0.1", 0), Radio(FSK, air), signal)


async def bytes_of(reader: asyncio.StreamReader, size: int) -> bytes:
    async with asyncio.timeout(120):
        return await reader.readexactly(size)


async def test_our_source_receives_what_is_sent() -> None:
    async with made() as sink, source(sink.address, "radio") as opened, asyncio.timeout(120):
        assert opened.signal == SIGNAL
        receiver = FSK.receiver(SIGNAL)
        got: list[bytes] = []
        await opened.receive()
        await sink.write(PACKETS)
        while len(got) < len(PACKETS):
            for chunk in await opened.receive():
                got += [frame.body for frame in receiver.receive(SIGNAL.array(chunk.data))]
        assert opened.state["tuner"] == "R820T"
    assert got == PACKETS
    assert (sink.written, sink.dropped, sink.lost) == (240, 0, 0)


async def test_it_greets_and_does_as_it_is_told() -> None:
    async with made() as sink:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(sink.address.split(":")[2].split("?")[0]))
        assert await bytes_of(reader, 12) == struct.pack(">4sII", b"RTL0", 5, 29)
        for command in (
            b"\x02\x00\x10\x00\x00",
            b"\x01\x1a\x00",
            b"\x00\x00",
            b"\x04\x00\x00\x01\x2c",
            b"\xff\0\0\0\0",
        ):
            writer.write(command)
            await writer.drain()
            await bytes_of(reader, 10_000)
        async with asyncio.timeout(120):
            while sink.signal != Signal("cu8", 1 << 20, 0x1A000000):
                await bytes_of(reader, 10_000)
        writer.write(b"\x02\x00\x00\x00\x05\x02\x00\x00\x00\x00")  # rates that cannot be are ignored
        writer.write(b"\x02\xff\xff\xff\xff")  # and those that no dongle gives
        writer.write(b"\x01\x1a\x00\x00\x01")
        async with asyncio.timeout(120):
            while sink.signal.frequency != 0x1A000001:
                await bytes_of(reader, 10_000)
        assert sink.signal.rate == 1 << 20
        writer.close()


async def test_a_second_client_is_turned_away_and_the_next_one_served(eventually: Eventually) -> None:
    async with made() as sink:
        first = source(sink.address, "first")
        async with first:
            with pytest.raises(SourceUnavailable):
                await source(f"{sink.address}&timeout=5", "second").open()
            assert await first.receive()
        await eventually(lambda: sink._client is None)
        async with source(sink.address, "third") as third:
            assert await third.receive()


async def test_to_a_client_that_does_not_read_samples_are_lost_and_memory_is_bounded(eventually: Eventually) -> None:
    async with made(Signal("cu8", 250_000, 0), Air(eb_n0=None)) as sink:
        with socket.create_connection(("127.0.0.1", int(sink.address.split(":")[2].split("?")[0]))):
            await eventually(lambda: sink._client)
            client = sink._client
            assert client is not None
            while not sink.lost:
                sink._give(1_000_000)  # sooner than in real time
                assert client.transport.get_write_buffer_size() <= HELD_MAX + 2_000_000
                await asyncio.sleep(0)


async def test_what_was_written_is_on_the_air_when_it_has_finished() -> None:
    async with made() as sink:
        await sink.write(PACKETS)
        assert sink._downlink.waiting
        await sink.finish()
        assert not sink._downlink.waiting


async def test_a_port_in_use_is_said() -> None:
    async with made() as sink:
        another = RtlTcpSink(sink._where, Radio(FSK), SIGNAL)
        with pytest.raises(SourceUnavailable, match="the port is in use; choose another"):
            await another.open()


def test_addresses() -> None:
    read = radio_address("rtl_tcp:0.0.0.0:1234?frequency=437.5M&rate=250k")
    assert (read.kind, read.target, read.signal) == ("rtl_tcp", "0.0.0.0:1234", SIGNAL)
    assert rtl_tcp_sink("", read, Radio(FSK)).address == "rtl_tcp:0.0.0.0:1234?frequency=437.5M&rate=250k"
    read = radio_address("sigmf:a/b.sigmf-data?format=cf32_le")
    assert (read.target, read.signal) == ("a/b.sigmf-data", Signal("cf32_le", 2_400_000, 2_245_500_000))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("rtl_tcp:", "want rtl_tcp:HOST:PORT"),
        ("sigmf:?rate=1M", "want rtl_tcp:HOST:PORT"),
        ("hackrf:1", "want rtl_tcp:HOST:PORT"),
        ("rtl_tcp:1234?gain=3", "no option 'gain'; want one of frequency, rate"),
        ("rtl_tcp:1234?rate=fast", "rate='fast': want a number"),
        ("sigmf:x?format=cu12", "no such format"),
    ],
)
def test_addresses_that_cannot_be(address: str, said: str) -> None:
    with pytest.raises(AddressError) as caught:
        radio_address(address)
    assert said in str(caught.value)
    with pytest.raises(AddressError, match="HOST:PORT"):
        rtl_tcp_sink("rtl_tcp:nowhere", radio_address("rtl_tcp:nowhere"), Radio(FSK))


def test_a_recording_has_every_packet_at_its_time(tmp_path: Path) -> None:
    telemetry = OsxTelemetry(flight=fly(0.02), framed=False)
    signal = Signal("ci16_le", 600_000, 2_245_500_000)
    fast = Transmitter.of({"modem": {"kind": "fsk", "baud": 150_000}, "framing": "ax100_golay"})
    start = 1_790_000_000_000_000_000
    path, packets, dropped = record(
        telemetry, Radio(fast, Air(eb_n0=16)), signal, tmp_path / "flight", begin=1.0, end=2.0, start_ns=start
    )
    expected = telemetry.window(1.0, 2.0)
    assert (packets, dropped) == (len(expected), 0)
    receiver, found = fast.receiver(signal), []
    recording = open_sample_file(path)
    assert (recording.signal, len(recording.captures)) == (signal, 1)
    assert abs(recording.captures[0].start_ns - start) <= 1
    assert recording.count == 2 * signal.rate
    with path.open("rb") as file:
        for piece in recording.pieces():
            found += receiver.receive(signal.array(recording.read(file.fileno(), piece)))
    found += receiver.finish()
    assert [frame.body for frame in found] == [packet for _, packet in expected]
    late = [1.0 + frame.end / signal.rate - time for frame, (time, _) in zip(found, expected, strict=True)]
    assert -0.01 < min(late) <= max(late) < 0.03
