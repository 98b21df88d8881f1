"""What is promised of the embedded broker beyond MQTT: loopback, ports, bounded memory, and no harm from any bytes."""

import asyncio
import contextlib
import socket

import aiomqtt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from groundstation.bus.broker import EmbeddedBroker
from groundstation.bus.broker_connection import Connection
from groundstation.bus.broker_exchange import Exchange
from groundstation.bus.broker_limits import BrokerLimits
from groundstation.bus.mqtt_packets import read_remaining_length
from groundstation.bus.mqtt_topics import filter_pattern
from protocols.errors import BusError

PATIENCE_S = 120.0


def port_of(broker: EmbeddedBroker) -> int:
    return int(broker.url.rpartition(":")[2])


def text(written: bytes) -> bytes:
    return len(written).to_bytes(2, "big") + written


def packet(first: int, body: bytes) -> bytes:
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    return bytes([first]) + length + body


def connect_packet(name: bytes, keep_alive: int = 60) -> bytes:
    return packet(0x10, text(b"MQTT") + b"\x04\x02" + keep_alive.to_bytes(2, "big") + text(name))


class Wire(asyncio.Transport):
    """The other end of a connection in memory: keeps what is written, and says that nobody reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.closed = bytearray(), False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return len(self.written)


async def test_it_listens_on_loopback_and_nowhere_else() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(
                ("192.0.2.1", 9)
            )  # RFC 5737: an address of nobody; a datagram socket sends nothing to connect
            own_address = probe.getsockname()[0]
        except OSError:
            pytest.skip("this machine has no address but loopback")
    async with EmbeddedBroker(port=0) as broker:
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection(own_address, port_of(broker))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "station.example"])
async def test_an_address_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(BusError, match=r"loopback only: use 127\.0\.0\.1 or name a real broker"):
        async with EmbeddedBroker(host):
            pass


async def test_a_named_port_that_is_in_use_is_an_error_that_says_so() -> None:
    async with EmbeddedBroker(port=0) as first:
        with pytest.raises(
            BusError, match=rf"mqtt://127\.0\.0\.1:{port_of(first)}: the port is in use: stop the program"
        ):
            async with EmbeddedBroker(port=port_of(first)):
                pass


async def test_the_default_port_gives_way_to_the_next_free_one() -> None:
    """Two at once: whatever else holds 1883 here, they come up on different ports and each serves its own clients."""
    async with EmbeddedBroker() as first, EmbeddedBroker() as second:
        assert 1883 <= port_of(first) < port_of(second)
        for broker in (first, second):
            async with aiomqtt.Client("127.0.0.1", port_of(broker)) as client:
                await client.publish("here", b"", qos=1)
            assert broker.counts.received == 1


async def test_the_port_is_free_again_when_it_has_stopped() -> None:
    async with EmbeddedBroker(port=0) as broker:
        port = port_of(broker)
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.publish("here", b"", qos=1)
    async with EmbeddedBroker(port=port) as again:
        assert port_of(again) == port


async def test_what_was_published_last_still_reaches_its_readers_when_it_stops() -> None:
    payload = bytes(1_000_000)
    async with EmbeddedBroker(port=0) as broker:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(broker), limit=1 << 25)
        writer.write(connect_packet(b"reader") + packet(0x82, b"\x00\x01" + text(b"#") + b"\x00"))
        assert await reader.readexactly(9) == b"\x20\x02\x00\x00\x90\x03\x00\x01\x00"
        async with aiomqtt.Client("127.0.0.1", port_of(broker)) as publisher:
            for _ in range(8):
                await publisher.publish("last", payload, qos=1)
    async with asyncio.timeout(PATIENCE_S):
        assert len(await reader.read()) == 8 * (1 + 3 + 2 + 4 + 1_000_000)
    writer.close()
    await writer.wait_closed()


async def stalled_reader(port: int, qos: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that subscribes to everything and then reads nothing, with a small socket buffer."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)  # noqa: FBT003 - socket's signature
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=raw)
    writer.write(connect_packet(b"stalled", 0) + packet(0x82, b"\x00\x01" + text(b"#") + bytes([qos])))
    assert await reader.readexactly(9) == b"\x20\x02\x00\x00\x90\x03\x00\x01" + bytes([qos])
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # typeshed: a WriteTransport; it is both
    return reader, writer


async def test_a_stalled_reader_loses_its_oldest_qos_0_messages_and_they_are_counted() -> None:
    """16 MB against a queue of 1 MB: delivered + dropped is all of it, and the newest are among the delivered."""
    async with EmbeddedBroker(port=0, limits=BrokerLimits(queue=1 << 20)) as broker:
        reader, writer = await stalled_reader(port_of(broker), qos=0)
        async with aiomqtt.Client("127.0.0.1", port_of(broker), max_queued_outgoing_messages=2000) as publisher:
            for at in range(1600):
                await publisher.publish("bulk", at.to_bytes(4, "big") + bytes(9_990), qos=1)
            assert broker.counts.dropped > 0
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            got: list[int] = []
            async with asyncio.timeout(PATIENCE_S):
                while not got or got[-1] != 1599:
                    head = await reader.readexactly(3 + 2 + 4)
                    assert head == b"\x30\x90\x4e\x00\x04bulk"
                    got.append(int.from_bytes((await reader.readexactly(9_994))[:4], "big"))
        assert got == sorted(set(got))
        assert len(got) + broker.counts.dropped == 1600
        assert len(got) == broker.counts.delivered
        writer.close()
        await writer.wait_closed()


async def test_a_reader_too_slow_for_qos_1_is_cut_off_rather_than_left_with_a_gap() -> None:
    async with EmbeddedBroker(port=0, limits=BrokerLimits(queue=1 << 20)) as broker:
        reader, writer = await stalled_reader(port_of(broker), qos=1)
        async with aiomqtt.Client("127.0.0.1", port_of(broker), max_queued_outgoing_messages=2000) as publisher:
            for _ in range(1600):
                await publisher.publish("bulk", bytes(10_000), qos=1)
        assert (broker.counts.cut_off, broker.counts.dropped) == (1, 0)
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(PATIENCE_S):
                await reader.read()
        writer.close()


async def test_what_is_retained_is_bounded_and_what_does_not_fit_is_still_delivered() -> None:
    async with EmbeddedBroker(port=0, limits=BrokerLimits(retained_topics=10)) as broker:
        address = ("127.0.0.1", port_of(broker))
        async with aiomqtt.Client(*address) as publisher, aiomqtt.Client(*address) as early:
            await early.subscribe("kept/#")
            for at in range(15):
                await publisher.publish(f"kept/{at}", b"x", qos=1, retain=True)
            live = [str((await anext(aiter(early.messages))).topic) for _ in range(15)]
            assert live == [f"kept/{at}" for at in range(15)]
            assert broker.counts.not_retained == 5
            async with aiomqtt.Client(*address) as late:
                await late.subscribe([("kept/#", 0), ("end", 0)])
                await publisher.publish("end", b"")
                kept = [str((await anext(aiter(late.messages))).topic) for _ in range(11)]
            assert kept == [*(f"kept/{at}" for at in range(10)), "end"]


async def test_connections_and_filters_are_bounded() -> None:
    async with EmbeddedBroker(port=0, limits=BrokerLimits(connections=2, filters=3)) as broker:
        address = ("127.0.0.1", port_of(broker))
        async with aiomqtt.Client(*address) as client, aiomqtt.Client(*address):
            reader, writer = await asyncio.open_connection(*address)
            assert await reader.read() == b""
            writer.close()
            granted = await client.subscribe([(f"filter/{at}", 1) for at in range(5)])
            assert [int(str(code.value)) for code in granted] == [1, 1, 1, 128, 128]  # type: ignore[union-attr]


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with EmbeddedBroker(port=0, limits=BrokerLimits(connect_s=0.1)) as broker:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(broker))
        async with asyncio.timeout(PATIENCE_S):
            assert await reader.read() == b""
        writer.close()


async def test_a_client_that_asks_on_without_reading_the_answers_is_cut_off() -> None:
    """PINGREQ upon PINGREQ, 2 bytes each way: the answers must not pile up beyond 256 KiB and a packet."""
    exchange, wire = Exchange(BrokerLimits(packet=10_000)), Wire()
    connection = Connection(exchange, set())
    connection.connection_made(wire)
    connection.data_received(connect_packet(b"asking"))
    connection.pause_writing()
    for _ in range(1000):
        if not wire.closed:
            connection.data_received(b"\xc0\x00" * 1000)
    connection.connection_lost(None)
    assert wire.closed
    assert 256 * 1024 < len(wire.written) < 256 * 1024 + 10_000 + 2 * 2000
    assert exchange.counts.cut_off == 1


LEVELS = st.sampled_from(["", "a", "b", "a.b", "$a", "é", "a b"])
FILTERS = st.lists(LEVELS | st.just("+"), min_size=1, max_size=4).flatmap(
    lambda levels: st.sampled_from(["/".join(levels), "/".join([*levels, "#"]), "#"])
)


@given(FILTERS, st.lists(LEVELS, min_size=1, max_size=5).map("/".join))
def test_filters_match_as_paho_matches_them(topic_filter: str, topic: str) -> None:
    pattern = filter_pattern(topic_filter.encode())
    if not topic_filter:
        assert pattern is None
    elif topic:
        assert pattern is not None
        assert bool(pattern.fullmatch(topic.encode())) == topic_matches_sub(topic_filter, topic)


@pytest.mark.parametrize("wrong", ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "a/b+/c", "##", "++"])
def test_what_is_no_filter_is_refused(wrong: str) -> None:
    assert filter_pattern(wrong.encode()) is None


def separated(written: bytes) -> tuple[list[bytes], list[bytes]]:
    """The answers and the messages, each in their order; how the two mix depends on what came together."""
    answers, messages, at = list[bytes](), list[bytes](), 0
    while at < len(written):
        start, length = read_remaining_length(written, at + 1)
        (messages if written[at] >> 4 == 3 else answers).append(written[at : start + length])
        at = start + length
    return answers, messages


def conversation(pieces: list[bytes]) -> tuple[list[bytes], list[bytes], bool]:
    """What a fresh broker answers to these pieces, and whether it closed; a bystander then still gets its message."""

    async def talk() -> tuple[list[bytes], list[bytes], bool]:
        exchange, connections = Exchange(BrokerLimits()), set[Connection]()
        wires = Wire(), Wire()
        ends = [Connection(exchange, connections) for _ in wires]
        for end, wire in zip(ends, wires, strict=True):
            end.connection_made(wire)
        ends[1].data_received(connect_packet(b"bystander") + packet(0x82, b"\x00\x01" + text(b"alive") + b"\x00"))
        for piece in pieces:
            if not wires[0].closed:
                ends[0].data_received(piece)
        answered, closed = bytes(wires[0].written), wires[0].closed
        ends[0].connection_lost(None)
        before = len(wires[1].written)
        ends[1].data_received(packet(0x30, text(b"alive") + b"yes"))
        assert bytes(wires[1].written[before:]) == packet(0x30, text(b"alive") + b"yes")
        ends[1].connection_lost(None)
        return *separated(answered), closed

    return asyncio.run(talk())


V5_CONNECT = packet(0x10, text(b"MQTT") + b"\x05\x06\x00\x3c\x00" + text(b"v5") + b"\x00" + text(b"w") + text(b"will"))
PACKETS = st.sampled_from(
    [
        packet(0x82, b"\x00\x01" + text(b"#") + b"\x01"),
        packet(0x82, b"\x00\x01\x00" + text(b"t/+") + b"\x29"),
        packet(0xA2, b"\x00\x02" + text(b"#")),
        packet(0x30, text(b"t/a") + b"payload"),
        packet(0x31, text(b"t/b") + b"\x00retained"),
        packet(0x32, text(b"t/c") + b"\x00\x05" + b"\x05\x02\x00\x00\x00\x09payload"),
        packet(0x34, text(b"t/d") + b"\x00\x06" + bytes(300)),
        b"\x62\x02\x00\x06",
        b"\x40\x02\x00\x01",
        b"\xc0\x00",
        b"\xe0\x00",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([connect_packet(b"x"), V5_CONNECT, b""]), st.lists(PACKETS, max_size=8), st.data())
def test_any_bytes_are_answered_or_end_the_connection_and_harm_nobody(
    connect: bytes, packets: list[bytes], data: st.DataObject
) -> None:
    """True packets with any bytes of them replaced, cut or added."""
    stream = bytearray(b"".join([connect, *packets]))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(stream)))
        stream[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    conversation([bytes(stream)])


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([connect_packet(b"x"), V5_CONNECT]), st.lists(PACKETS, max_size=8), st.data())
def test_how_the_stream_is_cut_changes_nothing(connect: bytes, packets: list[bytes], data: st.DataObject) -> None:
    stream = b"".join([connect, *packets])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    whole = conversation([stream])
    assert whole[0]  # the CONNACK at least
    assert conversation(pieces) == whole
    assert conversation([bytes([byte]) for byte in stream]) == whole
