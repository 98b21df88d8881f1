"""Two recordings side by side: the key measurements phase by phase, against those of a reference."""

from __future__ import annotations

from groundstation.event import EventKind
from groundstation.quicklook.measure import Measured
from groundstation.quicklook.numbers import moment, number
from groundstation.quicklook.page import Section, Table


def comparison(measured: Measured, reference: Measured) -> Section:
    """What differs from a reference, both counted from their own T-0."""
    section = Section("Against the reference")
    section.parts.append(f"The reference is {reference.reading.recording.path.name}; each is counted from its own T-0.")
    rows = _events(measured, reference)
    if rows:
        section.parts.append(Table(("event", "here", "reference", "later by"), rows))
    figures = [row for name in measured.key_measurements for row in _figures(measured, reference, name)]
    if figures:
        columns = (
            "measurement",
            "phase",
            "highest",
            "reference",
            "",
            "lowest",
            "reference",
            "",
            "mean",
            "reference",
            "",
        )
        section.parts.append(Table(columns, figures))
    else:
        section.parts.append("The two have no key measurement in the same phase in common.")
    return section


def _figures(measured: Measured, reference: Measured, name: str) -> list[list[str]]:
    """A measurement in each phase that both have; codes of an enumeration are not compared."""
    told, rows = measured.field_of(name), []
    for phase in dict.fromkeys(measured.phase_begins[0]) if told is None or not told.labels else ():
        found = measured.phases.get(phase, {}).get(name)
        theirs = reference.phases.get(phase, {}).get(name)
        if found is None or theirs is None:
            continue
        row = [f"{name} [{measured.unit(name)}]" if measured.unit(name) else name, phase or "all"]
        for here, there in ((found.high, theirs.high), (found.low, theirs.low), (found.mean, theirs.mean)):
            row += [number(here), number(there), f"{here - there:+.4g}"]
        rows.append(row)
    return rows


def _events(measured: Measured, reference: Measured) -> list[list[str]]:
    theirs = {each.name: each.received_ns for each in reference.pipeline.events if each.kind is EventKind.FLIGHT}
    rows = []
    for each in measured.pipeline.events:
        if each.kind is EventKind.FLIGHT:
            row = [each.name, moment(measured, each.received_ns), "!not there", ""]
            if each.name in theirs:
                later = measured.seconds(each.received_ns) - reference.seconds(theirs[each.name])
                row[2:] = [moment(reference, theirs[each.name]), f"{later:+.2f} s"]
            rows.append(row)
    ours = {row[0] for row in rows}
    rows += [[name, "!not here", moment(reference, at), ""] for name, at in theirs.items() if name not in ours]
    return rows
