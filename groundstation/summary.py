"""What a command says at its end: one JSON object with ``--json``, a few lines for people without."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from groundstation.pipeline import Pipeline
from groundstation.plain_text import plain
from replay.recording import Damage

LISTED = 40
"""Links that are listed for people, and twice as many types of packets."""


def summary(pipeline: Pipeline, recording: Path | str, *, damage: Damage | None = None) -> dict[str, Any]:
    """Counts and events: ``links``, ``packets``, ``events``, ``duration_s`` of data, and the recording's path.

    ``digests`` are those of docs/recordings.md, of all that was decoded; None where none were kept.
    """
    packets: Counter[str] = Counter()
    links: dict[str, Any] = {}
    for name, path in pipeline.links.items():
        links[name] = path.counts()
        packets.update(path.decoder.packets)
    heard = [path for path in pipeline.links.values() if path.first_ns]
    begins, ends = [path.first_ns for path in heard], [path.last_ns for path in heard]
    return {
        "vehicle": pipeline.vehicle.name,
        "synthetic": pipeline.vehicle.synthetic,
        "recording": printable(recording),
        "duration_s": (max(ends) - min(begins)) / 1e9 if begins else 0.0,
        "links": links,
        "packets": {name: count for name, count in packets.items() if count},
        "t0_ns": pipeline.flight.t0_ns,
        "digests": None if pipeline.digests is None else pipeline.digests.as_dict(),
        "events": [
            {
                "name": each.name,
                "kind": str(each.kind),
                "received_ns": each.received_ns,
                "mission_time": pipeline.mission_time(each.received_ns),
                **dict(each.detail),
            }
            for each in sorted(pipeline.events, key=lambda each: (each.received_ns, each.text))
        ],
        **({"damage": {"discarded": damage.discarded, "notes": damage.notes}} if damage is not None else {}),
    }


def say(told: Mapping[str, Any], *more: str, as_json: bool) -> None:
    """Put it on standard output: as one JSON object, or in lines for people with more after them."""
    text = orjson.dumps(told).decode() if as_json else plain("\n".join([*lines(told), *more]))
    sys.stdout.write(f"{text}\n")


def printable(path: Path | str) -> str:
    """A path as text, also where the file's name is none."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def lines(told: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    mark = " ~ synthetic: this telemetry is made up" if told["synthetic"] else ""
    mode = "REPLAY of " if told.get("mode") == "replay" else ""
    found = [f"{mode}{told['vehicle']}: {told['duration_s']:.1f} s of data{mark}"]
    for name, link in list(told["links"].items())[:LISTED]:
        balance = f"{link['frame_bytes']:,} in {link['frames']:,} frames + {link['discarded']:,} discarded"
        found.append(f"  {name}: {link['bytes_in']:,} bytes = {balance} + {link['pending']:,} pending")
        faults = [f"{link[key]:,} {key.replace('_', ' ')}" for key in _FAULTS if link[key]]
        if faults:
            found.append(f"    {', '.join(faults)}")
    if len(told["links"]) > LISTED:
        found.append(f"  and {len(told['links']) - LISTED} more links; --json lists all")
    packets = [f"{name} {count:,}" for name, count in told["packets"].items()]
    more = f", and {len(packets) - 2 * LISTED} more types" if len(packets) > 2 * LISTED else ""
    found.append(f"  packets: {', '.join(packets[: 2 * LISTED]) or 'none'}{more}")
    for event in told["events"]:
        if event["kind"] == "flight":
            at = event["mission_time"]
            found.append(f"  {'T?' if at is None else f'T{at:+.2f} s'}  {event['name']}")
    limits = Counter(event["name"] for event in told["events"] if event["kind"] == "limit")
    if limits:
        found.append("  limits crossed: " + ", ".join(f"{count} to {name}" for name, count in limits.items()))
    damage = told.get("damage")
    if damage and (damage["discarded"] or damage["notes"]):
        found.append(f"  damage: {damage['discarded']:,} bytes of the file could not be read")
        found += [f"    {note}" for note in damage["notes"][:5]]
    return found


_FAULTS = ("crc_failures", "corrected", "sequence_gaps", "unknown_packets", "malformed")
