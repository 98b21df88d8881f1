"""What a quick-look says: events, phases, key measurements, limits, links, and what the recording itself is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from groundstation.event import EventKind
from groundstation.quicklook.margin import margins
from groundstation.quicklook.measure import Measured
from groundstation.quicklook.numbers import moment, number
from groundstation.quicklook.page import Section, Table
from replay.recording import RecordedEvent, TimeBase

SHOWN = 60
"""Rows of a table that is not folded away."""
LISTED = 500
"""Rows of any table."""


def lead(measured: Measured) -> list[str]:
    """What was read."""
    reading, pipeline = measured.reading, measured.pipeline
    recording = reading.recording
    lines = [f"{pipeline.vehicle.title}, from {recording.path.name} ({recording.title})"]
    if reading.synthetic:
        lines.append("!Synthetic: this telemetry is made up.")
    if recording.time_base is TimeBase.UTC and measured.begin_ns:
        lines.append(f"Begins {_utc(measured.begin_ns)}, lasts {(measured.end_ns - measured.begin_ns) / 1e9:,.1f} s.")
    else:
        lines.append(f"Lasts {(measured.end_ns - measured.begin_ns) / 1e9:,.1f} s; the date is not known.")
    t0 = measured.t0_ns
    if t0 is None:
        lines.append("No T-0 was found: times count from the beginning.")
    elif recording.time_base is TimeBase.UTC:
        lines.append(f"T-0 is {_utc(t0)}.")
    else:
        lines.append(f"T-0 is {(t0 - measured.begin_ns) / 1e9:.2f} s after the beginning.")
    lines += [f"Assumed: {each}" for each in recording.assumed]
    return lines


def what_happened(measured: Measured) -> Section:
    """Events of the flight, phases, and alarms in the order they came."""
    section = Section("What happened")
    events = sorted(measured.pipeline.events, key=lambda each: each.received_ns)
    flight = [each for each in events if each.kind is EventKind.FLIGHT]
    if flight:
        rows = []
        ends = [*(each.received_ns for each in flight[1:]), measured.end_ns]
        for each, end in zip(flight, ends, strict=True):
            value, name = each.detail.get("value"), str(each.detail.get("measurement", ""))
            decided = f"{name} {number(float(value), measured.unit(name))}" if isinstance(value, int | float) else name
            lasted = f"{(end - each.received_ns) / 1e9:.2f} s"
            rows.append([moment(measured, each.received_ns), each.name, str(each.detail.get("phase")), lasted, decided])
        section.parts.append(Table(("time", "event", "phase", "lasted", "decided by"), rows))
    elif measured.pipeline.vehicle.flight is None:
        section.parts.append("This vehicle declares no flight: there are no phases and no events.")
    else:
        section.parts.append("No event of a flight was found.")
    section.parts += _alarms(measured)
    return section


def _alarms(measured: Measured) -> Iterator[str | Table]:
    """Alarms, first-out first."""
    table = measured.pipeline.alarms
    table.follow(measured.pipeline.limit_monitor.standing)
    alarms = sorted(table.alarms, key=lambda each: each.first_out)
    if not alarms:
        yield "No limit was crossed." if measured.pipeline.limits else "No limits are declared."
        return
    several = f"{len(alarms)} measurements" if len(alarms) > 1 else "one measurement"
    yield f"Limits were crossed by {several}; number 1 was the first out."
    rows = []
    for each in alarms[:SHOWN]:
        level = f"!{each.shown.word}" if each.shown.word == "red" else each.shown.word
        worst = f"{number(each.worst, each.unit)} ({each.limit or 'back in limits'})"
        lasting = "at the end" if each.active else ""
        rows.append(
            [
                f"{each.first_out}",
                moment(measured, each.since_ns),
                level,
                each.measurement,
                worst,
                f"{each.count}",
                lasting,
            ]
        )
    yield Table(("first out", "time", "level", "measurement", "worst", "times", "still out"), rows)
    if len(alarms) > SHOWN:
        yield f"and {len(alarms) - SHOWN} more"


def key_measurements(measured: Measured) -> Section:
    """The key measurements by phase, and all the others folded away."""
    section = Section("Measurements by phase")
    key = measured.key_measurements
    for name in key:
        told = measured.field_of(name)
        title = f"{name} {f'[{measured.unit(name)}] ' if measured.unit(name) else ''}{told.doc if told else ''}".strip()
        section.parts.append(title)
        section.parts.append(
            Table(("phase", "lowest", "at", "highest", "at", "mean", "samples"), _by_phase(measured, name))
        )
    others = sorted({name for figures in measured.phases.values() for name in figures} - set(key))
    rows = [[name, *row[1:]] for name in others[:LISTED] for row in _whole(measured, name)]
    if rows:
        columns = ("measurement", "lowest", "at", "highest", "at", "mean", "samples")
        section.parts.append(
            Table(columns, rows, folded=True, title="All other measurements, over the whole recording")
        )
    if len(others) > LISTED:
        section.parts.append(
            f"{len(others) - LISTED} more measurements are left out; `groundstation decode` writes all."
        )
    return section


def _by_phase(measured: Measured, name: str) -> list[list[str]]:
    rows = []
    for phase in dict.fromkeys(measured.phase_begins[0]):
        each = measured.phases.get(phase, {}).get(name)
        if each is not None:
            low, high = moment(measured, each.low_ns), moment(measured, each.high_ns)
            row = [phase or "all", number(each.low), low, number(each.high), high, number(each.mean), f"{each.count:,}"]
            rows.append(row)
    return rows


def _whole(measured: Measured, name: str) -> Iterator[list[str]]:
    each, unit = measured.overall(name), measured.unit(name)
    low, high = moment(measured, each.low_ns), moment(measured, each.high_ns)
    yield ["", number(each.low, unit), low, number(each.high, unit), high, number(each.mean, unit), f"{each.count:,}"]


def limits(measured: Measured) -> Section:
    """How near every limited measurement came to its limits, nearest first."""
    section = Section("Margin to limits")
    found = margins(measured)
    if not found:
        section.parts.append("No measurement with limits was received.")
        return section
    section.parts.append(
        "The margin is what was left to the nearest limit; of a band with both sides, also in parts of half its width."
    )
    columns = ("measurement", "limit", "band", "nearest value", "at", "margin", "of half width")
    rows = []
    for each in found[:LISTED]:
        part = "" if each.part is None else f"{each.part:.0%}"
        margin = number(each.margin, measured.unit(each.measurement))
        sign = "!" if each.margin < 0 else ""
        at = moment(measured, each.at_ns)
        rows.append(
            [
                each.measurement,
                each.level,
                each.band,
                number(each.nearest),
                at,
                sign + margin,
                sign + part if part else "",
            ]
        )
    section.parts.append(Table(columns, rows[:SHOWN]))
    if len(rows) > SHOWN:
        section.parts.append(Table(columns, rows[SHOWN:], folded=True, title="The others"))
    return section


def link_quality(measured: Measured) -> Section:
    """The ledger of every link, what is missing, and its silences."""
    section = Section("Links")
    columns = (
        "link",
        "bytes in",
        "in frames",
        "discarded",
        "pending",
        "frames",
        "failed checks",
        "corrected",
        "missing",
        "unknown",
        "malformed",
    )
    rows = []
    for name, path in measured.pipeline.links.items():
        counts = path.counts()
        rows.append(
            [
                name,
                *(f"{counts[key]:,}" for key in ("bytes_in", "frame_bytes", "discarded", "pending", "frames")),
                *(f"!{counts[key]:,}" if counts[key] else "0" for key in ("crc_failures",)),
                f"{counts['corrected']:,}",
                *(
                    f"!{counts[key]:,}" if counts[key] else "0"
                    for key in ("sequence_gaps", "unknown_packets", "malformed")
                ),
            ]
        )
    section.parts.append("For every link, bytes in = bytes of frames + discarded + pending.")
    section.parts.append(Table(columns, rows))
    packets = {
        name: count for path in measured.pipeline.links.values() for name, count in path.counts()["packets"].items()
    }
    section.parts.append(
        Table(
            ("packet", "received"),
            [[name, f"{count:,}"] for name, count in packets.items()],
            folded=len(packets) > 20,
            title="Packets by type",
        )
    )
    silences = [(name, *each) for name, link in measured.links.items() for each in link.longest()]
    if silences:
        told = [
            [name, f"{length / 1e9:.2f} s", moment(measured, at)]
            for name, length, at in sorted(silences, key=lambda each: -each[1])
        ]
        section.parts.append("The longest silences:")
        section.parts.append(Table(("link", "nothing for", "from"), told[:10]))
    else:
        section.parts.append("No link was silent for half a second or longer.")
    return section


def recording_itself(measured: Measured) -> Section:
    """What of the file could not be read, and what the station noted of itself while recording."""
    section = Section("The recording")
    recording = measured.reading.recording
    damage = recording.damage
    if damage.discarded or damage.missing:
        section.parts.append(
            f"!{damage.discarded:,} bytes of the file could not be read, {damage.missing:,} chunks are missing."
        )
    elif not damage.notes:
        section.parts.append("The whole file could be read.")
    section.parts += [f"!{note}" for note in damage.notes[:20]]
    noted = [[moment(measured, each.received_ns), _text(each)] for each in recording.events() if _of_station(each)]
    if noted:
        section.parts.append(
            Table(
                ("time", "noted while recording"),
                noted[:LISTED],
                folded=len(noted) > SHOWN,
                title="Noted while recording",
            )
        )
    return section


def _of_station(event: RecordedEvent) -> bool:
    """Whether an event was the station's or an operator's, which no decoding finds again."""
    return event.detail.get("kind") not in (EventKind.FLIGHT, EventKind.LIMIT)


def _text(event: RecordedEvent) -> str:
    detail: Mapping[str, object] = event.detail
    return str(detail.get("text", event.name))


def _utc(at_ns: int) -> str:
    return f"{datetime.fromtimestamp(at_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
