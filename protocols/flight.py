"""A vehicle's flight, declared: phases, and the conditions over measurements that end one and begin the next.

The declaration only; :mod:`groundstation.flight` runs it over the columns. Every condition is about data, and its
time is the data's time, so a replay gives the same events as the flight did.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Above:
    """The measurement stays over value for at least seconds; the event's time is when it first was."""

    measurement: str
    """``packet.path``."""
    value: float
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Below:
    """The measurement stays under value for at least seconds; the event's time is when it first was."""

    measurement: str
    value: float
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Equals:
    """The measurement (a code) is value; the event's time is that sample's."""

    measurement: str
    value: float


@dataclass(frozen=True, slots=True)
class Rises:
    """The measurement is higher by at least amount than its lowest since the phase began.

    The event's time is the last sample at that lowest value (to within a tenth of the amount).
    """

    measurement: str
    amount: float


@dataclass(frozen=True, slots=True)
class Falls:
    """The measurement is lower by at least amount than its highest since the phase began.

    The event's time is that highest sample's: of altitude, this is the apogee.
    """

    measurement: str
    amount: float


@dataclass(frozen=True, slots=True)
class Steady:
    """The measurement stays within a band of width within for at least seconds; the time is the band's beginning."""

    measurement: str
    within: float
    seconds: float


Condition = Above | Below | Equals | Rises | Falls | Steady


@dataclass(frozen=True, slots=True)
class Transition:
    """What ends the phase before and begins phase."""

    event: str
    """The event's name: liftoff, burnout, apogee, landing."""
    phase: str
    """The phase it begins."""
    when: tuple[Condition, ...]
    """Any one of these is enough."""


@dataclass(frozen=True, slots=True)
class Flight:
    """The phases in their order. The state machine only moves forward."""

    first: str
    """The phase before the first event, such as ``pad``."""
    transitions: tuple[Transition, ...]
    """One for each later phase, in order."""
    t0: str = "liftoff"
    """The event whose time is T-0."""

    @property
    def phases(self) -> tuple[str, ...]:
        """All phases in order."""
        return (self.first, *(each.phase for each in self.transitions))
