"""What a verification found, as JSON and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from groundstation.bus import payload
from groundstation.proving import software
from groundstation.summary import printable
from groundstation.verification import ORDER, Compared, Verification

EQUAL, DIFFERS, UNPROVEN = "equal", "differs", "unproven"
_NAMED = 10
"""Measurements that are named in words, of those that are declared otherwise."""
_DECLARED = ("unit", "type", "bit", "bits", "shape", "labels", "resolution")
_LIMITS = ("yellow", "red", "persistence", "persistence_s", "hysteresis", "when")


def report(found: Verification, path: Path) -> dict[str, Any]:
    """All of it; ``verdict`` is equal, differs or unproven."""
    checkpoints, damage = found.checkpoints, found.reading.recording.damage
    last = checkpoints[-1] if checkpoints else None
    links = {
        name: {
            "chunks": found.digest(name).chunks,
            "bytes": found.digest(name).bytes,
            "chunks_after_last_checkpoint": found.digest(name).chunks
            - (last.links[name].chunks if last and name in last.links else 0),
            "raw": _told(found, found.raw[name]),
            "values": _told(found, found.values[name]),
        }
        for name in found.raw
    }
    told: dict[str, Any] = {
        "recording": printable(path),
        "verdict": UNPROVEN,
        "why": _why(found),
        "checkpoints": len(checkpoints),
        "unreadable_checkpoints": found.unreadable,
        "closed": bool(last and last.final),
        "proven_to": _moment(found, last.received_ns) if last else None,
        "links": links,
        "alarms": _told(found, found.alarms),
        "events": _told(found, found.events),
        "software": {"recorded": dict(last.software) if last else {}, "here": software()},
        "declared_otherwise": [],
        "limits_otherwise": [],
        "seal": last.seal if last else None,
        "digests": found.digests.as_dict(),
        "damage": {"discarded": damage.discarded, "missing": damage.missing, "notes": damage.notes},
    }
    verdicts = [each["verdict"] for each in _compared(told) if each["why"] != ORDER]
    if DIFFERS in verdicts:
        told["verdict"] = DIFFERS
        told["declared_otherwise"], told["limits_otherwise"] = _otherwise(found, _DECLARED), _otherwise(found, _LIMITS)
    elif last is not None and UNPROVEN not in verdicts:
        told["verdict"] = EQUAL
    return told


def lines(told: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    verdict = {EQUAL: "EQUAL: what is in the file is what was received, and it is decoded as it was then"}
    verdict |= {DIFFERS: "DIFFERS", UNPROVEN: "NOT PROVEN to its end"}
    found = [f"{told['recording']}: {verdict[told['verdict']]}"]
    found += [f"  {told['why']}"] if told["why"] else []
    for name, link in told["links"].items():
        found.append(f"  {name}: {link['chunks']:,} chunks, {link['bytes']:,} bytes")
        found.append(f"    raw     {_said(link['raw'])}")
        found.append(f"    values  {_said(link['values'])}")
        after = link["chunks_after_last_checkpoint"]
        if told["checkpoints"] and after > 0:
            found.append(f"    {after:,} chunks came after the last checkpoint: nothing is known to compare them with")
    if told["checkpoints"]:
        found += [f"  {what:6s}  {_said(told[what])}" for what in ("alarms", "events")]
        found += _explained(told)
        found.append(f"  checkpoints: {told['checkpoints']:,}, the last {_at(told['proven_to'])}")
        found.append(f"  seal of the last: {told['seal']}")
    else:
        found.append(f"  seal of what it gives now: {told['digests']['seal']}")
    if told["unreadable_checkpoints"]:
        found.append(f"  {told['unreadable_checkpoints']} checkpoints cannot be read")
    notes = told["damage"]["notes"]
    harmless = " (the digests are equal all the same)" if told["verdict"] == EQUAL else ""
    return found + [f"  damage: {note}{harmless}" for note in notes[:5]]


def _compared(told: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Everything that was compared."""
    yield from (told["alarms"], told["events"])
    for link in told["links"].values():
        yield from (link["raw"], link["values"])


def _told(found: Verification, compared: Compared) -> dict[str, Any]:
    last = found.checkpoints[-1] if found.checkpoints else None
    whole = last is not None and last.final and compared.equal_at is last
    after, before = compared.equal_at, compared.differs_at
    begins_ns = found.reading.recording.span[0]
    return {
        "verdict": DIFFERS if before else EQUAL if whole else UNPROVEN,
        "proven_to": _moment(found, after.received_ns) if after else None,
        "differs": {
            "after": _moment(found, after.received_ns if after else begins_ns),
            "before": _moment(found, before.received_ns),
            "what": compared.differences,
        }
        if before
        else None,
        "why": compared.void,
    }


def _moment(found: Verification, received_ns: int) -> dict[str, Any]:
    begins_ns = found.reading.recording.span[0]
    return {
        "received_ns": received_ns,
        "mission_time": found.pipeline.mission_time(received_ns),
        "seconds": (received_ns - begins_ns) / 1e9,
    }


def _why(found: Verification) -> str:
    """Why not all can be proven; empty where it can."""
    if not found.checkpoints:
        return (
            "there are no digests in it: it is of another program, or of a station that wrote none or was stopped"
            " within ten seconds; it can be compared with nothing but a later run of this command"
        )
    if not found.checkpoints[-1].final:
        return "it was not closed in order: what came after the last checkpoint cannot be proven"
    return ""


def _otherwise(found: Verification, keys: tuple[str, ...]) -> list[str]:
    """Measurements of which the recording's own definitions say something else than those it is read by."""
    pipeline = found.pipeline
    now = payload.definition(pipeline.vehicles, pipeline.fields, pipeline.limits, {})["packets"]
    then = found.reading.recording.definitions.get("packets")
    if not isinstance(then, dict):
        return []
    stated = {f"{packet}.{path}": told for packet, path, told in _measurements(then)}
    known = {f"{packet}.{path}": told for packet, path, told in _measurements(now)}
    return [
        name
        for name in dict.fromkeys([*stated, *known])
        if [stated.get(name, {}).get(key) for key in keys] != [known.get(name, {}).get(key) for key in keys]
    ]


def _measurements(packets: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for packet, told in packets.items():
        own = told.get("measurements") if isinstance(told, dict) else None
        for path, each in own.items() if isinstance(own, dict) else ():
            if isinstance(each, dict):
                yield packet, path, each


def _said(told: Mapping[str, Any]) -> str:
    if told["verdict"] == EQUAL:
        return EQUAL
    if told["differs"]:
        differs = told["differs"]
        between = f"between {_at(differs['after'])} and {_at(differs['before'])}"
        return f"DIFFERS, first {between}: {', '.join(differs['what'])}"
    so_far = f"equal to {_at(told['proven_to'])}, then " if told["proven_to"] else ""
    return f"{so_far}not proven{': ' if told['why'] else ''}{told['why']}"


def _explained(told: Mapping[str, Any]) -> Iterator[str]:
    """What differences mean."""
    links = told["links"].values()
    if any(link["raw"]["verdict"] == DIFFERS for link in links):
        yield "  raw differs: the file is damaged or was changed there"
    same = [link for link in links if link["raw"]["verdict"] != DIFFERS]
    judged = any(told[what]["verdict"] == DIFFERS for what in ("alarms", "events"))
    if any(link["values"]["verdict"] == DIFFERS for link in same) or (judged and len(same) == len(links)):
        yield "  the bytes are the same and what is made of them is not: by other software, vehicle or campaign"
        then, here = told["software"]["recorded"], told["software"]["here"]
        for name in dict.fromkeys([*then, *here]):
            if then.get(name) != here.get(name):
                yield f"    {name} {then.get(name, 'unknown')} then, {here.get(name, 'unknown')} now"
        for what, names in (("declared", told["declared_otherwise"]), ("limited", told["limits_otherwise"])):
            if names:
                more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
                yield f"    {what} otherwise now: {', '.join(names[:_NAMED])}{more}"


def _at(moment: Mapping[str, Any]) -> str:
    mission_time = moment["mission_time"]
    return f"T{mission_time:+.1f} s" if mission_time is not None else f"{moment['seconds']:.1f} s"
