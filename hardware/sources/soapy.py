"""Any radio that SoapySDR has a driver for: ``soapy:driver=rtlsdr,serial=00000001?frequency=2245.5M&rate=2.4M``.

The target is SoapySDR's own way to name a device. A thread reads it (:mod:`hardware.soapy_reading`), for SoapySDR
blocks; chunks come in order, stamped by a clock that counts their samples (:mod:`hardware.sample_clock`).
"""

import asyncio
import errno
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hardware import soapy_library as soapy
from hardware.arrivals import Arrivals
from hardware.quantity import decibels, hertz, short
from hardware.sample_clock import SampleClock
from hardware.soapy_reading import FORMATS, SoapyReading
from hardware.source import Source
from protocols.chunk import Chunk
from protocols.errors import SourceLost, SourceUnavailable
from protocols.signal import Signal

_NEAR = 1e-3
"""How far the rate a radio takes may be from the one it was told: demodulators find symbol clocks that are off by so
much. Our choice."""


@dataclass(eq=False)
class Soapy(Source):
    """IQ samples in the format asked for, stamped by a clock that counts them."""

    frequency: str = ""
    """Hz to tune to: the middle of the band."""
    rate: str = "2.4M"
    """Samples a second."""
    gain: str = "auto"
    """In dB, spread over the radio's stages by its driver."""
    antenna: str = ""
    """The socket's name; else the driver chooses."""
    bandwidth: str = ""
    """Hz of the filter before the converter; else the driver chooses."""
    channel: int = 0
    """Which of the radio's receivers."""
    samples: str = "ci16_le"
    """Their format: cu8, ci8, ci16_le or cf32_le."""
    settings: str = ""
    """What the driver can be told besides, as ``biastee=true,direct_samp=2``."""

    _signal: Signal = field(init=False, repr=False)
    _tuning: list[tuple[Any, ...]] = field(init=False, repr=False)
    _clock: SampleClock = field(init=False, repr=False)
    _arrivals: Arrivals | None = field(default=None, init=False, repr=False)
    _reading: SoapyReading | None = field(default=None, init=False, repr=False)
    _told: dict[str, str | int | float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError for a target that names no device, and options out of range."""
        if "=" not in self.target or not self.target.isprintable():
            raise ValueError("names no device; want soapy:driver=NAME as SoapySDRUtil --find lists them")
        if not self.frequency:
            raise ValueError("says no frequency to tune to; add ?frequency=437.5M")
        if self.samples not in FORMATS:
            raise ValueError(f"samples={self.samples!r}: want one of {', '.join(FORMATS)}")
        if not 0 <= self.channel < 64:
            raise ValueError(f"channel={self.channel}: want 0 for the first, up to 63")
        settings = [each.partition("=") for each in self.settings.split(",") if each]
        if not all(key and equals for key, equals, _ in settings):
            raise ValueError(f"settings={self.settings!r}: want KEY=VALUE,KEY=VALUE")
        rate, frequency, gain = (
            hertz("rate", self.rate),
            hertz("frequency", self.frequency),
            decibels("gain", self.gain),
        )
        self._signal = Signal(self.samples, rate, frequency)
        self._clock = SampleClock(rate)
        self._tuning = [("setSampleRate", float(rate))]
        if self.bandwidth:
            self._tuning += [("setBandwidth", float(hertz("bandwidth", self.bandwidth)))]
        if self.antenna:
            self._tuning += [("setAntenna", self.antenna.encode())]
        self._tuning += [("setFrequency", float(frequency), None), ("setGainMode", gain is None)]
        self._tuning += [] if gain is None else [("setGain", gain)]
        self._tuning += [("writeSetting", key.encode(), value.encode()) for key, _, value in settings]

    async def open(self) -> None:
        """Find the radio, set it up and begin to read. Raises SourceUnavailable: no SoapySDR, no such radio, in use."""
        await self.close()
        opening = asyncio.get_running_loop().run_in_executor(None, self._opened)
        try:
            self._reading = await asyncio.shield(opening)
        except OSError as error:
            raise SourceUnavailable(self.address, str(error.strerror or error)) from error
        except asyncio.CancelledError:
            opening.add_done_callback(_abandoned)
            raise
        self._clock.anchor_again()
        self._arrivals = Arrivals(self.address)
        self._arrivals.watch(self._reading.fd, self._reading.drain)
        self._reading.start()

    async def receive(self) -> list[Chunk]:
        """Whole samples, in chunks of 20 ms or up to 256 KiB. SourceLost when the radio is unplugged."""
        if self._arrivals is None:
            raise SourceLost(self.address, "not open; open it first")
        return await self._arrivals.receive()

    async def close(self) -> None:
        """Give the radio back, once a read that is under way has ended."""
        if self._arrivals is not None:
            self._arrivals.close()
        reading, self._reading = self._reading, None
        if reading is not None:
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, reading.close))

    @property
    def signal(self) -> Signal:
        """The format, rate and frequency asked for."""
        return self._signal

    @property
    def state(self) -> Mapping[str, str | int | float]:
        """The radio, how it is set, what its driver said was missing, and what the clock found to be."""
        kept = {"overruns": self._clock.gaps, "lost_samples": self._clock.lost, "anchored": self._clock.anchored}
        return {**self._told, **kept} if self._told else {}

    def _opened(self) -> SoapyReading:
        """The radio, streaming. Raises OSError that says what to do. Runs in a thread: it may take seconds."""
        soapy.library()
        try:
            device = soapy.called("makeStrArgs", self.target.encode())
            if not device:
                raise OSError("no such device")
        except OSError as error:
            problem = f"{error}; plug it in, and see what SoapySDRUtil --find lists"
            raise OSError(errno.ENODEV, problem) from None
        try:
            self._tune(device)
            reading = SoapyReading(device, self.channel, self._signal, self._clock, self.link, self.clock)
        except BaseException:
            soapy.library().SoapySDRDevice_unmake(device)
            raise
        return reading

    def _tune(self, device: int) -> None:
        """Set the radio up. Raises OSError naming what it refuses."""
        where = (device, soapy.RECEIVE, self.channel)
        for function, *values in self._tuning:
            if function == "setGainMode" and not soapy.called("hasGainMode", *where):
                continue
            try:
                soapy.called(function, *(where if function != "writeSetting" else (device,)), *values)
            except OSError as error:
                asked = " ".join(str(each) for each in values if each is not None)
                problem = f"{function} {asked} was refused: {error}; see what SoapySDRUtil --probe lists"
                raise OSError(errno.EINVAL, problem) from None
        rate = soapy.called("getSampleRate", *where)
        if abs(rate / self._signal.rate - 1) > _NEAR:
            problem = f"gives {rate:.0f} samples/s and not {self.rate}; say rate={short(round(rate))}, or one it has"
            raise OSError(errno.EINVAL, problem)
        gain = "auto" if self.gain == "auto" else f"{soapy.called('getGain', *where):g} dB"
        self._told = {
            "hardware": soapy.text("getHardwareKey", device),
            "antenna": soapy.text("getAntenna", *where),
            "frequency": short(self._signal.frequency),
            "rate": short(self._signal.rate),
            "gain": gain,
        }


def _abandoned(opening: asyncio.Future[SoapyReading]) -> None:
    """Close what was opened for nobody."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


SOURCE = Soapy
