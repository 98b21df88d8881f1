"""SoapySDR's real library with a driver of the tests' own, whose samples count themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hardware import soapy_library
from hardware.arrivals import HELD_MAX
from hardware.source import source
from hardware.sources.soapy import Soapy
from protocols.chunk import Chunk
from protocols.errors import AddressError, SourceLost, SourceUnavailable
from protocols.signal import Signal
from tests.hardware.sources.soapy_peer import needs_radio

Eventually = Callable[..., Awaitable[None]]


@pytest.fixture
def radio() -> None:
    needs_radio()


def soapy(device: str, options: str = "") -> Soapy:
    made = source(f"soapy:driver=groundstation{device}?frequency=2245.5M&rate=1M{options}", "radio")
    assert isinstance(made, Soapy)
    return made


async def taken(opened: Soapy, samples: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    async with asyncio.timeout(120):
        while sum(len(each.data) for each in chunks) < 4 * samples:
            chunks += await opened.receive()
    return chunks


def numbers(chunks: list[Chunk]) -> np.ndarray:
    """The number of each sample, as the radio counted it."""
    low, high = np.frombuffer(b"".join(each.data for each in chunks), "<i2").reshape(-1, 2).T.astype(np.int64)
    return low + (high << 15)


@pytest.mark.usefixtures("radio")
async def test_every_sample_arrives_once_and_in_order() -> None:
    async with soapy(",pace=false") as opened:
        chunks = await taken(opened, 5_000_000)
    got = numbers(chunks)
    assert (got == np.arange(len(got))).all()
    assert {len(each.data) for each in chunks} == {4 * 20_000}


@pytest.mark.usefixtures("radio")
async def test_a_radio_at_its_pace_loses_nothing() -> None:
    async with soapy("") as opened:
        chunks = await taken(opened, 1_500_000)
        assert (opened.state["overruns"], opened.state["lost_samples"]) == (0, 0)
    got = numbers(chunks)
    assert (got == np.arange(len(got))).all()
    times = [each.received_ns for each in chunks]
    counted = [later - sooner for sooner, later in pairwise(times)]
    assert counted == pytest.approx([len(each.data) * 250 for each in chunks[1:]], abs=1)


@pytest.mark.usefixtures("radio")
async def test_it_is_set_up_as_the_address_says(tmp_path: Path) -> None:
    log = tmp_path / "log"
    options = "&gain=29.7&antenna=LNA&bandwidth=1.5M&channel=1&settings=biastee=true,direct_samp=2"
    opened = soapy(f",log={log}", options)
    assert opened.signal == Signal("ci16_le", 1e6, 2245.5e6)
    async with opened:
        await taken(opened, 1)
        assert opened.state == {
            "hardware": "a radio that counts",
            "antenna": "LNA",
            "frequency": "2.2455G",
            "rate": "1M",
            "gain": "29.7 dB",
            "overruns": 0,
            "lost_samples": 0,
            "anchored": 0,
        }
    assert log.read_text().splitlines() == [
        "make",
        "rate 1000000.00",
        "bandwidth 1500000.00",
        "antenna 1 LNA",
        "frequency 2245500000.00",
        "gain by hand",
        "gain 29.70",
        "setting biastee true",
        "setting direct_samp 2",
        "stream CS16 of channel 1",
        "on",
        "off",
        "close",
        "unmake",
    ]


@pytest.mark.usefixtures("radio")
async def test_an_overflow_that_the_driver_tells_is_counted_exactly_where_samples_have_times() -> None:
    opened = soapy(",pace=false,timed=true,overflow=100000,skip=4321")
    opened.clock = lambda: 1_790_000_000_000_000_000  # the radio does not wait for ours
    async with opened:
        chunks = await taken(opened, 1_000_000)
    got, state = numbers(chunks), opened.state  # once nothing is read any more
    gaps = np.flatnonzero(np.diff(got) != 1)
    assert set(np.diff(got)[gaps]) == {4322}
    assert set(np.diff(gaps)) == {100_000}
    assert int(state["overruns"]) >= len(gaps) > 5
    assert int(state["lost_samples"]) == 4321 * int(state["overruns"])
    assert state["anchored"] == 0
    first = np.cumsum([0, *(len(each.data) // 4 for each in chunks)])[1:] - 1
    true = chunks[0].received_ns + (got[first] - got[first[0]]) * 1000
    assert [each.received_ns for each in chunks] == true.tolist()


@pytest.mark.usefixtures("radio")
async def test_samples_that_go_missing_without_a_word_are_found_by_their_times() -> None:
    opened = soapy(",pace=false,timed=true,overflow=50000,skip=2,silent=true")
    opened.clock = lambda: 1_790_000_000_000_000_000  # the radio does not wait for ours
    async with opened:
        await taken(opened, 500_000)
    state = opened.state  # once nothing is read any more
    assert int(state["overruns"]) > 5
    assert int(state["lost_samples"]) == 2 * int(state["overruns"])


@pytest.mark.usefixtures("radio")
async def test_a_radio_whose_clock_is_set_loses_nothing() -> None:
    opened = soapy(",pace=false,timed=true,overflow=50000,skip=100000000,silent=true")
    opened.clock = lambda: 1_790_000_000_000_000_000
    async with opened:
        chunks = await taken(opened, 500_000)
        assert (opened.state["overruns"], opened.state["lost_samples"]) == (0, 0)
    counted = (sum(len(each.data) for each in chunks[1:]) // 4) * 1000
    assert chunks[-1].received_ns - chunks[0].received_ns == counted


@pytest.mark.usefixtures("radio")
async def test_an_overflow_of_unknown_length_anchors_the_clock_again() -> None:
    async with soapy(",overflow=300000,skip=200000") as opened:
        chunks = await taken(opened, 900_000)
    got, state = numbers(chunks), opened.state  # once nothing is read any more
    gap = int(np.flatnonzero(np.diff(got) != 1)[0]) + 1
    ends = np.cumsum([len(each.data) // 4 for each in chunks])
    assert gap in ends  # no chunk holds samples from both sides
    assert int(state["overruns"]) >= 2
    assert state["anchored"] == state["overruns"]
    after = int(np.searchsorted(ends, gap, "right"))
    step = chunks[after].received_ns - chunks[after - 1].received_ns
    assert step != (ends[after] - ends[after - 1]) * 1000  # by its arrival, and not by the count


@pytest.mark.usefixtures("radio")
async def test_nobody_takes_what_is_read_and_memory_is_bounded(eventually: Eventually) -> None:
    async with soapy(",pace=false") as opened:
        arrivals, reading = opened._arrivals, opened._reading
        assert arrivals is not None
        assert reading is not None
        await eventually(lambda: not arrivals._watching and reading._room._value == 0)
        assert HELD_MAX <= arrivals._size < HELD_MAX + (8 << 20)
        got = numbers(await taken(opened, 6_000_000))
    assert (got == np.arange(len(got))).all()


@pytest.mark.usefixtures("radio")
async def test_other_formats_are_asked_of_the_driver() -> None:
    opened = soapy("", "&samples=cf32_le")
    assert opened.signal.samples == "cf32_le"
    with pytest.raises(SourceUnavailable, match=r"does not stream: .*gives CS16 alone, not CF32; see what"):
        await opened.open()


@pytest.mark.usefixtures("radio")
@pytest.mark.parametrize(
    ("device", "options", "said"),
    [
        ("", "&antenna=TX", "setAntenna b'TX' was refused: no antenna TX, but RX and LNA; see what SoapySDRUtil"),
        (",off=0.9", "", "gives 900000 samples/s and not 1M; say rate=900k, or one it has"),
        (",fifo=/nowhere", "", "does not stream: nothing is plugged in at /nowhere; see what"),
    ],
)
async def test_what_the_radio_refuses_is_said_and_it_is_let_go_of(
    device: str, options: str, said: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with pytest.raises(SourceUnavailable) as caught:
        await soapy(f"{device},log={log}", options).open()
    assert said in str(caught.value)
    assert log.read_text().splitlines()[-1] == "unmake"


@pytest.mark.usefixtures("radio")
async def test_no_such_device() -> None:
    with pytest.raises(SourceUnavailable, match=r"soapy:driver=nothing: .*; plug it in, and see what SoapySDRUtil"):
        await source("soapy:driver=nothing?frequency=1M", "radio").open()


@pytest.mark.usefixtures("radio")
async def test_given_up_while_it_opens_the_radio_is_let_go_of(tmp_path: Path, eventually: Eventually) -> None:
    log = tmp_path / "log"
    opening = asyncio.create_task(soapy(f",log={log}").open())
    await asyncio.sleep(0)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await eventually(lambda: log.exists() and log.read_text().endswith("unmake\n"))


async def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soapy_library, "_NAMES", ("libSoapySDR-that-nobody-has.so",))
    soapy_library.library.cache_clear()
    with pytest.raises(SourceUnavailable, match=r"SoapySDR 0\.8 is not installed; on Debian .*: apt install lib"):
        await soapy("").open()
    soapy_library.library.cache_clear()


async def test_naming_a_radio_loads_no_library() -> None:
    soapy_library.library.cache_clear()
    opened = soapy("")
    with pytest.raises(SourceLost):
        await opened.receive()
    assert opened.state == {}
    assert soapy_library.library.cache_info().currsize == 0


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("soapy:?frequency=1M", "names no device; want soapy:driver=NAME"),
        ("soapy:rtlsdr?frequency=1M", "names no device; want soapy:driver=NAME"),
        ("soapy:driver=rtlsdr", "says no frequency to tune to; add"),
        ("soapy:driver=rtlsdr?frequency=1M&samples=cu16", "samples='cu16': want one of cu8, ci8, ci16_le, cf32_le"),
        ("soapy:driver=rtlsdr?frequency=1M&channel=-1", "channel=-1: want"),
        ("soapy:driver=rtlsdr?frequency=1M&bandwidth=wide", "bandwidth='wide': want a number"),
        ("soapy:driver=rtlsdr?frequency=1M&settings=biastee", "settings='biastee': want KEY=VALUE"),
    ],
)
def test_options_that_cannot_be(address: str, said: str) -> None:
    with pytest.raises(AddressError) as caught:
        source(address, "radio")
    assert said in str(caught.value)
