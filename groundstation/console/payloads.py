"""The messages of the bus as values: one frozen dataclass a topic, as ``docs/bus.md`` has them.

The bus is open to anyone, so nothing here trusts a payload: an unknown key is ignored, a missing one takes its
default, a value of the wrong type takes its default too. Reading a message therefore never raises once it is a JSON
object.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

Payload = Mapping[str, Any]
"""A decoded JSON object."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What ``status.recording`` says of the file being written."""

    path: str = ""
    state: str = ""
    """``recording``, ``stopped`` or ``failed``."""
    problem: str = ""
    bytes: int = 0
    seconds: float = 0.0
    free_bytes: int = 0
    minutes_left: float | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    name: str = ""
    kind: str = ""
    """``flight``, ``limit``, ``link``, ``recording``, ``operator`` or ``station``."""
    received_ns: int = 0
    mission_time: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the newest request to a replay."""

    number: int = 0
    """Of those answered so far."""
    problem: str = ""
    """Why it was not done; empty when it was."""


@dataclass(frozen=True, slots=True)
class ReplayState:
    """What ``status.replay`` says of the recording being played."""

    path: str = ""
    state: str = ""
    """``reading`` (it has not begun), ``playing``, ``paused``, ``seeking``, ``ended``; empty where it is not said."""
    read: float = 1.0
    """How much of the recording has been looked through: 0 to 1."""
    position_ns: int = 0
    first_ns: int = 0
    last_ns: int = 0
    speed: float = 1.0
    """Times real time; infinite where the bus says ``max``."""
    paused: bool = False
    ended: bool = False
    loop: bool = False
    loop_from_ns: int | None = None
    loop_to_ns: int | None = None
    """Between which times it is looped; None where it is all."""
    answer: Answer | None = None
    events: tuple[Event, ...] = ()
    """The flight's events, also those still to come."""


@dataclass(frozen=True, slots=True)
class AlarmCounts:
    """How many alarms are active, by level, and how many wait for somebody to take notice."""

    red: int = 0
    yellow: int = 0
    unacknowledged: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """The newest ``status``."""

    state: str = ""
    """``starting``, ``running``, ``ended``, ``stopped`` or ``lost``; empty before the first message."""
    mode: str = ""
    """``live`` or ``replay``."""
    name: str = ""
    session: str = ""
    vehicle: str = ""
    synthetic: bool = False
    time_base: str = "utc"
    """``utc``, or ``vehicle`` where no UTC is known."""
    now_ns: int = 0
    started_ns: int = 0
    phase: str = ""
    t0_ns: int | None = None
    recording: Recording | None = None
    replay: ReplayState | None = None
    alarms: AlarmCounts = AlarmCounts()


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """The newest ``link/LINK``: its state and its ledger."""

    link: str = ""
    source: str = ""
    state: str = ""
    """``opening``, ``receiving``, ``silent``, ``lost`` or ``ended``."""
    since_ns: int = 0
    last_ns: int = 0
    problem: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What the source knows of its reception: lock, Eb/N0, signal level."""
    bytes_in: int = 0
    frames: int = 0
    frame_bytes: int = 0
    discarded: int = 0
    pending: int = 0
    crc_failures: int = 0
    corrected: int = 0
    sequence_gaps: int = 0
    unknown_packets: int = 0
    malformed: int = 0
    packets: Mapping[str, Any] = field(default_factory=dict)
    bytes_per_s: float = 0.0
    frames_per_s: float = 0.0

    @property
    def balanced(self) -> bool:
        """Whether bytes in = frame bytes + discarded + pending."""
        return self.bytes_in == self.frame_bytes + self.discarded + self.pending


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm, active or not yet acknowledged."""

    measurement: str = ""
    level: str = ""
    """``yellow`` or ``red``."""
    active: bool = False
    acknowledged: bool = False
    by: str = ""
    first_out: int = 0
    """Its place in the order they came: 1 is the first cause."""
    since_ns: int = 0
    mission_time: float | None = None
    value: float | None = None
    worst: float | None = None
    limit: str = ""
    unit: str = ""
    count: int = 0


Value = TypeVar("Value")


def read(kind: type[Value], payload: Payload) -> Value:
    """A ``kind`` of this module from a JSON object; keys of the wrong type take their default."""
    known = {name: (hint, payload[name]) for name, hint in _HINTS[kind].items() if name in payload}
    return kind(**{name: value for name, (hint, raw) in known.items() if (value := _coerced(hint, raw)) is not _WRONG})


def read_all(kind: type[Value], items: object) -> list[Value]:
    """A list of ``kind`` from a JSON array; what is no object in it is left out."""
    return [read(kind, item) for item in _objects(items)]


def _objects(items: object) -> Iterable[Payload]:
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else ()


_WRONG = object()


_KINDS: tuple[type[Any], ...] = (Recording, Answer, ReplayState, AlarmCounts, Status, LinkHealth, Event, Alarm)
_HINTS: dict[type[Any], dict[str, Any]] = {kind: get_type_hints(kind) for kind in _KINDS}
"""The type of every key, by kind."""


def _coerced(hint: Any, raw: object) -> Any:
    number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
    if hint is str:
        return raw if isinstance(raw, str) else _WRONG
    if hint is bool:
        return raw if isinstance(raw, bool) else _WRONG
    if hint is int or hint == int | None:
        return int(raw) if number else _WRONG  # type: ignore[call-overload] # a number, tested above
    if hint is float or hint == float | None:
        return float(raw) if number else float("inf") if raw == "max" else _WRONG  # type: ignore[arg-type] # as above
    if hint == tuple[Event, ...]:
        return tuple(read_all(Event, raw))
    nested = next((each for each in (Recording, Answer, ReplayState, AlarmCounts) if hint in {each, each | None}), None)
    if nested is not None:
        return read(nested, raw) if isinstance(raw, dict) else _WRONG
    return raw if isinstance(raw, dict) else _WRONG
