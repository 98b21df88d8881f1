"""The links of samples of a recording: their samples stand in SigMF files beside it, and the recording refers to them.

For each chunk the MCAP file has a message ``{"sample_start": ..., "sample_count": ...}`` on channel ``samples/LINK``,
with the chunk's time. So order, times, gaps and seeking are those of all other links, and positions in the recording
stand for positions in the samples. Samples are written before what refers to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from os import pread
from pathlib import Path

import orjson

from protocols.chunk import Chunk
from protocols.errors import RecordingFailed
from protocols.signal import Signal
from replay.record_walk import MAX_DATA
from replay.recording import RecordedLink, TimeBase
from replay.sigmf_dataset import DATA
from replay.sigmf_recorder import About, SigmfRecorder


class SampleLinks:
    """The files of samples beside a recording being written."""

    def __init__(
        self, path: Path, links: Mapping[str, RecordedLink], software: str, *, synthetic: bool, time_base: TimeBase
    ) -> None:
        """Create ``NAME.LINK.sigmf-data`` and its metadata for each link that has a signal. Raises RecordingFailed."""
        self._recorders: dict[str, SigmfRecorder] = {}
        for name, link in links.items():
            if link.signal is not None:
                about = About(software, name, link.vehicle, link.framing, synthetic, time_base)
                try:
                    made = SigmfRecorder(path.with_name(f"{path.stem}.{name}{DATA}"), link.signal, about)
                except RecordingFailed:
                    self.abandon()
                    raise
                self._recorders[name] = made

    def __contains__(self, link: str) -> bool:
        return link in self._recorders

    @property
    def datasets(self) -> Mapping[str, str]:
        """The name of each link's file of samples."""
        return {name: each.path.name for name, each in self._recorders.items()}

    @property
    def problem(self) -> str:
        """Why the last write or sync of one of them failed; empty when none did."""
        return next(filter(None, (each.problem for each in self._recorders.values())), "")

    @property
    def bytes_written(self) -> int:
        """Bytes of samples of all of them."""
        return sum(each.bytes_written for each in self._recorders.values())

    def write(self, chunk: Chunk) -> bytes:
        """Record a chunk's samples; the message that refers to them. Raises RecordingFailed."""
        recorder = self._recorders[chunk.link]
        first = recorder.write(chunk.data, chunk.received_ns)
        return orjson.dumps({"sample_start": first, "sample_count": len(chunk.data) // recorder.signal.size})

    def sync(self) -> None:
        """Have the disk hold them. Raises the first RecordingFailed, when all were tried."""
        _each(self._recorders, SigmfRecorder.sync)

    def close(self) -> None:
        """Finish them. Raises the first RecordingFailed, when all are closed."""
        _each(self._recorders, SigmfRecorder.close)

    def abandon(self) -> None:
        """Remove them: nothing was recorded."""
        for each in self._recorders.values():
            each.abandon()


def _each(recorders: Mapping[str, SigmfRecorder], do: Callable[[SigmfRecorder], None]) -> None:
    failed: RecordingFailed | None = None
    for each in recorders.values():
        try:
            do(each)
        except RecordingFailed as error:
            failed = failed or error
    if failed is not None:
        raise failed


@dataclass(frozen=True, slots=True)
class Dataset:
    """The file of samples that a link of a recording refers to."""

    path: Path
    signal: Signal

    @classmethod
    def beside(cls, recording: Path, link: str, name: str, signal: Signal) -> Dataset:
        """The file of that name beside a recording, or the one named like the recording, if that was renamed."""
        known = Path(name).name == name and name.endswith(DATA)
        named = recording.with_name(name if known else f"{recording.stem}.{link}{DATA}")
        usual = recording.with_name(f"{recording.stem}.{link}{DATA}")
        return cls(usual if usual.is_file() and not named.is_file() else named, signal)

    def samples(self) -> int:
        """How many samples are in it; 0 where it is missing."""
        try:
            return self.path.stat().st_size // self.signal.size
        except OSError:
            return 0


@contextmanager
def reading(datasets: Mapping[int, Dataset]) -> Iterator[Callable[[int, bytes], bytes | None]]:
    """``read(channel, message)``: the samples a message of a channel refers to; None where they are not there."""
    with ExitStack() as opened:
        files: dict[int, int] = {}
        for channel, dataset in datasets.items():
            with suppress(OSError):
                files[channel] = opened.enter_context(dataset.path.open("rb", buffering=0)).fileno()

        def read(channel: int, message: bytes) -> bytes | None:
            size = datasets[channel].signal.size
            first, count = reference(message)
            if channel not in files or not 0 <= first < 1 << 56 or not 0 <= count * size <= MAX_DATA:
                return None
            data = pread(files[channel], count * size, first * size)
            return data if len(data) == count * size else None

        yield read


def reference(message: bytes) -> tuple[int, int]:
    """First sample and count that a message refers to; -1 where it is damaged."""
    try:
        told = orjson.loads(message)
    except orjson.JSONDecodeError:
        return -1, -1
    if not isinstance(told, dict):
        return -1, -1
    first, count = told.get("sample_start"), told.get("sample_count")
    return (first, count) if type(first) is int and type(count) is int else (-1, -1)
