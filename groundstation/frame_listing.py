"""The frames of a recording themselves, as hex or KISS: what is left when nobody has declared what is in them."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from groundstation.campaign import make_framer
from groundstation.pipeline import blocks, by_link
from groundstation.reading import Reading
from protocols import undeclared
from protocols.batch import Batch
from protocols.decoder import VehicleDecoder
from protocols.errors import RecordingError
from protocols.framer import Framer, framer
from protocols.frames import Frames
from replay.recording import Recording

KINDS = ("hex", "kiss", "none")
"""How frames are written: a line of hexadecimal each, KISS data frames, or only counted."""


@dataclass(slots=True)
class FrameListing:
    """All links of a recording, frame by frame; decoded too where a vehicle is known."""

    reading: Reading
    framers: dict[str, Framer] = field(init=False)
    decoders: dict[str, VehicleDecoder] = field(init=False)
    delivered: int = 0
    """Frames that were given, or packets out of them."""
    newest: dict[str, tuple[Any, str]] = field(default_factory=dict)
    """The newest value of each measurement and its unit, by full name."""

    def __post_init__(self) -> None:
        """Make ready for each link."""
        reading = self.reading
        declared = reading.vehicle is not undeclared.VEHICLE
        self.framers = {name: make_framer(framing) for name, framing in reading.framings.items()}
        self.decoders = {
            name: VehicleDecoder(reading.declared.get(name, reading.vehicle), name) for name in self.framers if declared
        }

    def frames(self, progress: Callable[[int], None]) -> Iterator[tuple[str, Frames]]:
        """The frames of each link as they come, with its name; progress is told the newest time."""
        for group in blocks(self.reading.recording.chunks()):
            for name, chunks in by_link(group).items():
                times = [chunk.received_ns for chunk in chunks]
                yield from self._taken(name, self.framers[name].receive_many([chunk.data for chunk in chunks], times))
            progress(group[-1].received_ns)
        for name, made in self.framers.items():
            yield from self._taken(name, made.finish())

    def _taken(self, name: str, frames: Frames) -> Iterator[tuple[str, Frames]]:
        if not len(frames):
            return
        for batch in self.decoders[name].decode(frames) if self.decoders else ():
            self._note(batch, self.decoders[name])
        self.delivered += len(frames)
        yield name, frames

    def _note(self, batch: Batch, decoder: VehicleDecoder) -> None:
        good = np.flatnonzero(batch.valid)
        for path, told in decoder.decoders[batch.packet].fields.items() if len(good) else ():
            value = _plain(batch.columns[path][good[-1]])
            label = told.labels.get(value, "") if isinstance(value, int) else ""
            self.newest[f"{batch.packet}.{path}"] = (label or value, told.unit)

    def counts(self) -> dict[str, Any]:
        """Ledger and counts of each link, and of packets, for ``--json``."""
        links = {}
        for name, made in self.framers.items():
            links[name] = {**made.ledger.as_dict(), **made.counts()}
            if name in self.decoders:
                decoder = self.decoders[name]
                links[name] |= {
                    "sequence_gaps": decoder.sequence_gaps,
                    "unknown_packets": decoder.unknown_packets,
                    "malformed": decoder.malformed,
                    "packets": {packet: count for packet, count in decoder.packets.items() if count},
                }
        return links


def writer(kind: str, recording: Recording) -> Callable[[Frames], None]:
    """What writes frames to standard output. Raises RecordingError on KISS to a terminal."""
    out = sys.stdout.buffer
    if kind == "kiss":
        if out.isatty():
            problem = "KISS is binary and would upset the terminal; send it to a file or a program (> FILE)"
            raise RecordingError(recording.path, problem)
        kiss = framer("kiss", port=0)
        return lambda frames: _write(out, kiss.encode(list(frames)))
    if kind == "hex":
        return lambda frames: _write(out, b"".join(frame.hex().encode() + b"\n" for frame in frames))
    return lambda _: None


def described(frames: Frames) -> list[dict[str, Any]]:
    """Frames as ``--json`` tells of them."""
    strengths = [math.nan] * len(frames) if frames.eb_n0 is None else frames.eb_n0.tolist()
    corrected = [0] * len(frames) if frames.corrected is None else frames.corrected.tolist()
    return [
        {
            "hex": frame.hex(),
            "received_ns": at,
            "eb_n0": round(strength, 1) if math.isfinite(strength) else None,
            "corrected": count,
        }
        for frame, at, strength, count in zip(frames, frames.received_ns.tolist(), strengths, corrected, strict=True)
    ]


def _write(out: BinaryIO, data: bytes) -> None:
    out.write(data)
    out.flush()


def _plain(value: Any) -> Any:
    """A value of a column as JSON may say it."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return value.hex() if isinstance(value, bytes) else value
