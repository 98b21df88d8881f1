"""Radio as a framing: the bytes of samples in, frames out, with the same ledger as a serial port's.

The ledger counts the bytes of samples: those that a delivered frame lasted, those that were discarded (noise, silence,
frames whose check failed) and those that may yet belong to a frame. Frames are dated by where their last bit lay, on
a clock that counts samples; so how the stream is cut changes no frame and no time.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from protocols.deframing.deframer import Deframer
from protocols.errors import DeclarationError
from protocols.framer import Framer
from protocols.frames import Frames
from protocols.modem.demodulator import Demodulator
from protocols.modem.receiver import ReceivedFrame
from protocols.modem.sample_times import SampleTimes
from protocols.modem.spectrum import SpectrumMeter
from protocols.modem.transmitter_table import Transmitter
from protocols.signal import Signal

MOST_TRANSMITTERS = 16
"""Signals that one radio is searched for."""
LOCK_DB = 4.0
"""Eb/N0 above which bits are called received: below, no code but the strongest brings a frame through."""
RECENT = 20
"""Frames of which a report tells."""
PREAMBLE = np.tile(np.array((1, 0), np.uint8), 128)
"""What is sent before the first frame of a burst: bits by which filters, timing and descramblers are set."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A frame as a report tells of it."""

    received_ns: int
    bytes: int
    eb_n0: float
    """In dB."""
    corrected: int
    transmitter: int
    """Which of the transmitters it is from, from 0."""


class Radio(Framer):
    """The frames of one or several transmitters in one stream of samples."""

    def __init__(self, signal: Mapping[str, Any] | Signal, transmitters: Sequence[Mapping[str, Any]]) -> None:
        """Tables as in :class:`Signal` and :class:`Transmitter`. Raises DeclarationError on what cannot be."""
        super().__init__()
        self.signal = signal if isinstance(signal, Signal) else Signal.of(signal)
        if not isinstance(transmitters, Sequence) or not 0 < len(transmitters) <= MOST_TRANSMITTERS:
            raise DeclarationError("transmitters", f"give one to {MOST_TRANSMITTERS}")
        self.transmitters = tuple(Transmitter.of(table) for table in transmitters)
        self._receivers = tuple(each.receiver(self.signal) for each in self.transmitters)
        self._spectrum = SpectrumMeter()
        self._times = SampleTimes(self.signal.rate)
        self._part = b""  # of a sample that a chunk has cut
        self._samples = self._decided = 0
        self._before: list[ReceivedFrame] = []  # frames of the last call, against which doubles are told
        self.heard: deque[Heard] = deque(maxlen=RECENT)
        """The newest frames."""

    @property
    def bound(self) -> int:
        """A page and the reach of the filters, and the most bits that a framing holds."""
        return self.signal.size * (1 + max(self._bound(each.demodulator, each.deframers) for each in self._receivers))

    def _bound(self, made: Demodulator, deframers: Sequence[Deframer]) -> int:
        bits = 2 * made.WIDTH + max(each.bound for each in deframers)
        return made.page + math.ceil(1.05 * bits * made.rate / made.baud)

    @property
    def sync_state(self) -> str:
        """``lock`` while bits of any transmitter are received, else ``search``."""
        return "lock" if any(each.demodulator.eb_n0_now >= LOCK_DB for each in self._receivers) else "search"

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The frames that data completes, received_ns being the time of its last sample."""
        whole = self._part + data if self._part else data
        cut = len(whole) - len(whole) % self.signal.size
        self._part = whole[cut:]
        samples = self.signal.array(memoryview(whole)[:cut])
        self._times.receive(len(samples), received_ns)
        self._samples += len(samples)
        self._spectrum.receive(samples)
        found = [(number, frame) for number, each in enumerate(self._receivers) for frame in each.receive(samples)]
        self.ledger.bytes_in += len(data)
        return self._delivered(found)

    def finish(self) -> Frames:
        """The frames still within it, now that no more samples will come."""
        found = [(number, frame) for number, each in enumerate(self._receivers) for frame in each.finish()]
        frames = self._delivered(found)
        self._settle(self.ledger.bytes_in // self.signal.size)
        self.ledger.discarded += self.ledger.pending
        self.ledger.pending = 0
        return frames

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """Samples as the first transmitter sends bodies in its first framing, behind a preamble, at half scale."""
        chosen = self.transmitters[0]
        modulator = chosen.modulator(self.signal)
        bits = np.concatenate((PREAMBLE, chosen.deframers()[0].encode(bodies)))
        sent = np.concatenate((modulator.modulate(bits), modulator.finish()))
        return self.signal.encode(0.5 * sent)

    def report(self) -> dict[str, Any]:
        """What an operator wants to see of it now: spectrum, strength, offset and counts of each transmitter."""
        half = self.signal.rate / 2
        return {
            "signal": self.signal.as_dict(),
            "spectrum": {
                "low_hz": -half if self.signal.iq else 0.0,
                "high_hz": half,
                "db": [round(line, 1) for line in self._spectrum.decibels().tolist()],
            },
            "samples_in": self._samples,
            "invalid": max(each.demodulator.invalid for each in self._receivers),
            "saturated": max(each.demodulator.saturated for each in self._receivers),
            "transmitters": [self._reported(number) for number in range(len(self.transmitters))],
            "recent": [
                {
                    "received_ns": each.received_ns,
                    "bytes": each.bytes,
                    "eb_n0": _known(each.eb_n0),
                    "corrected": each.corrected,
                    "transmitter": each.transmitter,
                }
                for each in self.heard
            ],
        }

    def _reported(self, number: int) -> dict[str, Any]:
        transmitter, made = self.transmitters[number], self._receivers[number].demodulator
        ledgers = [each.ledger for each in self._receivers[number].deframers]
        framings = transmitter.framings
        return {
            "modem": dict(transmitter.modem),
            "framing": framings[0] if len(framings) == 1 else list(framings),
            "eb_n0": _known(made.eb_n0_now),
            "carrier_offset_hz": _known(made.carrier_offset),
            "sync": "lock" if made.eb_n0_now >= LOCK_DB else "search",
            "frames": sum(each.frames for each in ledgers),
            "check_failures": sum(each.check_failures for each in ledgers),
            "corrected": sum(each.corrected for each in ledgers),
            "bits_in": ledgers[0].bits_in,
        }

    def _delivered(self, found: list[tuple[int, ReceivedFrame]]) -> Frames:
        """Frames in the order of their ends, each once, entered in the ledger."""
        found = self._without_doubles(sorted(found, key=lambda each: each[1].end))
        self._settle(0, *(frame for _, frame in found))
        if not found:
            return Frames.none()
        times = np.array([self._times.at(frame.end) for _, frame in found], np.int64)
        strengths = np.array([frame.eb_n0 for _, frame in found], np.float32)
        corrected = np.array([frame.corrected for _, frame in found], np.int32)
        for (number, frame), at in zip(found, times.tolist(), strict=True):
            self.heard.append(Heard(at, len(frame.body), frame.eb_n0, frame.corrected, number))
        plain = Frames.of([frame.body for _, frame in found], 0)
        return Frames(plain.data, plain.offsets, times, strengths, corrected)

    def _without_doubles(self, found: list[tuple[int, ReceivedFrame]]) -> list[tuple[int, ReceivedFrame]]:
        """Frames less those that another framing or modem has delivered of the same bits."""
        kept: list[tuple[int, ReceivedFrame]] = []
        seen = self._before
        for number, frame in found:
            if not any(each.body == frame.body and each.end > frame.begin and frame.end > each.begin for each in seen):
                kept.append((number, frame))
                seen = [*seen[-2 * MOST_TRANSMITTERS :], frame]
        self._before = seen[-2 * MOST_TRANSMITTERS :]
        return kept

    def _settle(self, least: int, *frames: ReceivedFrame) -> None:
        """Enter in the ledger what has been decided by now: frames, in order, and what is none of theirs."""
        ledger, size, before = self.ledger, self.signal.size, self._decided
        taken, free = 0, before
        for frame in frames:
            begin, end = (min(max(free, math.floor(edge)), self._samples) for edge in (frame.begin, frame.end + 1))
            taken, free = taken + end - begin, end
        settled = math.floor(min(each.settled for each in self._receivers))
        self._decided = min(max(free, settled, least), self._samples)
        ledger.frames += len(frames)
        ledger.frame_bytes += size * taken
        ledger.discarded += size * (self._decided - before - taken)
        ledger.pending = ledger.bytes_in - ledger.frame_bytes - ledger.discarded
        ledger.corrected += sum(frame.corrected for frame in frames)
        ledger.crc_failures = sum(each.ledger.check_failures for made in self._receivers for each in made.deframers)


def _known(value: float) -> float | None:
    """A number as JSON may say it, None where it is not known."""
    return round(value, 2) if math.isfinite(value) else None
