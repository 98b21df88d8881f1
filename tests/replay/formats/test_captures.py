"""Captures against tshark, by packets written here and by Wireshark's own tools, and against what was sent."""

import json
import random
import shutil
import struct
import subprocess
from collections import defaultdict
from itertools import chain, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import replay.capture
import replay.capture_payloads
import replay.pcap_file
import replay.pcapng_file
import replay.tcp_stream
from groundstation.cli import main
from protocols.framer import framer
from replay.formats.pcap import PcapCapture
from replay.formats.pcapng import PcapngCapture
from replay.network_layers import NetworkLayers
from replay.tcp_stream import TcpStream
from tests.replay.formats.captures import (
    ETHERNET,
    LOOP,
    NULL,
    RAW,
    SIXES,
    SLL,
    SLL2,
    STATION,
    TIME_NS,
    VEHICLE,
    WIFI,
    Packet,
    enhanced,
    ethernet,
    interface,
    ipv4,
    ipv6,
    obsolete,
    option,
    pcap,
    pcapng,
    section,
    simple,
    tcp,
    udp,
)

QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
MAGICS = [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34]


def tool(name):
    """A program of Wireshark's, which is not part of the tests' requirements."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"there is no {name} here: it comes with Wireshark")
    return found


def run(*command, **more):
    return subprocess.run(command, check=True, capture_output=True, timeout=120, **more).stdout


def read(path):
    """All chunks of a capture by link, the file's bytes accounted for."""
    head = path.read_bytes()[:4096]
    (made,) = (each for each in (PcapCapture, PcapngCapture) if each.recognise(head))
    recording = made(path)
    chunks = list(recording.chunks())
    assert {chunk.link for chunk in chunks} == set(recording.links)
    delivered = sum(len(chunk.data) for chunk in chunks)
    assert path.stat().st_size == delivered + recording.overhead + recording.damage.discarded
    assert bool(recording.damage.discarded) <= bool(recording.damage.notes)
    links = defaultdict(list)
    for chunk in chunks:
        assert chunk.data
        links[chunk.link].append((chunk.received_ns, chunk.data))
    return recording, links


def written(tmp_path, data, name="file.pcap"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def ns(epoch):
    """``frame.time_epoch`` as whole nanoseconds."""
    seconds, _, rest = epoch.partition(".")
    return int(seconds or 0) * 10**9 + int(rest[:9].ljust(9, "0"))


def by_tshark(path):
    """Time and payload of each UDP datagram by ``udp-PORT``, and each TCP direction's bytes by ``tcp-PORT``."""
    fields = ["frame.time_epoch", "udp.dstport", "udp.payload", "tcp.stream"]
    asked = [word for each in fields for word in ("-e", each)]
    quiet = ["-n", "-o", "ip.defragment:TRUE"]
    lines = run(tool("tshark"), "-r", str(path), "-T", "fields", *asked, *quiet).decode().splitlines()
    links, streams = defaultdict(list), set()
    for line in lines:
        epoch, port, payload, stream = (*line.split("\t"), "", "", "")[:4]
        if payload:
            links[f"udp-{port}"].append((ns(epoch), bytes.fromhex(payload)))
        streams |= {stream} - {""}
    for stream in streams:
        told = run(tool("tshark"), "-r", str(path), "-q", "-n", "-z", f"follow,tcp,raw,{stream}").decode().splitlines()
        nodes = [line.rsplit(":", 1)[1] for line in told if line.startswith("Node ")]
        for line in told[told.index(next(line for line in told if line.startswith("Node 1"))) + 1 :]:
            if line.strip("=") and not line.startswith("Node"):
                back = line.startswith("\t")
                links[f"tcp-{nodes[0] if back else nodes[1]}"].append(bytes.fromhex(line.strip()))
    return links


# --- every layer ------------------------------------------------------------------------------------------------------


def layers():
    """A datagram through each kind of header there is, each to a port of its own."""
    rng = random.Random(4)
    made = []

    def add(build, link_type=ETHERNET):
        port = 15000 + len(made)
        payload = rng.randbytes(rng.randint(1, 200))
        packet = build(udp(payload, port=port))
        made.append((f"udp-{port}", payload, Packet(packet, TIME_NS + len(made) * 1_000, link_type=link_type)))

    hop = bytes((60, 0, 1, 4, 0, 0, 0, 0))
    destination = bytes((17, 1, 1, 12, *bytes(12)))
    authentication = bytes((17, 4, *bytes(22)))
    add(lambda body: ethernet(ipv4(body)))
    add(lambda body: ethernet(ipv4(body) + bytes(30)))  # padding, as short frames have it
    add(lambda body: ethernet(ipv4(body, options=bytes.fromhex("94040000 01010100"))))
    add(lambda body: ethernet(ipv4(body), tags=[(0x8100, 42)]))
    add(lambda body: ethernet(ipv4(body), tags=[(0x88A8, 7), (0x8100, 42)]))
    add(lambda body: ethernet(ipv6(body), 0x86DD))
    add(lambda body: ethernet(ipv6(hop + destination + body, 0), 0x86DD))
    add(lambda body: ethernet(ipv6(authentication + body, 51), 0x86DD))
    add(lambda body: ethernet(ipv6(bytes((17, 0, 0, 0, 0, 0, 0, 9)) + body, 44), 0x86DD))
    add(lambda body: struct.pack("<I", 2) + ipv4(body), NULL)
    add(lambda body: struct.pack(">I", 2) + ipv4(body), LOOP)
    add(lambda body: struct.pack("<I", 30) + ipv6(body), NULL)
    add(ipv4, RAW)
    add(ipv6, RAW)
    add(lambda body: bytes.fromhex("0004 0001 0006 020000000001 0000 0800") + ipv4(body), SLL)
    add(lambda body: bytes.fromhex("0800 0000 00000002 0001 04 06 0200000000010000") + ipv4(body), SLL2)
    add(lambda body: bytes.fromhex("86dd 0000 00000002 0001 04 06 0200000000010000") + ipv6(body), SLL2)
    return made


def test_payloads_through_all_layers_are_those_sent_and_those_tshark_sees(tmp_path):
    made = layers()
    path = written(tmp_path, pcapng([packet for _, _, packet in made]))
    recording, links = read(path)
    assert links == {name: [(packet.time_ns, payload)] for name, payload, packet in made}
    assert (recording.damage.discarded, recording.damage.notes) == (0, [])
    assert links == by_tshark(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", MAGICS)
def test_classic_captures_of_all_magic_numbers(tmp_path, order, magic):
    times = [TIME_NS + 1_001_000 * number for number in range(20)]
    packets = [Packet(ethernet(ipv4(udp(b"%d" % at))), at) for at in times]
    path = written(tmp_path, pcap(packets, order, magic))
    _, links = read(path)
    assert links["udp-14550"] == [(at, b"%d" % at) for at in times]
    assert links == by_tshark(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_sections_interfaces_resolutions_and_old_blocks(tmp_path, order):
    other = ">" if order == "<" else "<"

    def sent(number, link_type=ETHERNET):
        body = ipv4(udp(bytes((number,)) * 5))
        return Packet(ethernet(body) if link_type == ETHERNET else body, TIME_NS + number * 1_000_000_000)

    tick = (TIME_NS // 10**9 + 4) * 10**9 + 10**9 // 4
    quarter = Packet(ethernet(ipv4(udp(b"quarter"))), tick)
    unknown = struct.pack(f"{order}II", 0xBAD, 20) + bytes(8) + struct.pack(f"{order}I", 20)
    data = (
        section(order)
        + interface(ETHERNET, order, option(2, b"eth0", order) + option(9, b"\x06", order) + option(0, b"", order))
        + interface(RAW, order, option(9, b"\x09", order))
        + enhanced(sent(1), order)
        + unknown
        + enhanced(sent(2, RAW), order, 1, 10**9)
        + obsolete(sent(3), order)
        + simple(sent(3), order)
        + section(other)  # which forgets the interfaces
        + interface(ETHERNET, other, option(9, b"\x82", other) + option(14, struct.pack(f"{other}q", 1000), other))
        + enhanced(quarter, other, 0, 4, 1000)
    )
    path = written(tmp_path, data)
    recording, links = read(path)
    wanted = [(TIME_NS + number * 10**9, bytes((number,)) * 5) for number in (1, 2, 3, 3)]
    assert links["udp-14550"] == [*wanted, (tick, b"quarter")]
    assert recording.span == (TIME_NS + 10**9, tick)
    peer = by_tshark(path)["udp-14550"]
    assert [payload for _, payload in peer] == [payload for _, payload in links["udp-14550"]]
    assert [at for at, _ in peer[:3]] == [at for at, _ in links["udp-14550"][:3]]  # a simple packet has none there


def test_captures_of_wiresharks_own_tools(tmp_path):
    """text2pcap writes packets, mergecap merges link types into one file, editcap rewrites every format."""
    first = pcapng([packet for _, _, packet in layers()[:9]])
    second = pcap([Packet(ipv4(udp(b"raw%d" % n, port=16000)), TIME_NS + n * 7_777) for n in range(5)], link_type=RAW)
    (tmp_path / "text").write_text("\n".join(f"000000 {(b'text%d' % n).hex(' ')}" for n in range(30)) + "\n")
    run(tool("text2pcap"), "-u", "40000,16001", str(tmp_path / "text"), str(tmp_path / "text.pcapng"))
    parts = [written(tmp_path, first, "a.pcapng"), written(tmp_path, second, "b.pcap"), tmp_path / "text.pcapng"]
    merged = tmp_path / "merged.pcapng"
    run(tool("mergecap"), "-w", str(merged), *map(str, parts))
    _, links = read(merged)
    assert (len(links["udp-16000"]), len(links["udp-16001"])) == (5, 30)
    assert links == by_tshark(merged)
    for kind in ("pcap", "nsecpcap", "modpcap", "pcapng"):
        path = tmp_path / f"as.{kind}"
        run(tool("editcap"), "-F", kind, str(parts[1]), str(path))
        assert read(path)[1] == by_tshark(path)


@pytest.mark.parametrize("kind", ["udp", "ip", "ipv6", "eth", "arp", "usb-linux", "sctp"])
def test_random_packets(tmp_path, kind):
    """Of what randpkt fills at random, the datagrams that tshark finds right behind IP are found."""
    path = tmp_path / "random.pcap"
    run(tool("randpkt"), "-b", "200", "-c", "250", "-t", kind, str(path))
    recording, links = read(path)
    fields = ["-e", "frame.protocols", "-e", "frame.time_epoch", "-e", "udp.length", "-e", "udp.payload"]
    lines = run(tool("tshark"), "-r", str(path), "-n", "-T", "fields", *fields).decode().splitlines()
    found = {piece for each in links.values() for piece in each}
    for line in lines:
        protocols, epoch, length, payload = (*line.split("\t"), "", "", "")[:4]
        if payload and protocols.split(":")[2:4] in (["ip", "udp"], ["ipv6", "udp"]):
            end = int(length.split(",")[0]) - 8  # tshark shows what is behind it too, which no program receives
            assert (ns(epoch), bytes.fromhex(payload)[:end]) in found, line
    if kind in ("arp", "usb-linux", "sctp"):
        left_out = [note for note in recording.damage.notes if "packets left out" in note]
        assert sum(int(note.split()[0]) for note in left_out) == 250
        assert not links


@pytest.mark.parametrize("name", ["autopilot_version", "common", "gps_raw_int"])
def test_real_captures(data, name):
    path = data / f"mavlink/{name}.pcapng"
    recording, links = read(path)
    fields = [word for each in ("tcp.dstport", "tcp.payload", "udp.dstport", "udp.payload") for word in ("-e", each)]
    told = defaultdict(bytes)
    for line in run(tool("tshark"), "-r", str(path), "-n", "-T", "fields", *fields).decode().splitlines():
        stream, segment, port, datagram = (*line.split("\t"), "", "", "")[:4]
        told[f"tcp-{stream}" if stream else f"udp-{port}"] += bytes.fromhex(segment or datagram)
    streams = {link: b"".join(piece for _, piece in each) for link, each in links.items()}
    assert streams == told
    assert {(link.framing, link.vehicle) for link in recording.links.values()} == {("mavlink", "mavlink")}
    frames = sum(len(framer("mavlink").receive(stream, 0)) for stream in streams.values())
    assert frames == {"autopilot_version": 1, "common": 7, "gps_raw_int": 1}[name]
    assert recording.damage.missing == (2 if name == "common" else 0)


def test_packets_of_other_kinds_and_cut_ones_are_counted(tmp_path):
    whole = ethernet(ipv4(udp(b"x" * 100)))
    packets = [
        Packet(whole[:80], original=len(whole)),
        Packet(ethernet(bytes(28), 0x0806)),
        Packet(ethernet(ipv4(bytes(8), 1))),
        Packet(bytes(40), link_type=WIFI),
        Packet(whole[:30]),
        Packet(b""),
    ]
    recording, links = read(written(tmp_path, pcapng(packets)))
    assert links == {"udp-14550": [(TIME_NS, b"x" * 38)]}
    notes = "\n".join(recording.damage.notes)
    for told in ("1 packets were captured only in part", "1 packets left out: ARP", "1 packets left out: neither UDP"):
        assert told in notes
    assert "1 packets left out: link type 802.11" in notes
    assert "1 packets left out: cut short" in notes


# --- fragments --------------------------------------------------------------------------------------------------------


def fragments(payload, size, number, *, six):
    """A datagram in fragments of size bytes."""
    body = udp(payload)
    for at in range(0, len(body), size):
        more, piece = at + size < len(body), body[at : at + size]
        if six:
            head = struct.pack(">BBHI", 17, 0, at | more, number)
            yield ethernet(ipv6(head + piece, 44), 0x86DD)
        else:
            yield ethernet(ipv4(piece, fragment=more << 13 | at // 8, number=number))


@pytest.mark.parametrize("six", [False, True])
def test_fragments_in_any_order_are_put_together(tmp_path, six):
    rng = random.Random(1)
    payloads = [rng.randbytes(rng.randint(900, 4000)) for _ in range(20)]
    sent = [[*fragments(payload, 504, number, six=six)] for number, payload in enumerate(payloads)]
    for each in sent:
        rng.shuffle(each)
    lost = sent[7].pop()
    packets = [Packet(data, TIME_NS + n * 1000) for n, data in enumerate(chain.from_iterable(sent))]
    path = written(tmp_path, pcapng(packets))
    recording, links = read(path)
    assert [payload for _, payload in links["udp-14550"]] == payloads[:7] + payloads[8:]
    assert links == by_tshark(path)
    assert lost
    assert recording.damage.discarded > 0
    assert "fragments" in recording.damage.notes[0]


def test_fragments_that_never_end_take_bounded_memory(tmp_path):
    hostile = [
        Packet(ethernet(ipv4(bytes(1400), fragment=0x2000 | n % 40 * 200, number=n % 5000))) for n in range(9000)
    ]
    recording, links = read(written(tmp_path, pcap([*hostile, Packet(ethernet(ipv4(udp(b"last"))))])))
    assert links == {"udp-14550": [(TIME_NS, b"last")]}
    assert recording.damage.discarded == 9000 * 1400


# --- TCP --------------------------------------------------------------------------------------------------------------


def test_fragments_that_the_capture_cut_leave_nothing_behind(tmp_path):
    layers = NetworkLayers()
    for number in range(1000):
        packet = ethernet(ipv4(bytes(40), fragment=0x2000, number=number))
        assert layers.segment(ETHERNET, packet[:60]) is None
    assert not layers._parts


def conversation(rng, payload, start):
    """Segments of a direction: (sequence, payload), some twice, overlapping, and out of order by a few places."""
    cuts = sorted({0, len(payload), *(rng.randint(0, len(payload)) for _ in range(20))})
    segments = [(start + a, payload[a:b]) for a, b in pairwise(cuts)]
    for _ in range(6):
        a = rng.randint(0, len(payload))
        segments.append((start + a, payload[a : a + rng.randint(0, 300)]))
    return sorted(segments, key=lambda each: each[0] + rng.randint(0, 400))


@QUICK
@given(seed=st.integers(0, 10**6), start=st.sampled_from([0, 1, 1000, 2**31 - 5, 2**32 - 700, 2**32 - 1]))
def test_a_stream_comes_back_whatever_happens_on_the_way(seed, start):
    rng = random.Random(seed)
    payload = rng.randbytes(rng.randint(1, 3000))
    stream = TcpStream()
    assert stream.segment(0, (start - 1) % 2**32, 0x02, b"") == []
    sent = conversation(rng, payload, start)
    got = b"".join(b"".join(stream.segment(0, at % 2**32, 0x18, piece)) for at, piece in sent)
    assert got == payload
    assert (stream.missing, stream.holes, stream.waits) == (0, 0, False)
    assert stream.repeated == sum(len(piece) for _, piece in sent) - len(payload)


@QUICK
@given(data=st.data())
def test_any_segments_give_every_byte_once_and_bounded_memory(data):
    stream, given_in, got = TcpStream(), 0, 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replay.tcp_stream, "MOST_WAITING", 500)
        for _ in range(data.draw(st.integers(0, 40))):
            payload = data.draw(st.binary(max_size=200))
            number = data.draw(st.one_of(st.integers(0, 600), st.integers(0, 2**32 - 1)))
            got += sum(map(len, stream.segment(0, number, data.draw(st.integers(0, 63)), payload)))
            got += sum(map(len, stream.acknowledged(data.draw(st.integers(0, 2**32 - 1)))))
            given_in += len(payload)
            assert sum(len(each) for _, each in stream._waiting) == stream.waiting_bytes <= 700
        got += sum(map(len, stream.finish()))
    assert got + stream.repeated == given_in


def test_what_waits_for_holes_of_all_streams_is_bounded(tmp_path, monkeypatch):
    """Connections that each miss their second byte: nothing is lost but that, and little waits at a time."""
    monkeypatch.setattr(replay.capture_payloads, "MOST_WAITING", 5000)
    most = 0

    def watched(self, *arguments):
        nonlocal most
        brought = tcp_of(self, *arguments)
        most = max(most, sum(stream.waiting_bytes for stream in self._streams.values()))
        assert self._waiting == sum(stream.waiting_bytes for stream in self._streams.values())
        return brought

    tcp_of = replay.capture_payloads.Payloads._tcp
    monkeypatch.setattr(replay.capture_payloads.Payloads, "_tcp", watched)
    packets = []
    for port in range(1, 101):
        for sequence, payload in ((0, b"a"), (2, b"c" * 99), (101, b"d" * 99)):
            packets.append(Packet(ethernet(ipv4(tcp(payload, sequence, ports=(port, 99)), 6))))
        back = tcp(b"", 0, ack=50, ports=(99, port))
        if port % 7 == 0:
            packets.append(Packet(ethernet(ipv4(back, 6, ends=(STATION, VEHICLE)))))
    recording, found = read(written(tmp_path, pcap(packets)))
    streams = [b"".join(payload for _, payload in each) for each in found.values()]
    assert streams == [b"a" + b"c" * 99 + b"d" * 99] * 100
    assert recording.damage.missing == 100
    assert 4000 < most <= 5000


def test_two_directions_of_a_connection_are_those_tshark_follows(tmp_path):
    rng = random.Random(3)
    down, up = rng.randbytes(5000), rng.randbytes(300)
    back = {"ends": (STATION, VEHICLE)}
    frames = [
        ethernet(ipv4(tcp(b"", 99, 0x02, ports=(50000, 5760)), 6, **back)),
        ethernet(ipv4(tcp(b"", 4_294_966_999, 0x12, 100), 6)),
        ethernet(ipv4(tcp(b"", 100, 0x10, 4_294_967_000, (50000, 5760)), 6, **back)),
        ethernet(ipv4(tcp(up, 100, 0x18, 4_294_967_000, (50000, 5760)), 6, **back)),
    ]
    frames += [ethernet(ipv4(tcp(piece, at, 0x18, 400), 6)) for at, piece in conversation(rng, down, 4_294_967_000)]
    path = written(tmp_path, pcapng([Packet(each, TIME_NS + n * 1000) for n, each in enumerate(frames)]))
    recording, links = read(path)
    assert {link: b"".join(piece for _, piece in each) for link, each in links.items()} == {
        "tcp-50000": down,
        "tcp-5760": up,
    }
    assert recording.damage.notes == []
    assert {link: b"".join(each) for link, each in by_tshark(path).items()} == {"tcp-50000": down, "tcp-5760": up}


def test_a_hole_is_given_up_when_what_is_behind_it_was_acknowledged(tmp_path):
    frames = [
        ethernet(ipv4(tcp(b"one", 1000), 6)),
        ethernet(ipv4(tcp(b"three", 1006), 6)),  # 3 bytes are missing
        ethernet(ipv4(tcp(b"", 7, 0x10, 1011, (50000, 5760)), 6, (STATION, VEHICLE))),
        ethernet(ipv4(tcp(b"four", 1011), 6)),
    ]
    path = written(tmp_path, pcap([Packet(each, TIME_NS + n * 1_000_000) for n, each in enumerate(frames)]))
    recording, links = read(path)
    assert links["tcp-50000"] == [
        (TIME_NS + n * 1_000_000, text) for n, text in ((0, b"one"), (2, b"three"), (3, b"four"))
    ]
    assert recording.damage.missing == 1
    assert "3 bytes of TCP streams are missing in 1 places" in recording.damage.notes[0]


@pytest.mark.parametrize("late", [0, 12])
def test_without_an_acknowledgement_a_hole_is_waited_for_ten_seconds(tmp_path, late):
    frames = [(0, 1000, b"one"), (1, 1006, b"three"), (late, 1011, b"four"), (late, 1003, b"two")]
    packets = [Packet(ethernet(ipv4(tcp(piece, at), 6)), TIME_NS + s * 10**9) for s, at, piece in frames]
    recording, links = read(written(tmp_path, pcap(packets)))
    got = b"".join(piece for _, piece in links["tcp-50000"])
    assert (got, recording.damage.missing) == ((b"onethreefour", 1) if late > 10 else (b"onetwothreefour", 0))


# --- links ------------------------------------------------------------------------------------------------------------


def test_links_are_named_by_port_and_then_by_more(tmp_path):
    flows = [
        (udp(b"x" * 9), (VEHICLE, STATION)),
        (udp(b"x" * 8), (VEHICLE, "10.0.0.2")),
        (udp(b"x" * 7, 40001), (VEHICLE, STATION)),
        (udp(b"x" * 6, 40001), ("10.0.0.8", STATION)),
        (udp(b"x" * 5, 14550, 40000), (STATION, VEHICLE)),
    ]
    packets = [Packet(ethernet(ipv4(body, ends=ends))) for body, ends in flows]
    packets.append(Packet(ethernet(ipv6(udp(b"x" * 4)), 0x86DD)))
    recording, links = read(written(tmp_path, pcap(packets)))
    assert {name: len(each[0][1]) for name, each in links.items()} == {
        "udp-14550": 9,
        "udp-14550-10.0.0.2": 8,
        "udp-14550-10.0.0.1": 7,
        "udp-14550-10.0.0.1-40001": 6,
        "udp-40000": 5,
        f"udp-14550-{SIXES[1].replace(':', '-')}": 4,
    }
    assert {link.vehicle for link in recording.links.values()} == {"undeclared"}


def test_of_many_flows_the_largest_are_links_and_the_others_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(replay.capture, "MOST_LINKS", 3)
    monkeypatch.setattr(replay.capture_payloads, "MOST_FLOWS", 8)
    packets = [Packet(ethernet(ipv4(udp(b"x" * (n + 1), port=n)))) for n in range(10)] * 2
    recording, links = read(written(tmp_path, pcap(packets)))
    assert list(recording.links) == ["udp-7", "udp-6", "udp-5"]
    assert recording.damage.discarded == 2 * sum(n + 1 for n in (0, 1, 2, 3, 4, 8, 9))
    assert "left out" in recording.damage.notes[0]
    assert sum(len(each) for each in links.values()) == 6


# --- damage -----------------------------------------------------------------------------------------------------------


def telemetry(count=60):
    return [Packet(ethernet(ipv4(udp(b"%06d" % n * 9))), TIME_NS + n * 20_000_000) for n in range(count)]


CAPTURES = {
    "pcap": pcap(telemetry()),
    "big-endian pcap": pcap(telemetry(), ">", 0xA1B23C4D),
    "pcapng": pcapng(telemetry()),
    "big-endian pcapng": pcapng(telemetry(), ">"),
    "connection": pcapng([Packet(ethernet(ipv4(tcp(b"%06d" % n, 6 * n), 6)), TIME_NS + n) for n in range(60)]),
    "layers": pcapng([packet for _, _, packet in layers()]),
}


@pytest.mark.parametrize("name", CAPTURES)
@QUICK
@given(data=st.data())
def test_damage_anywhere_is_counted(tmp_path, name, data):
    whole = bytearray(CAPTURES[name])
    head = 24 if "pcapng" not in name and "pcap" in name else 28
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(head, max(head, len(whole) - 1)))
        kind = data.draw(st.sampled_from(["flip", "drop", "put", "cut", "most"]))
        if kind == "flip" and at < len(whole):
            whole[at] ^= data.draw(st.integers(1, 255))
        elif kind == "most":
            whole[at : at + 4] = data.draw(st.sampled_from([b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\1\0"]))
        elif kind == "drop":
            del whole[at : at + data.draw(st.integers(1, 300))]
        elif kind == "put":
            whole[at:at] = data.draw(st.binary(min_size=1, max_size=90))
        elif len(whole) > head + 1:
            del whole[max(at, head + 1) :]
    path = written(tmp_path, bytes(whole))
    recording, links = read(path)
    before = recording.damage.discarded, list(links.items())
    assert (recording.damage.discarded, list(read(path)[1].items())) == before


@pytest.mark.parametrize("name", CAPTURES)
def test_a_damaged_record_costs_itself_and_no_other(tmp_path, name):
    whole = CAPTURES[name]
    sound = [piece for each in read(written(tmp_path, whole))[1].values() for piece in each]
    for at in range(len(whole) // 3, len(whole) // 3 + 200, 7):
        broken = whole[:at] + b"\xee" * 5 + whole[at + 5 :]
        recording, links = read(written(tmp_path, broken))
        left = [piece for each in links.values() for piece in each]
        assert len(left) >= len(sound) - 4, at
        assert recording.damage.discarded < 500


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("size", [1, 13, 100, 4096])
def test_blocks_of_any_size_give_the_same(tmp_path, monkeypatch, name, size):
    broken = bytearray(CAPTURES[name])
    del broken[700:760]
    path = written(tmp_path, bytes(broken))
    recording, links = read(path)
    monkeypatch.setattr(replay.pcap_file, "_BLOCK_BYTES", size)
    monkeypatch.setattr(replay.pcapng_file, "_BLOCK_BYTES", size)
    again, others = read(path)
    assert (others, again.damage.discarded) == (links, recording.damage.discarded)


@pytest.mark.parametrize("made", [PcapCapture, PcapngCapture])
@QUICK
@given(content=st.binary(max_size=400))
def test_any_bytes_behind_a_good_beginning(tmp_path, made, content):
    head = pcap([]) if made is PcapCapture else section() + interface()
    read(written(tmp_path, head + content))


def test_it_is_decoded_by_what_its_bytes_are(tmp_path, data, run_decode):
    """A receiver's stream in UDP datagrams, cut where no message ends, is found out; --link takes one of them."""
    stream = (data / "gnss_ubx/pygpsdata-MIXED.log").read_bytes()
    packets = [
        Packet(ethernet(ipv4(udp(stream[at : at + 700], port=9000))), TIME_NS + at * 1000)
        for at in range(0, len(stream), 700)
    ]
    packets += [Packet(ethernet(ipv4(udp(b"other", port=53))))]
    told = run_decode(written(tmp_path, pcap(packets)))
    assert told["links"]["udp-9000"]["messages"]["NAV-PVT"] == 39
    assert told["links"]["udp-53"]["packets"] == {"frame": 1}
    told = run_decode(tmp_path / "file.pcap", "--link", "udp-53")
    assert list(told["links"]) == ["udp-53"]


@pytest.fixture
def run_decode(capsys):
    """``groundstation decode FILE --json``, and what it tells."""
    from groundstation.cli import main  # noqa: PLC0415

    def decode(path, *more):
        assert main(["decode", str(path), "--json", *more]) == 0
        return json.loads(capsys.readouterr().out)

    return decode


def test_a_capture_of_no_telemetry_says_so(tmp_path, capsys):
    path = written(tmp_path, pcap([Packet(ethernet(bytes(40), 0x0806))]))
    assert main(["decode", str(path)]) == 1
    assert "holds nothing that was received" in capsys.readouterr().err
    assert main(["info", str(path)]) == 0
    assert "ARP" in capsys.readouterr().out
