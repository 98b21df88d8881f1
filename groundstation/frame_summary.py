"""What is said at the end of a listing of frames: counts, what radio links were like, the newest values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundstation.frame_listing import FrameListing
from groundstation.summary import printable


def frame_summary(found: FrameListing, frames: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts of each link, frames that were kept, the newest values: one JSON object."""
    radios = {name: report for name, made in found.framers.items() if (report := dict(made.report()))}
    for report in radios.values():
        del report["spectrum"], report["recent"]
    recording = found.reading.recording
    damage = recording.damage
    return {
        "recording": printable(recording.path),
        "synthetic": found.reading.synthetic,
        "links": found.counts(),
        "radio": radios,
        "frames": list(frames),
        "values": {name: {"value": value, "unit": unit} for name, (value, unit) in found.newest.items()},
        "assumed": list(getattr(recording, "assumed", ())),
        "damage": {"discarded": damage.discarded, "notes": damage.notes},
    }


def frame_lines(told: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    mark = " ~ synthetic: this was made up" if told["synthetic"] else ""
    lines = [f"{told['recording']}{mark}", *(f"  assumed: {each}" for each in told["assumed"])]
    for name, link in told["links"].items():
        balance = f"{link['frame_bytes']:,} in {link['frames']:,} frames + {link['discarded']:,} discarded"
        lines.append(f"  {name}: {link['bytes_in']:,} bytes = {balance} + {link['pending']:,} pending")
        counted = [f"{link[key]:,} {key.replace('_', ' ')}" for key in _COUNTS if link.get(key)]
        lines += [f"    {', '.join(counted)}"] if counted else []
        packets = [f"{count:,} {packet}" for packet, count in link.get("packets", {}).items()]
        lines += [f"    packets: {', '.join(packets)}"] if packets else []
        lines += _channels(link)
    for report in told["radio"].values():
        invalid, limited = report["invalid"], report["saturated"]
        lines += [f"    {invalid:,} samples were no numbers and taken as 0"] if invalid else []
        lines += [f"    {limited:,} samples were larger than can be and limited"] if limited else []
        lines += [_transmitter(each) for each in report["transmitters"]]
    if told["radio"] and not any(link["frames"] for link in told["links"].values()):
        lines.append("  no frames: is this its modem, symbol rate and framing? Try others, or --satellite NAME")
    width = max((len(name) for name in told["values"]), default=0)
    lines += [f"  {name:{width}}  {_value(each)}" for name, each in told["values"].items()]
    lines += [f"  damage: {note}" for note in told["damage"]["notes"][:5]]
    return lines


def _channels(link: Mapping[str, Any]) -> list[str]:
    """Virtual channels of transfer frames, a line each."""
    lines = []
    for name, each in link.get("virtual_channels", {}).items():
        apids = ", ".join(f"APID {apid} {count:,}" for apid, count in each.get("apids", {}).items())
        text = f"{each['frames']:,} frames, {each['gaps']:,} gaps, {each['missing']:,} missing"
        lines.append(f"    virtual channel {name}: {text}{f'; {apids}' if apids else ''}")
    return lines


def _transmitter(told: Mapping[str, Any]) -> str:
    modem, framing = told["modem"], told["framing"]
    names = [
        each if isinstance(each, str) else each["kind"]
        for each in (framing if isinstance(framing, list) else [framing])
    ]
    counts = f"{told['frames']:,} frames, {told['corrected']:,} corrected, {told['check_failures']:,} failed checks"
    return f"  {modem['kind']} {modem['baud']:,.10g} baud, {' + '.join(names)}: {counts}"


def _value(told: Mapping[str, Any]) -> str:
    return f"{_text(told['value'])} {told['unit']}".rstrip()


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


_COUNTS = (
    "crc_failures",
    "corrected",
    "fecf_failures",
    "malformed_frames",
    "sequence_gaps",
    "unknown_packets",
    "malformed",
)
