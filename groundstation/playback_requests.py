"""What consoles and scripts may ask of a replay (docs/bus.md, ``request``), held against what can be.

Each request is answered in the status (``replay.answer``): when it was done, or why it was not. What makes no sense
changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from groundstation.moments import known
from groundstation.playback import Playback

SPEEDS = (0.1, 1_000.0)
"""The slowest and the fastest; beyond it is only ``max``."""
STEPS = 1_000
"""Packets to be gone by one request at most."""
_FAR_S = 1e9
"""Seconds past which every place is the recording's end, or its beginning: 30 years."""
_ID = 100

Request = Mapping[str, Any]


class _Refused(Exception):
    """A request that cannot be done, and why."""


class PlaybackRequests:
    """Answers for a playback."""

    def __init__(self, playback: Playback) -> None:
        """Ready to steer it."""
        self._playback = playback
        self._answered = 0

    def by_name(self) -> dict[str, Callable[[Request], None]]:
        """What each ``do`` does."""
        playback = self._playback
        at_once: dict[str, Callable[[Request], object]] = {
            "play": lambda _: playback.play(),
            "pause": lambda _: playback.pause(),
            "toggle": lambda _: playback.toggle(),
            "speed": self._speed,
            "loop": self._loop,
        }
        going: dict[str, Callable[[Request], None]] = {
            "step": self._step,
            "seek": lambda request: self._go("seek", request, self._place),
            "next": lambda request: self._go("next", request, lambda _: self._turn(1)),
            "previous": lambda request: self._go("previous", request, lambda _: self._turn(-1)),
        }
        found = {name: self._refusable(name, act, at_once=True) for name, act in at_once.items()}
        return found | {name: self._refusable(name, act, at_once=False) for name, act in going.items()}

    def _refusable(self, name: str, act: Callable[[Request], object], *, at_once: bool) -> Callable[[Request], None]:
        """A request that is answered: with its refusal, or at once; else whoever does it answers."""

        def answered(request: Request) -> None:
            try:
                act(request)
            except _Refused as refusal:
                self._answer(name, request, str(refusal))
            else:
                if at_once:
                    self._answer(name, request, "")

        return answered

    def _answer(self, name: str, request: Request, problem: str) -> None:
        self._answered += 1
        told = request.get("id")
        is_number = _whole(told) and abs(told) < 1 << 53  # what any reader of JSON reads exactly
        self._playback.answer = {
            "number": self._answered,
            "do": name,
            "id": told[:_ID] if isinstance(told, str) else told if is_number else None,
            "problem": problem,
        }

    def _speed(self, request: Request) -> None:
        asked = request.get("speed")
        if asked == "max":
            self._playback.set_speed(math.inf)
        elif _number(asked) and asked > 0:
            self._playback.set_speed(float(min(max(asked, SPEEDS[0]), SPEEDS[1])))
        else:
            raise _Refused('speed: want a number from 0.1 to 1000, or "max"')

    def _step(self, request: Request) -> None:
        count = request.get("n", 1)
        if not _whole(count) or not 0 < abs(count) <= STEPS:
            raise _Refused(f"n: want a whole number of packets, from -{STEPS} to {STEPS}, but 0")
        self._must_play()
        self._playback.step(count, lambda problem: self._answer("step", request, problem))

    def _go(self, name: str, request: Request, place: Callable[[Request], int]) -> None:
        """Go to a place."""
        self._must_play()
        self._playback.seek(place(request), lambda problem: self._answer(name, request, problem))

    def _loop(self, request: Request) -> None:
        loop = request.get("loop", True)
        if not isinstance(loop, bool):
            raise _Refused("loop: want true or false")
        ends = [self._end(request, which) for which in ("from", "to")]
        part: tuple[int, int] | None = None
        if loop and any(each is not None for each in ends):
            self._must_play()
            first, last = self._playback.first_ns, self._playback.end_ns
            begin, end = (first if ends[0] is None else ends[0]), (last if ends[1] is None else ends[1])
            part = max(begin, first), min(end, last)
            if part[0] >= part[1]:
                raise _Refused("nothing of what is played lies between the loop's beginning and its end")
        self._playback.set_loop(loop=loop, part=part)

    def _end(self, request: Request, which: str) -> int | None:
        """Where a loop begins or ends, None where it is not said."""
        ends = {key: request[f"{which}_{key}"] for key in ("ns", "mission_time") if f"{which}_{key}" in request}
        if "ns" in ends:
            if not _whole(ends["ns"]):
                raise _Refused(f"{which}_ns: want a whole number of ns")
            return ends["ns"]
        return self._at_mission_time(ends["mission_time"]) if ends else None

    def _place(self, request: Request) -> int:
        """Where a seek goes: a time, a mission time or an event, or from where it is, and seconds from there."""
        place: int | None = None
        if "received_ns" in request:
            if not _whole(request["received_ns"]):
                raise _Refused("received_ns: want a whole number of ns")
            place = request["received_ns"]
        elif "mission_time" in request:
            place = self._at_mission_time(request["mission_time"])
        elif "event" in request:
            place = self._event(request["event"])
        elif "by" not in request:
            raise _Refused("want received_ns, mission_time, event, or by with seconds from where it is")
        by = request.get("by", 0)
        if not _number(by):
            raise _Refused("by: want seconds")
        return (self._playback.where_ns if place is None else place) + _ns(by)

    def _at_mission_time(self, asked: object) -> int:
        if not _number(asked):
            raise _Refused("mission_time: want seconds since T-0")
        t0_ns = self._playback.survey.t0_ns
        if t0_ns is None:
            raise _Refused(f"T-0 is not known: {self._so_far('no liftoff was found')}")
        return t0_ns + _ns(asked)

    def _event(self, asked: object) -> int:
        events = {each.name: each.received_ns for each in self._playback.survey.events}
        if not isinstance(asked, str) or asked not in events:
            named = f"no event {asked[:80]!r}" if isinstance(asked, str) else "event: want the name of one"
            raise _Refused(f"{named}; {self._so_far(known(events))}")
        return events[asked]

    def _turn(self, direction: int) -> int:
        """The next event, or the one before where it is."""
        where = self._playback.where_ns
        times = sorted(each.received_ns for each in self._playback.survey.events)
        found = [at for at in times if at > where][:1] if direction > 0 else [at for at in times if at < where][-1:]
        if not found:
            raise _Refused(f"no event {'after' if direction > 0 else 'before'} this; {self._so_far('none')}")
        return found[0]

    def _so_far(self, otherwise: str) -> str:
        """Why something is not known."""
        survey = self._playback.survey
        return otherwise if survey.finished else f"{survey.read:.0%} of the recording is read yet; ask again"

    def _must_play(self) -> None:
        if not self._playback.is_known:
            raise _Refused(f"the recording is still being read, {self._playback.survey.read:.0%}; ask again")


def _number(value: Any) -> TypeGuard[float]:
    """Whether a value is a number, and one that is not NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value  # noqa: PLR0124 NaN


def _whole(value: Any) -> TypeGuard[int]:
    """Whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def _ns(seconds: float) -> int:
    """Seconds in ns, at most so many that any recording is over."""
    return round(min(max(seconds, -_FAR_S), _FAR_S) * 1e9)
