"""UDP against real sockets on loopback: borders, sizes, times, drops, groups."""

import asyncio
import itertools
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

import pytest

from hardware.source import source
from hardware.sources.udp import Udp
from protocols.chunk import Chunk
from protocols.errors import AddressError, SourceUnavailable

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
GROUP, OTHER_GROUP = "239.81.4.2", "239.81.4.3"


def udp(rest: str) -> Udp:
    made = source(f"udp:{rest}", "video")
    assert isinstance(made, Udp)
    return made


async def taken(opened: Udp, count: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    async with asyncio.timeout(120):
        while len(chunks) < count:
            chunks += await opened.receive()
    return chunks


def port(opened: Udp) -> int:
    return int(str(opened.state["listening"]).rpartition(":")[2])


@contextmanager
def sender(opened: Udp, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as made:
        if host.startswith("239."):
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        made.connect((host, port(opened)))
        yield made


@pytest.mark.parametrize("size", [1, 1472, 1473, 9000, 65507])
async def test_a_datagram_of_any_size_is_one_chunk(size: int) -> None:
    async with udp("0") as opened:
        with sender(opened) as vehicle:
            sent = [os.urandom(size) for _ in range(5)]
            for each in sent:
                vehicle.send(each)
            chunks = await taken(opened, 5)
            assert [each.data for each in chunks] == sent
            assert opened.state["peer"] == f"127.0.0.1:{vehicle.getsockname()[1]}"
    assert opened.datagrams


async def test_a_datagram_of_no_bytes_is_counted() -> None:
    async with udp("0") as opened:
        with sender(opened) as vehicle:
            for each in (b"", b"one", b"", b"two"):
                vehicle.send(each)
            assert [each.data for each in await taken(opened, 2)] == [b"one", b"two"]
            assert opened.state["empty"] == 2


async def test_ipv6() -> None:
    async with udp("[::1]:0") as opened:
        with sender(opened, "::1") as vehicle:
            vehicle.send(b"six")
            assert (await taken(opened, 1))[0].data == b"six"
        assert str(opened.state["listening"]).startswith("[::1]:")


@linux
async def test_a_burst_keeps_its_times_when_we_are_busy() -> None:
    """Two datagrams read together: the first's time is before what we noted between sending them.

    The kernel starts stamping a moment after the first socket asks, so this is tried until it holds. A time taken
    when reading would never hold.
    """
    async with udp("0") as opened:
        with sender(opened) as vehicle:
            for _ in range(1000):
                vehicle.send(b"a")
                between = time.time_ns()
                vehicle.send(b"b")
                first, second = await taken(opened, 2)
                if first.received_ns <= between:
                    break
            assert first.received_ns <= between <= second.received_ns


@linux
async def test_what_the_kernel_dropped_is_counted_exactly() -> None:
    async with udp("0?buffer=20000") as opened:
        with sender(opened) as vehicle:
            sent = [b"%06d" % number + bytes(494) for number in range(500)]
            for each in sent:
                vehicle.send(each)  # the loop does not turn meanwhile
            dropped = int(opened.state["dropped"])
            assert 0 < dropped < 500
            chunks = await taken(opened, 500 - dropped)
            assert [each.data for each in chunks] == sent[: 500 - dropped]
            vehicle.send(b"after")
            assert [each.data for each in await taken(opened, 1)] == [b"after"]
            assert opened.state["dropped"] == dropped


async def test_the_buffer_given_is_shown() -> None:
    async with udp("0?buffer=100000") as small:
        assert small._socket is not None
        assert small.state["buffer"] == small._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert int(small.state["buffer"]) >= 100000


async def test_ten_thousand_datagrams_in_order_while_they_are_asked_for() -> None:
    async with udp("0") as opened:
        with sender(opened) as vehicle:
            chunks: list[Chunk] = []
            for start in range(0, 10_000, 500):
                for number in range(start, start + 500):
                    vehicle.send(number.to_bytes(4, "big") * 16)
                chunks += await taken(opened, 500)
    assert [int.from_bytes(each.data[:4], "big") for each in chunks] == list(range(10_000))
    assert all(a.received_ns <= b.received_ns for a, b in itertools.pairwise(chunks))


async def test_a_port_in_use() -> None:
    async with udp("0") as first:
        with pytest.raises(SourceUnavailable, match="the port is in use by another program; close that, or choose"):
            await udp(str(port(first))).open()


async def test_a_group_is_heard_by_several_and_no_other_group_on_its_port() -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(udp(f"{GROUP}:0?interface=127.0.0.1"))
        second = await stack.enter_async_context(udp(f"{GROUP}:{port(first)}?interface=lo"))
        third = await stack.enter_async_context(udp(f"{OTHER_GROUP}:{port(first)}?interface=127.0.0.1"))
        vehicle, stranger = (stack.enter_context(sender(first, group)) for group in (GROUP, OTHER_GROUP))
        try:
            stranger.send(b"for the third")
            vehicle.send(b"for the first and second")
        except OSError as error:
            pytest.skip(f"no multicast on loopback here: {error}")
        for each in (first, second):
            assert [chunk.data for chunk in await taken(each, 1)] == [b"for the first and second"]
        assert [chunk.data for chunk in await taken(third, 1)] == [b"for the third"]


async def test_a_group_after_reopening() -> None:
    opened = udp(f"{GROUP}:0?interface=127.0.0.1")
    for cycle in range(5):
        async with opened:
            with sender(opened, GROUP) as vehicle:
                try:
                    vehicle.send(b"%d" % cycle)
                except OSError as error:
                    pytest.skip(f"no multicast on loopback here: {error}")
                assert [each.data for each in await taken(opened, 1)] == [b"%d" % cycle]


@pytest.mark.parametrize("target", ["[ff12::8142]:0?interface=lo", "[ff12::8142%lo]:0", "[ff11::8142]:0?interface=lo"])
async def test_an_ipv6_group(target: str) -> None:
    group = target[1:].partition("]")[0].partition("%")[0]
    async with udp(target) as opened:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as vehicle:
            vehicle.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("lo"))
            try:
                vehicle.sendto(b"six", (group, port(opened)))
            except OSError as error:
                pytest.skip(f"no IPv6 multicast on loopback here: {error}")
            assert [each.data for each in await taken(opened, 1)] == [b"six"]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (f"{GROUP}:0?interface=wlan99", r"no network interface 'wlan99'; choose one with interface= \(here: .*lo"),
        (f"{GROUP}:0?interface=203.0.113.1", "; choose one with interface="),
        ("0?interface=127.0.0.1", "interface= is for multicast groups; leave it out"),
        ("203.0.113.1:0", "this machine has no such address; give one of its own"),
        ("ground.invalid:5000", r"no host is called 'ground\.invalid'"),
    ],
)
async def test_what_cannot_be_opened_says_what_to_do(rest: str, said: str) -> None:
    with pytest.raises(SourceUnavailable, match=said) as caught:
        await udp(rest).open()
    assert str(caught.value).count("; ") == 1


@pytest.mark.parametrize("rest", ["", "x", "1.2.3.4:x", "5000?buffer=0", "5000?buffer=-1"])
def test_addresses_that_cannot_be_used(rest: str) -> None:
    with pytest.raises(AddressError, match="want "):
        udp(rest)


async def test_many_unasked_datagrams_are_bounded() -> None:
    """One-byte datagrams count for what they cost, then the kernel's buffer takes over and counts."""
    async with udp("0?buffer=50000") as opened:
        arrivals = opened._arrivals
        assert arrivals is not None
        with sender(opened) as vehicle:
            sent = 0
            while arrivals._watching:
                for _ in range(50):
                    vehicle.send(b"x")
                sent += 50
                await asyncio.sleep(0)
                assert sent < 1_000_000
            assert len(arrivals._held) < 40_000
            held = len(await opened.receive())
            assert held >= 30_000
