"""What takes the messages of the bus into a picture.

A message that is not as ``docs/bus.md`` has it is counted in `not_understood` and changes nothing else.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import orjson

from groundstation.console.data_clock import DataClock
from groundstation.console.declared import Definition, Packet, read_definition
from groundstation.console.history import Curve
from groundstation.console.packet_state import PacketState
from groundstation.console.payloads import Alarm, Event, LinkHealth, Status, read, read_all
from groundstation.console.radio import read_radio
from groundstation.console.radio_state import RadioState
from groundstation.console.reading import Quality

EVENTS_KEPT = 500
RADIOS_KEPT = 8
"""Radio links whose history is kept: a station has one or two, and each takes two megabytes."""


class Intake:
    """The newest of everything of one station, as the messages left it."""

    def __init__(self, root: str) -> None:
        self.root = root
        """The topics' root: ``groundstation/live/NAME``."""
        self.clock = DataClock()
        self.now_ns = 0
        """Data time of this picture."""
        self.at_ns = 0
        """Monotonic time of this picture."""
        self.bus = ""
        """The broker and the topics that are shown; empty where there is no bus."""
        self.broker_problem = ""
        """Why the broker is not there; empty while it is."""
        self.broker_lost_ns = 0
        """Monotonic time since when."""
        self.not_understood = 0
        self.dropped = 0
        """Messages this screen was too slow for; the newest were kept."""
        self.definition = Definition()
        self.status = Status()
        self.status_at_ns = 0
        self.links: dict[str, LinkHealth] = {}
        self.radios: dict[str, RadioState] = {}
        """The radio links, by name."""
        self.alarms: list[Alarm] = []
        self.events: list[Event] = []
        self.packets: dict[str, PacketState] = {}
        self.session = ""
        """The session shown; the messages of another are history."""
        self._traces: dict[str, Curve] = {}
        self._ranges: dict[str, tuple[float, float]] = {}
        self._past: set[str] = set()
        self._levels: dict[str, Quality] = {}

    def take(self, topic: str, payload: bytes, *, at_ns: int, retained: bool = False) -> None:
        """Take a message that came at a monotonic time; ``retained`` when the broker had kept it."""
        branch, _, leaf = topic.removeprefix(self.root + "/").partition("/")
        try:
            message = orjson.loads(payload)
            if isinstance(message, dict) and topic.startswith(self.root + "/"):
                self._takers(branch)(leaf, message, at_ns, retained)
            else:
                self.not_understood += 1
        except (ValueError, TypeError, KeyError, IndexError, OverflowError):
            self.not_understood += 1

    def _takers(self, branch: str) -> Callable[[str, Mapping[str, Any], int, bool], None]:
        return {
            "telemetry": self._take_telemetry,
            "status": self._take_status,
            "definition": self._take_definition,
            "link": self._take_link,
            "radio": self._take_radio,
            "alarms": self._take_alarms,
            "event": self._take_event,
            "events": self._take_events,
            "traces": self._take_traces,
        }.get(branch, self._ignore)

    def _ignore(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:
        """A topic of a later version of the bus, or another console's request: not for us."""

    def _take_telemetry(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:
        if not self._is_present(str(message["session"]), retained=retained):
            return
        packet = self.packets.get(leaf) or PacketState(Packet(leaf))
        fresh = packet.take(message)
        self.packets[leaf] = packet
        if not fresh:
            return
        if retained:
            self.clock.retained(packet.received_ns)
        else:
            self.clock.arrived(packet.received_ns, at_ns)

    def _take_status(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:  # noqa: ARG002
        told = read(Status, message)
        if told.state == "lost" and self.status.session:  # the last will, which knows no more than that
            told = replace(self.status, state="lost")
        self.status, self.status_at_ns = told, at_ns
        self._begin(self.status.session)
        self.events = [event for event in self.events if self._is_of_session(event)]
        self.clock.replayed(self.status.replay, at_ns)

    def _is_present(self, session: str, *, retained: bool) -> bool:
        """Whether a message is of the session shown; a fresh one of a session never seen begins that."""
        if session != self.session and (session in self._past or (retained and self.session)):
            return False
        self._begin(session)
        return True

    def _begin(self, session: str) -> None:
        """Drop what belongs to another session; links, alarms stay until the new one says how they are in a replay."""
        if session == self.session:
            return
        self._past.add(self.session)
        self._past.discard(session)
        self.session, self.clock, self._traces, self.events = session, DataClock(), {}, []
        self._ranges = {}
        if self.status.mode != "replay":
            self.links, self.alarms, self._levels, self.radios = {}, [], {}, {}
        self.radios = {name: RadioState(name) for name in self.radios}
        for name, packet in self.packets.items():
            self.packets[name] = PacketState(packet.declared)

    def _take_traces(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:  # noqa: ARG002
        if self._is_present(str(message["session"]), retained=retained):
            traces = dict(message["traces"])
            self._traces = {str(name): _curve(trace) for name, trace in traces.items()}
            self._ranges = {str(name): _range(trace) for name, trace in traces.items()}

    def _take_definition(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:  # noqa: ARG002
        self.definition = read_definition(message)
        for name, declared in self.definition.packets.items():
            self.packets.setdefault(name, PacketState(declared)).declared = declared

    def _take_link(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:  # noqa: ARG002
        self.links[leaf] = read(LinkHealth, message)

    def _take_radio(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:
        radio = read_radio(message)
        if not self._is_present(radio.session, retained=retained):
            return
        if leaf not in self.radios and len(self.radios) >= RADIOS_KEPT:
            raise ValueError("more radio links than there is room for")
        self.radios.setdefault(leaf, RadioState(leaf)).take(radio)
        if not retained:
            self.clock.arrived(radio.at_ns, at_ns)

    def _take_alarms(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:  # noqa: ARG002
        self.alarms = sorted(read_all(Alarm, message["alarms"]), key=_in_order_of_need)
        levels = (
            (each.measurement, Quality.RED if each.level == "red" else Quality.YELLOW)
            for each in self.alarms
            if each.active
        )
        self._levels = {}
        for name, level in levels:
            self._levels[name] = max(level, self._levels.get(name, level))

    def _take_event(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:  # noqa: ARG002
        self._add_events([read(Event, message)])

    def _take_events(self, leaf: str, message: Mapping[str, Any], at_ns: int, retained: bool) -> None:  # noqa: ARG002
        self._add_events(read_all(Event, message["events"]))

    def _add_events(self, events: list[Event]) -> None:
        """Merge: what was seen once stays, so that a replay moved back still knows what is to come."""
        known = {(each.received_ns, each.name, each.text): each for each in (*self.events, *events)}
        own = (event for event in known.values() if self._is_of_session(event))
        self.events = sorted(own, key=lambda event: event.received_ns)[-EVENTS_KEPT:]

    def _is_of_session(self, event: Event) -> bool:
        """Whether an event may be of this session: the broker keeps those of the one before until the next happens."""
        return self.status.mode != "live" or event.received_ns >= self.status.started_ns

    def tick(self, at_ns: int, wall_ns: int) -> None:
        """Set the time of the picture: monotonic, and UTC for when nothing better is known."""
        status = self.status
        self.at_ns = at_ns
        is_moving = status.state == "running" if status.replay else status.state != "ended"
        self.now_ns = self.clock.now_ns(at_ns, wall_ns if status.time_base == "utc" else 0, is_moving=is_moving)

    def expect(self, request: Mapping[str, object]) -> None:
        """Take what was asked of a replay for done until the station says how it is: two keys in a row add up."""
        replay, speed, position = self.status.replay, request.get("speed"), request.get("received_ns")
        if replay is None:
            return
        replay = replace(
            replay, paused={"pause": True, "step": True, "play": False}.get(str(request["do"]), replay.paused)
        )
        if speed is not None:
            replay = replace(replay, speed=float("inf") if speed == "max" else float(str(speed)))
        replay = replace(replay, position_ns=position if isinstance(position, int) else self.now_ns)
        self.status = replace(self.status, replay=replay)
        self.clock.replayed(replay, self.at_ns)


def _range(trace: Mapping[str, Any]) -> tuple[float, float]:
    """The least and greatest value of a trace, NaN where it does not say."""
    low, high = trace.get("low"), trace.get("high")
    return (
        float(low) if isinstance(low, int | float) else math.nan,
        float(high) if isinstance(high, int | float) else math.nan,
    )


def _curve(trace: Mapping[str, Any]) -> Curve:
    """A trace of the bus. Raises KeyError, TypeError or ValueError where it is none."""
    times, values = np.array(trace["received_ns"], np.int64), np.array(trace["values"], np.float64)
    if times.ndim != 1 or times.shape != values.shape:
        raise ValueError("a time for each value")
    return Curve(times, values)


def _in_order_of_need(alarm: Alarm) -> tuple[bool, bool, bool, int]:
    """Not yet acknowledged before acknowledged, active before past, red before yellow; then the first cause first."""
    return (alarm.acknowledged, not alarm.active, alarm.level != "red", alarm.first_out)
