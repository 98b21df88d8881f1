"""Looking through a recording while it is being replayed: what happens in it and when, and where one can go back to.

It decodes everything once, in a thread of its own and with a pipeline of its own. What a replay has to know before it
begins, T-0, is told as soon as it is found; the rest comes while it plays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator

from groundstation.event import Event, EventKind
from groundstation.pipeline import BLOCK_BYTES, BLOCK_CHUNKS, Pipeline, Result
from groundstation.reading import Reading
from groundstation.snapshots import Snapshot, Snapshots
from groundstation.traces import Traces
from protocols.chunk import Chunk
from protocols.errors import RecordingError
from replay.recording import Placed


class Survey:
    """One recording being looked through. ``run`` is for a thread; everything else may be asked for meanwhile."""

    def __init__(
        self,
        reading: Reading,
        changed: Callable[[], None] = lambda: None,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        """Changed is called, in the thread, whenever there is news; spent tells the seconds that decoding has taken."""
        self._recording, self._changed, self._spent = reading.recording.twin(), changed, spent
        pipeline = reading.pipeline()
        self.snapshots = Snapshots(Snapshot.of(pipeline, Traces.of(pipeline.vehicle)))
        """Where one can go back to, so far."""
        self.span: tuple[int, int] | None = None
        """``received_ns`` of the first and the last chunk; None before they are known."""
        self.read = 0.0
        """How much of it is read: 0 to 1."""
        self.t0_ns: int | None = None
        """T-0; None before it is found."""
        self.events: list[Event] = []
        """The flight's events so far."""
        self.finished = False
        """Whether there is nothing more to come: everything is read, or cannot be."""
        self.error: Exception | None = None
        """Why the recording cannot be read on."""
        self.wanted = threading.Event()
        """Cleared to have it wait, while something else needs the machine."""
        self.wanted.set()
        self.pause_s = 0.0
        """How long it rests after each piece of some milliseconds, so that others get their turn."""
        self._stopped = False

    @property
    def settled(self) -> bool:
        """Whether T-0 is known, or will never be: from then on a replay tells the same as it does after everything."""
        flight = self.snapshots.first.pipeline.vehicle.flight
        has_t0 = flight is not None and bool(flight.transitions)
        return self.finished or (self.span is not None and (self.t0_ns is not None or not has_t0))

    def run(self) -> None:
        """Read to the end, or until stopped. Raises nothing: see ``error``."""
        try:
            self._look_through()
        except OSError as error:
            problem = f"cannot be read on ({error.strerror or error}); check the file and its disk"
            self.error = RecordingError(self._recording.path, problem)
        except Exception as error:  # noqa: BLE001 whoever waits for it raises it
            self.error = error
        finally:
            self.finished = True
            self._changed()

    def stop(self) -> None:
        """Have ``run`` return soon."""
        self._stopped = True
        self.wanted.set()

    def _look_through(self) -> None:
        self.span = self._recording.span
        self._changed()
        pipeline, traces = self.snapshots.first.restored()
        latest, begun = self.snapshots.first.latest_ns, self._spent()
        for group, place in placed_blocks(self._recording.placed()):
            self.wanted.wait()
            if self._stopped:
                return
            self._learn(pipeline, traces, pipeline.receive(*group))
            newest = max(chunk.received_ns for chunk in group)
            latest = max(latest, newest)
            self._progress(newest)
            if self._spent() - begun >= self.snapshots.spacing_s:
                self.snapshots.add(Snapshot.of(pipeline, traces, place, latest))
                begun = self._spent()
            if self.pause_s:
                time.sleep(self.pause_s)
        for name in pipeline.links:
            self._learn(pipeline, traces, pipeline.finish(name))
        self.read = 1.0

    def _learn(self, pipeline: Pipeline, traces: Traces, result: Result) -> None:
        """Take note of what some chunks have brought."""
        for batch in result.ordered:
            traces.add(batch)
        flown = [event for event in result.events if event.kind is EventKind.FLIGHT]
        if flown:
            self.events = [*self.events, *flown]
            self.t0_ns = pipeline.flight.t0_ns
            self._changed()

    def _progress(self, newest_ns: int) -> None:
        """Take note of how far it is."""
        assert self.span is not None
        first, last = self.span
        part = min(max((newest_ns - first) / max(last - first, 1), self.read), 0.999)
        news = int(100 * part) > int(100 * self.read)
        self.read = part
        if news:
            self._changed()


def placed_blocks(placed: Iterable[Placed]) -> Iterator[tuple[list[Chunk], int]]:
    """Chunks in groups worth a batch (see :func:`groundstation.pipeline.blocks`), each with the place after it."""
    group: list[Chunk] = []
    size = place = 0
    for chunk, place in placed:
        group.append(chunk)
        size += len(chunk.data)
        if size >= BLOCK_BYTES or len(group) >= BLOCK_CHUNKS:
            yield group, place
            group, size = [], 0
    if group:
        yield group, place
