"""What a broker must do to carry the bus, held against the embedded one and, to judge these tests, against mosquitto.

Set GROUNDSTATION_TEST_BROKER to a command with {port} in it to hold another broker against it. It is started for each
test, and must listen on loopback and allow anonymous clients, packets of 2 MB and queues of 20,000 messages.
"""

import asyncio
import contextlib
import os
import shlex
import shutil
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from groundstation.bus.broker import EmbeddedBroker

NAMED = os.environ.get("GROUNDSTATION_TEST_BROKER")
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MOSQUITTO_SETTINGS = """listener {port} 127.0.0.1
allow_anonymous true
persistence false
log_type none
max_queued_messages 20000
max_inflight_messages 1000
max_packet_size 2097152
"""
PATIENCE_S = 120.0
SENTINEL = b"that was all"


@pytest.fixture(params=["embedded", "mosquitto", *(["named"] if NAMED else [])])
async def port(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[int]:
    """The port on loopback where the broker under test listens."""
    if request.param == "embedded":
        async with EmbeddedBroker(port=0) as broker:
            yield int(broker.url.rpartition(":")[2])
        return
    if request.param == "mosquitto" and MOSQUITTO is None:
        pytest.skip("no mosquitto on this machine")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = int(probe.getsockname()[1])
    command = shlex.split(str(NAMED).format(port=free))
    if request.param == "mosquitto":
        (tmp_path / "mosquitto.conf").write_text(MOSQUITTO_SETTINGS.format(port=free))
        command = [str(MOSQUITTO), "-c", str(tmp_path / "mosquitto.conf")]
    async with started(command, free):
        yield free


@contextlib.asynccontextmanager
async def started(command: list[str], port: int) -> AsyncIterator[None]:
    """This program, from when it listens on its port to its end."""
    process = await asyncio.create_subprocess_exec(*command)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                await asyncio.sleep(0.01)
        writer.close()
        yield
    finally:
        process.kill()
        await process.wait()


def client(port: int, **options: object) -> aiomqtt.Client:
    queued = {"max_queued_outgoing_messages": 50_000, "max_inflight_messages": 500}
    return aiomqtt.Client("127.0.0.1", port, timeout=PATIENCE_S, **(queued | options))  # type: ignore[arg-type]


async def take(reader: aiomqtt.Client, last: bytes = SENTINEL) -> list[aiomqtt.Message]:
    """The messages up to the one with this payload, without it."""
    taken: list[aiomqtt.Message] = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in reader.messages:
            if message.payload == last:
                return taken
            taken.append(message)
    raise AssertionError("the connection ended")


class RawClient:
    """A client made of bytes written by hand from the standard, for what no library lets one do."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def write(self, *packets: bytes) -> None:
        self.writer.write(b"".join(packets))

    async def packet(self) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readexactly(2)
            return head + await self.reader.readexactly(head[1])  # none that is read here is longer than 127

    async def ended(self) -> bytes:
        """What still comes until the broker closes the connection, which it must."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def abort(self) -> None:
        self.writer.transport.abort()


Dial = Callable[..., Awaitable[RawClient]]


@pytest.fixture
async def dial(port: int) -> AsyncIterator[Dial]:
    """``await dial()`` opens a connection, ``await dial(connect packet)`` connects too; all are closed at the end."""
    opened: list[RawClient] = []

    async def open_one(connect: bytes = b"") -> RawClient:
        opened.append(RawClient(*await asyncio.open_connection("127.0.0.1", port)))
        if connect:
            opened[-1].write(connect)
            assert await opened[-1].packet() == b"\x20\x02\x00\x00"
        return opened[-1]

    yield open_one
    for each in opened:
        each.abort()


def text(written: str | bytes) -> bytes:
    raw = written.encode() if isinstance(written, str) else written
    return struct.pack(">H", len(raw)) + raw


def packet(first: int, body: bytes) -> bytes:
    assert len(body) < 16_384
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    return bytes([first]) + length + body


def connect_packet(name: str, *, keep_alive: int = 60, will: tuple[str, bytes] | None = None, level: int = 4) -> bytes:
    flags = 0x02 | (0x04 if will else 0)
    end = text(will[0]) + text(will[1]) if will else b""
    return packet(0x10, text("MQTT") + struct.pack(">BBH", level, flags, keep_alive) + text(name) + end)


@pytest.mark.parametrize(
    ("topic_filter", "expected"),
    [
        ("a/b", {"a/b"}),
        ("a/+", {"a/b", "a/c", "a/"}),
        ("+/b", {"a/b", "/b"}),
        ("+/+", {"a/b", "a/c", "a/", "/b"}),
        ("a/#", {"a", "a/b", "a/c", "a/", "a/b/c", "a/b/c/d"}),
        ("a/+/#", {"a/b", "a/c", "a/", "a/b/c", "a/b/c/d"}),
        ("+", {"a", "a.b"}),
        ("#", {"a", "a.b", "a/b", "a/c", "a/", "/b", "a/b/c", "a/b/c/d"}),
        ("$own/#", {"$own/x"}),
        ("+/x", set()),
        ("a.b", {"a.b"}),
    ],
)
async def test_a_filter_takes_its_topics_and_no_others(port: int, topic_filter: str, expected: set[str]) -> None:
    """MQTT 3.1.1 clause 4.7, for messages as they come and for retained ones alike."""
    topics = ("a", "a.b", "a/b", "a/c", "a/", "/b", "a/b/c", "a/b/c/d", "$own/x")
    async with client(port) as publisher, client(port) as early, client(port) as late:
        await early.subscribe([(topic_filter, 0), ("end", 0)])
        for topic in topics:
            await publisher.publish(topic, topic.encode(), retain=True, qos=1)
        await publisher.publish("end", SENTINEL, qos=1)
        live = await take(early)
        await late.subscribe([(topic_filter, 0), ("end", 0)])
        await publisher.publish("end", SENTINEL, qos=1)
        kept = await take(late)
        for topic in topics:
            await publisher.publish(topic, b"", retain=True, qos=1)
    assert {str(each.topic) for each in live} == {str(each.topic) for each in kept} == expected
    assert len(live) == len(kept) == len(expected)
    assert not any(each.retain for each in live)
    assert all(each.retain for each in kept)


@pytest.mark.parametrize("qos", [0, 1])
async def test_all_of_1000_retained_topics_reach_a_new_client_and_no_others(port: int, qos: int) -> None:
    async with client(port) as publisher, client(port) as reader:
        for at in range(1000):
            await publisher.publish(f"wanted/{at}", f"{at}", retain=True, qos=qos)
        for at in range(300):
            await publisher.publish(f"other/{at}", f"{at}", retain=True, qos=qos)
        await publisher.publish("settled", b"", qos=1)
        await reader.subscribe([("wanted/#", qos), ("end", qos)])
        await publisher.publish("end", SENTINEL, qos=qos)
        taken = await take(reader)
    assert len(taken) == 1000
    assert {(str(each.topic), each.payload) for each in taken} == {(f"wanted/{at}", b"%d" % at) for at in range(1000)}


async def test_a_retained_message_is_replaced_by_the_next_and_removed_by_an_empty_one(port: int) -> None:
    async with client(port) as publisher, client(port) as reader:
        for topic, payload in (("kept", b"old"), ("kept", b"new"), ("removed", b"old"), ("removed", b"")):
            await publisher.publish(topic, payload, retain=True, qos=1)
        await reader.subscribe([("kept", 0), ("removed", 0), ("end", 0)])
        await publisher.publish("end", SENTINEL, qos=1)
        assert [(str(each.topic), each.payload) for each in await take(reader)] == [("kept", b"new")]


@pytest.mark.parametrize(("qos", "count"), [(0, 2_000), (1, 1_500), (2, 500)])
async def test_every_message_arrives_once_and_in_order(port: int, qos: int, count: int) -> None:
    async with client(port) as publisher, client(port) as reader, client(port) as other:
        await reader.subscribe("telemetry/#", qos=qos)
        await other.subscribe("telemetry/#", qos=0)
        for start in range(0, count, 200):
            batch = range(start, min(start + 200, count))
            await asyncio.gather(*(publisher.publish("telemetry/inertial", b"%d" % at, qos=qos) for at in batch))
        await publisher.publish("telemetry/inertial", SENTINEL, qos=qos)
        expected = [b"%d" % at for at in range(count)]
        assert [each.payload for each in await take(reader)] == expected
        assert [each.payload for each in await take(other)] == expected


@pytest.mark.parametrize("qos", [0, 1])
async def test_a_payload_of_a_megabyte_arrives_whole_and_is_retained(port: int, qos: int) -> None:
    payloads = [os.urandom(1_000_000) for _ in range(4)]
    async with client(port) as publisher, client(port) as reader, client(port) as late:
        await reader.subscribe("big/#", qos=qos)
        for at, payload in enumerate(payloads):
            await publisher.publish(f"big/{at}", payload, qos=qos, retain=True)
        await publisher.publish("big/end", SENTINEL, qos=qos)
        await late.subscribe([("big/+", qos), ("end", qos)])
        digests = [sha256(bytes(each.payload)).digest() for each in await take(reader)]
        await publisher.publish("end", SENTINEL, qos=qos)
        kept = {sha256(bytes(each.payload)).digest() for each in await take(late) if each.payload != SENTINEL}
    assert digests == [sha256(payload).digest() for payload in payloads]
    assert kept == set(digests)


@pytest.mark.parametrize("end", ["abort", "close", "silence", "malformed"])
async def test_the_will_is_published_however_a_client_is_lost(port: int, dial: Dial, end: str) -> None:
    async with client(port) as reader:
        await reader.subscribe("#")
        lost = await dial(connect_packet("lost", keep_alive=1, will=("status", b"offline")))
        if end == "abort":
            lost.abort()
        elif end == "close":
            lost.writer.close()
        elif end == "malformed":
            lost.write(b"\xf0\xff\xff\xff\xff\xff")
        assert await take(reader, b"offline") == []


async def test_the_will_is_not_published_when_a_client_says_goodbye(port: int, dial: Dial) -> None:
    async with client(port) as reader, client(port) as publisher:
        await reader.subscribe("#")
        leaver = await dial(connect_packet("leaver", will=("status/leaver", b"offline")))
        leaver.write(b"\xe0\x00")
        assert await leaver.ended() == b""
        await publisher.publish("end", SENTINEL, qos=1)
        assert await take(reader) == []


async def test_a_keep_alive_is_kept_by_pings(port: int, dial: Dial) -> None:
    """Longer than a keep-alive and a half of silence but for pings: no will, and the connection stands."""
    async with client(port) as reader:
        await reader.subscribe("#")
        raw = await dial(connect_packet("pinging", keep_alive=2, will=("status", b"offline")))
        for _ in range(7):
            await asyncio.sleep(0.5)  # of the 3 s in which a ping must come
            raw.write(b"\xc0\x00")
            assert await raw.packet() == b"\xd0\x00"
        raw.write(packet(0x30, text("end") + SENTINEL))
        assert await take(reader) == []


async def test_a_second_client_of_the_same_name_takes_over(port: int, dial: Dial) -> None:
    """The first is sent away and its will comes before what the second says."""
    async with client(port) as reader:
        await reader.subscribe("status")
        first = await dial(connect_packet("station", will=("status", b"offline")))
        second = await dial(connect_packet("station", will=("status", b"offline")))
        second.write(packet(0x30, text("status") + b"online") + packet(0x30, text("status") + SENTINEL))
        await first.ended()
        assert [each.payload for each in await take(reader)] == [b"offline", b"online"]


async def test_a_client_that_stops_reading_does_not_hurt_the_others(port: int, dial: Dial) -> None:
    """12 MB for everyone, of which one client reads nothing (its socket takes some 5 MB) and the other all."""
    stalled = await dial(connect_packet("stalled"))
    stalled.write(packet(0x82, b"\x00\x01" + text("#") + b"\x00"))
    assert await stalled.packet() == b"\x90\x03\x00\x01\x00"
    stalled.writer.transport.pause_reading()  # type: ignore[attr-defined]  # typeshed: a WriteTransport; it is both
    async with client(port) as publisher, client(port) as reader:
        await reader.subscribe("#")
        for at in range(1200):
            await publisher.publish("bulk", b"%06d" % at + bytes(10_000))
        await publisher.publish("end", SENTINEL, qos=1)
        assert [int(bytes(each.payload)[:6]) for each in await take(reader)] == list(range(1200))


WRONG = {
    "not MQTT": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no CONNECT first": packet(0x30, text("a") + b"b"),
    "a remaining length of five bytes": b"\x10\xff\xff\xff\xff\x7f",
    "a packet of 256 MB": connect_packet("x1") + b"\x30\xff\xff\xff\x7f",
    "a second CONNECT": connect_packet("x2") * 2,
    "a PUBLISH of QoS 3": connect_packet("x3") + packet(0x36, text("a") + b"\x00\x01b"),
    "a PUBLISH to a wildcard": connect_packet("x4") + packet(0x30, text("a/#") + b"b"),
    "a PUBLISH to no topic": connect_packet("x5") + packet(0x30, text("") + b"b"),
    "a PUBLISH shorter than its topic": connect_packet("x6") + packet(0x30, b"\x00\x09abc"),
    "a topic that is not UTF-8": connect_packet("x7") + packet(0x30, text(b"a\xff") + b"b"),
    "a SUBSCRIBE to nothing": connect_packet("x8") + packet(0x82, b"\x00\x01"),
    "a SUBSCRIBE with wrong flags": connect_packet("x9") + packet(0x80, b"\x00\x01" + text("a") + b"\x00"),
    "a SUBSCRIBE of QoS 3": connect_packet("x10") + packet(0x82, b"\x00\x01" + text("a") + b"\x03"),
    "a packet of type 0": connect_packet("x11") + b"\x00\x00",
    "a CONNECT cut short": packet(0x10, text("MQTT") + b"\x04\x02"),
    "a will of QoS 3": packet(0x10, text("MQTT") + b"\x04\x1e\x00\x3c" + text("x12") + text("w") + text("w")),
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_packet_ends_its_own_connection_only(port: int, dial: Dial, wrong: str) -> None:
    async with client(port) as publisher, client(port) as reader:
        await reader.subscribe("#")
        raw = await dial()
        raw.write(WRONG[wrong])
        assert await raw.ended() in (b"", b"\x20\x02\x00\x00")
        await publisher.publish("after", SENTINEL, qos=1)
        assert await take(reader) == []


@pytest.mark.parametrize("level", [2, 6])
async def test_a_version_that_is_not_spoken_is_refused_with_a_connack(port: int, dial: Dial, level: int) -> None:
    """Return code 1 in MQTT 3.1.1, reason 0x84 in MQTT 5: unacceptable protocol version."""
    raw = await dial()
    raw.write(connect_packet("future", level=level))
    assert await raw.ended() in (b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00")


async def test_a_message_of_qos_2_sent_again_is_delivered_once(port: int, dial: Dial) -> None:
    async with client(port) as reader:
        await reader.subscribe("#", qos=1)
        raw = await dial(connect_packet("twice"))
        for first in (0x34, 0x3C):  # the second with the DUP flag
            raw.write(packet(first, text("event") + b"\x00\x07" + b"liftoff"))
            assert await raw.packet() == b"\x50\x02\x00\x07"
        raw.write(b"\x62\x02\x00\x07")
        assert await raw.packet() == b"\x70\x02\x00\x07"
        raw.write(packet(0x30, text("end") + SENTINEL))
        assert [each.payload for each in await take(reader)] == [b"liftoff"]


async def test_unsubscribing_ends_that_subscription_only(port: int) -> None:
    async with client(port) as publisher, client(port) as reader:
        await reader.subscribe([("a/b", 0), ("gone", 0), ("end", 0)])
        await reader.unsubscribe("gone")
        for topic in ("gone", "a/b"):
            await publisher.publish(topic, topic.encode(), qos=1)
        await publisher.publish("end", SENTINEL, qos=1)
        assert [each.payload for each in await take(reader)] == [b"a/b"]


async def test_mqtt_5_clients_are_served(port: int) -> None:
    """Properties travel from publisher to reader, also with a retained message; an expired one is not delivered."""
    said, brief = (Properties(PacketTypes.PUBLISH) for _ in range(2))  # type: ignore[no-untyped-call]  # paho's
    said.UserProperty, said.ContentType, brief.MessageExpiryInterval = ("vehicle", "osx"), "application/json", 1
    v5 = aiomqtt.ProtocolVersion.V5
    async with client(port, protocol=v5) as publisher, client(port, protocol=v5) as reader, client(port) as old:
        await publisher.publish("brief", b"gone in a second", retain=True, qos=1, properties=brief)
        await publisher.publish("said", b"{}", retain=True, qos=1, properties=said)
        await asyncio.sleep(1.1)  # the message expires by the clock of the broker, which may be another process
        for each in (reader, old):
            await each.subscribe([("said", 1), ("brief", 1), ("end", 1)])
        await publisher.publish("end", SENTINEL, qos=1)
        (kept,) = await take(reader)
        assert [(str(each.topic), each.payload) for each in await take(old)] == [("said", b"{}")]
    assert kept.properties is not None
    assert kept.properties.UserProperty == [("vehicle", "osx")]  # type: ignore[attr-defined]  # paho sets it at run time
    assert kept.properties.ContentType == "application/json"  # type: ignore[attr-defined]


@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
@pytest.mark.parametrize("qos", ["0", "1", "2"])
async def test_the_clients_of_mosquitto_talk_to_each_other(port: int, version: str, qos: str) -> None:
    pub, sub = shutil.which("mosquitto_pub"), shutil.which("mosquitto_sub")
    if pub is None or sub is None:
        pytest.skip("no mosquitto_pub and mosquitto_sub on this machine")
    common = ("-h", "127.0.0.1", "-p", str(port), "-V", version, "-q", qos)
    pipe = asyncio.subprocess.PIPE
    sending = await asyncio.create_subprocess_exec(pub, *common, "-t", "tlm/a", "-r", "-l", stdin=pipe)
    await asyncio.wait_for(sending.communicate(b"one\ntwo\nthree\n"), PATIENCE_S)
    reading = await asyncio.create_subprocess_exec(sub, *common, "-t", "tlm/#", "-C", "1", "-v", stdout=pipe)
    output, _ = await asyncio.wait_for(reading.communicate(), PATIENCE_S)
    assert (sending.returncode, reading.returncode, output) == (0, 0, b"tlm/a three\n")
