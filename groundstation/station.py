"""The station: what comes in is recorded, then decoded, then published; in that order, and whatever else fails.

One task group. A link that fails is tried again and said so; it never takes the station down. The station has no
screen: consoles are clients of the bus.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from groundstation.bus import payload
from groundstation.bus.address import BrokerAddress
from groundstation.bus.backfill import Gap, backfill, remember
from groundstation.bus.outbox import Outbox
from groundstation.event import Event, EventKind
from groundstation.link_health import LinkHealth, LinkState
from groundstation.operator_requests import answer
from groundstation.pipeline import Pipeline, Result, by_link
from groundstation.proving import Proving
from groundstation.radio_reports import RadioReports
from groundstation.recording_watch import RecordingWatch
from groundstation.status import status
from groundstation.traces import Traces
from protocols.batch import Batch
from protocols.chunk import Chunk
from protocols.errors import RecordingError, RecordingFailed
from replay.recorder import Recorder
from replay.recording import RecordedEvent

log = logging.getLogger("groundstation")

SYNC_S = 0.1
"""Raw bytes are on the disk itself, not only with the kernel, at most this long after they came."""
TICK_S = 0.1
STATUS_TICKS, TRACE_TICKS = 5, 20
CANCEL_S = 0.5
EVENTS_PUBLISHED = 200
RIVALS = 20
"""Other stations on our topics that are said to be there; further ones are not."""


@dataclass
class Setup:
    """What a station is to do."""

    name: str
    mode: str
    """``live`` or ``replay``: the topics' root."""
    pipeline: Pipeline
    links: dict[str, LinkHealth]
    recorder: Recorder | None = None
    synthetic: bool = False
    time_base: str = "utc"
    clock: Callable[[], int] | None = None
    """The wall clock in ns UTC; None in a replay, whose clock is its data."""
    t0_ns: int | None = None
    """T-0 where it is known before the flight begins, as in a replay; None: the pipeline finds it."""
    replay_status: Callable[[], Mapping[str, Any]] | None = None
    requests: dict[str, Callable[[Mapping[str, Any]], None]] = field(default_factory=dict)
    """What consoles may ask for beyond acknowledge, mark and stop."""
    rows_waiting: int = 20_000


class Station:
    """A running station on one broker."""

    def __init__(self, setup: Setup, broker: BrokerAddress) -> None:
        self.setup, self.pipeline, self.recorder = setup, setup.pipeline, setup.recorder
        self.session = secrets.token_hex(4)
        self.root = f"groundstation/{setup.mode}/{setup.name}"
        self.outbox = Outbox(
            broker,
            self.root,
            self.session,
            last_will={"state": "lost", "mode": setup.mode, "name": setup.name, "session": self.session},
            on_request=self._request,
            on_away=self._bus_away,
            on_back=self._bus_back,
            on_rival=self._rival,
            rows_waiting=setup.rows_waiting,
        )
        self.outbox.t0_ns = setup.t0_ns
        self.traces = Traces.of(setup.pipeline.vehicle)
        self.state = "starting"
        self.started_ns, self._started_s = self.now_ns(), time.monotonic()
        self.stopping = asyncio.Event()
        """Set when the station is to end."""
        self._gap: Gap | None = None
        self._backfill: asyncio.Task[None] | None = None
        self._rivals: set[str] = set()
        self._tasks: asyncio.TaskGroup | None = None
        self.recording_problem = ""
        """Why nothing is recorded; empty while it is."""
        self._unsynced = False
        self._alarms_changed = self._events_changed = True
        self._defined: set[str] = set()  # packets that the definition published tells of
        self._radio_reports = RadioReports(self)
        self.recording = RecordingWatch(self)
        self.proving = Proving(self)
        """Of what it records."""

    def now_ns(self) -> int:
        """Now: the wall clock's time when live, the newest data's time in a replay."""
        return self.setup.clock() if self.setup.clock is not None else self.pipeline.now_ns

    @property
    def t0_ns(self) -> int | None:
        """T-0; None before it is known."""
        return self.pipeline.flight.t0_ns if self.setup.t0_ns is None else self.setup.t0_ns

    def mission_time(self, at_ns: int) -> float | None:
        """Seconds since T-0; None before it is known."""
        return None if self.t0_ns is None else (at_ns - self.t0_ns) / 1e9

    @property
    def seconds(self) -> float:
        """How long it has been running, by its own clock."""
        return max((self.now_ns() - self.started_ns) / 1e9, 1e-3)

    @property
    def catching_up(self) -> bool:
        """Whether packets are being published that the broker missed while it was away."""
        return self._backfill is not None

    # -- the path of the bytes ------------------------------------------------------------------------------------

    def take(self, chunks: list[Chunk]) -> None:
        """Record chunks, then decode them, then hand them to the outbox."""
        self.record(chunks)
        self._made(self.pipeline.receive(*chunks), chunks)

    def decoded(self, chunks: Sequence[Chunk], batches: Sequence[Batch], *, finished: str = "") -> None:
        """Go on with batches that a thread has made of chunks, which are recorded, or of the finished link's end."""
        self._made(self.pipeline.judge(chunks, batches, finished=finished), chunks)

    def ended(self, link: str) -> None:
        """Take what a link's framer still holds, now that no more of it will come."""
        self._made(self.pipeline.finish(link), ())

    def _made(self, result: Result, chunks: Sequence[Chunk]) -> None:
        """Hand on what chunks have brought."""
        if any(batch.packet not in self._defined for batch in result.batches):
            self._publish_definition()
        for batch in result.batches:
            self.outbox.telemetry(batch)
        for batch in result.ordered:
            self.traces.add(batch)
        for event in result.events:
            self._publish_event(event)
        self._alarms_changed |= bool(result.crossings)
        self.outbox.t0_ns = self.t0_ns
        for name, own in by_link(chunks).items():
            self.setup.links[name].received(own, self.pipeline.links[name].framer.ledger.frames)

    def record(self, chunks: list[Chunk]) -> None:
        """Put chunks on disk. A disk that refuses is said once, and live goes on."""
        if self.recorder is None:
            self.pipeline.recorded(chunks)
            return
        lost = self.recorder.lost
        try:
            self.recorder.write_many(chunks)
            self._unsynced = True
        except RecordingFailed as error:
            self._recording_failed(error)
        else:
            if self.recording_problem and not self.recorder.problem:
                self.recording_problem = ""
                self.happened(EventKind.RECORDING, "recording", "recording again", {})
        self.pipeline.recorded(chunks, self.recorder.lost - lost)

    def _recording_failed(self, error: RecordingFailed) -> None:
        if not self.recording_problem:
            self.recording_problem = str(error)
            self.happened(EventKind.RECORDING, "not recording", f"NOT RECORDING: {error}", {})

    def happened(self, kind: EventKind, name: str, text: str, detail: Mapping[str, Any]) -> None:
        """Note an event of the station's own, now."""
        event = Event(kind, name, self.now_ns(), text, detail)
        self.pipeline.events.append(event)
        self._publish_event(event)

    def _publish_event(self, event: Event) -> None:
        log.info("%s", event.text)
        content = payload.event(event, self.t0_ns)
        self.outbox.event(content)
        self._events_changed = True
        self.note(RecordedEvent(event.name, event.received_ns, content))

    def note(self, event: RecordedEvent) -> None:
        """Put an event into the recording, where one can be written."""
        if self.recorder is not None:
            try:
                self.recorder.event(event)
            except RecordingFailed as error:
                self._recording_failed(error)  # which comes back here once, and records nothing then

    # -- the bus --------------------------------------------------------------------------------------------------

    def _publish_events(self) -> None:
        self._events_changed = False
        recent = list(self.pipeline.events)[-EVENTS_PUBLISHED:]
        self.outbox.state("events", {"events": [payload.event(each, self.t0_ns) for each in recent]})

    def publish_alarms(self) -> None:
        """Publish ``alarms`` as they are now."""
        self._alarms_changed = False
        self.pipeline.alarms.follow(self.pipeline.limit_monitor.standing)
        self.outbox.state("alarms", self.pipeline.alarms.as_payload(self.mission_time))

    def _publish_definition(self) -> None:
        links = {
            name: {"source": health.address, "framing": self.pipeline.links[name].framing}
            for name, health in self.setup.links.items()
        }
        pipeline = self.pipeline
        met = {name for path in pipeline.links.values() for name, count in path.decoder.packets.items() if count}
        told = payload.definition(pipeline.vehicles, pipeline.fields, pipeline.limits, links, met=met)
        self._defined = set(told["packets"])
        self.outbox.state("definition", told)

    def publish_status(self) -> None:
        """Publish ``status`` and ``link/...`` as they are now."""
        now = self.now_ns()
        for name, health in self.setup.links.items():
            self.outbox.state(f"link/{name}", health.as_payload(self.pipeline.links[name].counts(), now))
        self.outbox.state("status", status(self, now))

    def _request(self, request: Mapping[str, Any]) -> None:
        """What a console asks for."""
        answer(self, request)

    def _rival(self, session: str) -> None:
        """Another station publishes on our topics: consoles would see the two mixed. Said once for each."""
        if session not in self._rivals and len(self._rivals) < RIVALS:
            self._rivals.add(session)
            text = f"ANOTHER STATION publishes as {self.root} too; give one of the two campaigns another name"
            self.happened(EventKind.STATION, "rival", text, {"session": session})

    def _bus_away(self) -> None:
        log.warning("broker %s is away (%s); trying again", self.outbox.broker, self.outbox.problem)
        recorder, is_live = self.recorder, self.setup.clock is not None
        if is_live and recorder is not None and not recorder.closed and self._gap is None:
            self._gap = remember(recorder, self.pipeline.links)

    def _bus_back(self) -> None:
        log.info("broker %s is there", self.outbox.broker)
        if self._gap is not None and self._backfill is None and self._tasks is not None:
            self._backfill = self._tasks.create_task(self._fill())

    async def _fill(self) -> None:
        """Publish what the bus has missed, and what it misses meanwhile. A gap that cannot be read is said, no more."""
        try:
            while self.recorder is not None and self._gap is not None and self.outbox.connected:
                gap, self._gap = self._gap, None
                packets = await backfill(gap, self.recorder, self.outbox)
                text = f"the broker was away; {packets} packets of that time are published again on backfill/"
                self.happened(EventKind.STATION, "backfill", text, {"packets": packets})
        except (RecordingError, OSError) as error:
            text = f"the broker was away; what it missed cannot be published again: {error}"
            self.happened(EventKind.STATION, "no backfill", text, {})
        finally:
            self._backfill = None

    def start_over(self, pipeline: Pipeline, traces: Traces) -> None:
        """Go on with another pipeline and the traces up to there, after a seek: consoles see a new session."""
        self.pipeline = pipeline
        self.session = secrets.token_hex(4)
        self.outbox.start_over(self.session)
        self.outbox.t0_ns = self.t0_ns
        self.traces = traces
        self.publish_alarms()
        self._publish_events()
        self.outbox.state("traces", self.traces.as_payload(self.session))
        self.publish_status()

    # -- running --------------------------------------------------------------------------------------------------

    async def run(self, *feeds: Coroutine[Any, Any, None], linger: bool = True) -> None:
        """Run until asked to stop; without linger, until all feeds came to their end."""
        self.state = "running"
        self._publish_definition()
        self.publish_alarms()
        self._publish_events()
        self.publish_status()
        publisher = asyncio.create_task(self.outbox.run())
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                running = [tasks.create_task(feed) for feed in feeds]
                keepers = [tasks.create_task(each) for each in (self._tick(), self._sync(), self._radio_reports.run())]
                await self._ended(running, linger=linger)
                self._tasks = None  # nothing more is begun: a broker that comes back now is given the goodbye only
                for task in (*running, *keepers, *filter(None, (self._backfill,))):
                    task.cancel()
            await self._finish()
        finally:
            self._tasks = None
            while (
                not publisher.done()
            ):  # a cancel is lost on a connection that is made at that moment (wait_for of 3.11)
                publisher.cancel()
                await asyncio.wait([publisher], timeout=CANCEL_S)
            if self.recorder is not None:
                self.recorder.close()

    async def _ended(self, feeds: Sequence[asyncio.Task[Any]], *, linger: bool) -> None:
        """Wait for the stop, or for the end of all feeds."""
        stop: asyncio.Task[Any] = asyncio.create_task(self.stopping.wait())
        try:
            while not stop.done() and (left := [feed for feed in feeds if not feed.done()]):
                await asyncio.wait([stop, *left], return_when=asyncio.FIRST_COMPLETED)
            if not stop.done():
                self.state = "ended"
                self.publish_status()
                if linger:
                    await stop
        finally:
            stop.cancel()

    async def _finish(self) -> None:
        """Close the recording, say goodbye, and let the outbox empty itself for a moment."""
        if self.recorder is not None:
            self.proving.end()
            try:
                self.recorder.close()
            except RecordingFailed as error:
                self._recording_failed(error)
        self._publish_events()
        self.publish_alarms()
        await self._radio_reports.publish()
        await self.outbox.decided(1.0)
        if self.outbox.connected:
            await self.outbox.settle(5.0)
            self.state = "stopped"
            self.publish_status()
            await self.outbox.settle(2.0)

    async def _tick(self) -> None:
        """Ten times a second events and alarms that changed are published; twice a second links and status are."""
        for tick in count():
            await asyncio.sleep(TICK_S)
            if self._events_changed:
                self._publish_events()
            if self._alarms_changed | self.pipeline.alarms.follow(self.pipeline.limit_monitor.standing):
                self.publish_alarms()
            if tick % TRACE_TICKS == 0 and self.traces.changed:
                self.outbox.state("traces", self.traces.as_payload(self.session))
            await self.proving.tick()
            if tick % STATUS_TICKS == 0:
                self._find_silent()
                self.recording.tick()
                self.publish_status()

    def _find_silent(self) -> None:
        """Live links from which nothing has come for too long are said to be silent."""
        if self.setup.clock is None:
            return
        now = self.setup.clock()
        for health in self.setup.links.values():
            if health.state is LinkState.RECEIVING and health.is_silent(now):
                health.enter(LinkState.SILENT, now)
                text = f"{health.name}: silent for {health.silent_after_s:g} s"
                self.happened(EventKind.LINK, "silent", text, {"link": health.name})

    async def _sync(self) -> None:
        """Have the disk itself hold what the kernel holds, every SYNC_S; in a thread, since it waits."""
        while True:
            began = time.monotonic()
            if self._unsynced and self.recorder is not None and not self.recorder.closed:
                self._unsynced = False
                try:
                    await asyncio.to_thread(self.recorder.sync)
                except RecordingFailed as error:
                    self._unsynced = True
                    self._recording_failed(error)
            await asyncio.sleep(max(0.0, SYNC_S - (time.monotonic() - began)))
