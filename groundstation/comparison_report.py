"""What a comparison found, as JSON and in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from groundstation.comparison import Comparison, Episode, Side
from groundstation.limits import Limits
from groundstation.summary import printable

LINES = 40
"""Alarms of each kind that are said in words; all are in the JSON."""


def report(found: Comparison, path: Path) -> dict[str, Any]:
    """All of it. Times are seconds since T-0 where that is known, and ns of the recording's clock."""
    a, b = found.a, found.b
    return {
        "recording": printable(path),
        "decoded_once": found.decoded_once,
        "packets": {"a": _packets(a), "b": _packets(a if found.decoded_once else b)},
        "a": _side(a),
        "b": _side(b),
        "same": found.same,
        "only_a": [_episode(found, a, each) for each in found.only_a],
        "only_b": [_episode(found, b, each) for each in found.only_b],
        "otherwise": [{"a": _episode(found, a, each.a), "b": _episode(found, b, each.b)} for each in found.otherwise],
        "limits": {
            name: {"a": _limits(before), "b": _limits(after)} for name, (before, after) in found.limits().items()
        },
    }


def lines(told: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    names = {"a": told["a"]["name"], "b": told["b"]["name"]}
    found = [f"{told['recording']}: A is {names['a']}, {_alarms(told['a'])}"]
    found.append(f"{' ' * len(told['recording'])}  B is {names['b']}, {_alarms(told['b'])}")
    strange = [key for key in "ab" if not told["packets"][key]]
    found += [f"nothing in it is a packet of {told[key]['vehicle']}, by which {key.upper()} is read" for key in strange]
    for key, other in (("a", "B"), ("b", "A")):
        only = told[f"only_{key}"]
        found.append(f"under {key.upper()} and not under {other}: {len(only) or 'nothing'}")
        found += _listed(map(_said, only), len(only))
    changed = told["otherwise"]
    found.append(f"under both, but not alike: {len(changed) or 'nothing'}")
    pairs = (f"{side}  {_said(pair[side.lower()])}" for pair in changed[:LINES] for side in "AB")
    found += _listed(pairs, len(changed), each=2)
    found.append(f"the same under both: {told['same'] or 'nothing'}")
    found.append(f"limits that are not the same: {len(told['limits']) or 'none'}")
    width = max(map(len, told["limits"]), default=0)
    for name, sides in told["limits"].items():
        found.append(f"  {name:{width}s}  A  {_limits_said(sides['a'])}")
        found.append(f"  {'':{width}s}  B  {_limits_said(sides['b'])}")
    return found


def _side(side: Side) -> dict[str, Any]:
    pipeline = side.pipeline
    told = {"name": side.name, "vehicle": pipeline.vehicle.name, "alarms": side.history.count}
    return told | {"t0_ns": pipeline.flight.t0_ns}


def _packets(side: Side) -> int:
    return sum(sum(path.decoder.packets.values()) for path in side.pipeline.links.values())


def _episode(found: Comparison, side: Side, episode: Episode) -> dict[str, Any]:
    end_ns = episode.end_ns
    return {
        "measurement": episode.measurement,
        "level": episode.level.word,
        "number": episode.number,
        "since_ns": episode.since_ns,
        "mission_time": side.pipeline.mission_time(episode.since_ns),
        "seconds": (episode.since_ns - found.recording.span[0]) / 1e9,
        "raised_after_s": (episode.raised_ns - episode.since_ns) / 1e9,
        "lasts_s": (episode.until(found.last_ns) - episode.since_ns) / 1e9,
        "to_the_end": end_ns is None,
        "red_after_s": None if episode.red_ns is None else (episode.red_ns - episode.since_ns) / 1e9,
        "red_for_s": episode.red_for(found.last_ns) / 1e9,
        "worst": episode.worst if math.isfinite(episode.worst) else None,
        "unit": episode.unit,
        "limit": episode.limit,
    }


def _limits(limits: Limits | None) -> dict[str, Any] | None:
    if limits is None:
        return None
    bands = {name: band and list(map(float, band)) for name, band in (("yellow", limits.yellow), ("red", limits.red))}
    return {
        **{name: band and [side if math.isfinite(side) else None for side in band] for name, band in bands.items()},
        "persistence": limits.persistence,
        "persistence_s": limits.persistence_s,
        "hysteresis": limits.hysteresis,
        "when": list(limits.when),
    }


def _alarms(side: Mapping[str, Any]) -> str:
    return "1 alarm" if side["alarms"] == 1 else f"{side['alarms']:,} alarms"


def _listed(said: Iterable[str], count: int, each: int = 1) -> Iterator[str]:
    """As many as anybody reads."""
    for _, text in zip(range(LINES * each), said, strict=False):
        yield f"  {text}"
    if count > LINES:
        yield f"  ... and {count - LINES:,} more: --json has all"


def _said(told: Mapping[str, Any]) -> str:
    at = told["mission_time"]
    when = f"T{at:+.2f} s" if at is not None else f"{told['seconds']:.2f} s"
    lasts = f"{told['lasts_s']:.2f} s{' to the end' if told['to_the_end'] else ''}"
    if told["red_after_s"]:
        lasts += f", red after {told['red_after_s']:.2f} s for {told['red_for_s']:.2f} s"
    worst = "infinite" if told["worst"] is None else f"{told['worst']:g}"
    value = f"worst {worst} {told['unit']}".rstrip()
    return f"#{told['number']} {told['level']} {told['measurement']} at {when} for {lasts}, {value}, {told['limit']}"


def _limits_said(limits: Mapping[str, Any] | None) -> str:
    if limits is None:
        return "none"
    found = [f"{name} {_band(limits[name])}" for name in ("yellow", "red") if limits[name]]
    if limits["persistence"] > 1:
        found.append(f"{limits['persistence']} samples in a row")
    found += [f"for {limits['persistence_s']:g} s"] if limits["persistence_s"] else []
    found += [f"hysteresis {limits['hysteresis']:g}"] if limits["hysteresis"] else []
    found += [f"in {', '.join(limits['when'])}"] if limits["when"] else []
    return ", ".join(found)


def _band(band: list[float | None]) -> str:
    low, high = band
    return f"{'-inf' if low is None else f'{low:g}'} to {'inf' if high is None else f'{high:g}'}"
