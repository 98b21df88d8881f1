"""Say what is in a recording: format, links, time span, events noted, damage.

groundstation info flight.mcap
groundstation info pass.sigmf-meta
groundstation info            the formats, vehicles, framings, sources and satellites there are
groundstation info --satellite GOMX-3
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from groundstation.plain_text import plain
from groundstation.transmitter_text import framing_text, framing_texts, modem_text

if TYPE_CHECKING:
    from replay.recording import RecordedEvent, RecordedLink, Recording

_TIED = "\u00a0"
HELP = "say what is in a recording, or what is known here"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("recording", type=Path, nargs="?", help="the file; left out: what is known here")
    parser.add_argument("--satellite", metavar="NAME", help="how a satellite transmits: by its name or number")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Say it."""
    import orjson  # noqa: PLC0415

    if arguments.recording and arguments.satellite:
        sys.stderr.write("groundstation info: a file or --satellite, one of the two; leave the other out\n")
        return 2
    if arguments.recording:
        told = _recording(arguments.recording)
    elif arguments.satellite:
        told = _satellite(arguments.satellite)
        told = told if arguments.json else _for_people(told)
    else:
        told = _known(brief=not arguments.json)
    if arguments.json:
        sys.stdout.write(orjson.dumps(told).decode() + "\n")
    else:
        sys.stdout.write(plain("\n".join(f"{key:>12}  {_text(value)}" for key, value in told.items())) + "\n")
    return 0


def _recording(path: Path) -> dict[str, Any]:
    from groundstation.summary import printable  # noqa: PLC0415
    from replay.recording import TimeBase, open_recording  # noqa: PLC0415
    from replay.sample_file import elapsed_ns  # noqa: PLC0415

    recording = open_recording(path)
    first, last = recording.span
    count, sizes = 0, Counter[str]()
    for chunk in recording.chunks():
        signal = recording.links[chunk.link].signal
        if not count and signal is not None:  # whose first sample came before the chunk that ends it
            first -= elapsed_ns(len(chunk.data) // signal.size - 1, signal.rate)
        count += 1
        sizes[chunk.link] += len(chunk.data)
    begins = datetime.fromtimestamp(first / 1e9, UTC).isoformat(timespec="milliseconds")
    unknown = "not known" if any(link.signal for link in recording.links.values()) else ""
    return {
        "file": printable(path),
        "format": recording.title,
        **_parts(recording),
        "synthetic": recording.synthetic,
        "begins": begins
        if recording.time_base is TimeBase.UTC
        else unknown or f"{first / 1e9:.3f} s on the vehicle's clock",
        "duration_s": (last - first) / 1e9,
        "chunks": count,
        "bytes": sizes.total(),
        "links": {name: _link(link, sizes[name]) for name, link in recording.links.items()},
        **({"assumed": list(recording.assumed)} if recording.assumed else {}),
        "events": [_event(event, first) for event in recording.events()],
        "damage": [f"{recording.damage.discarded:,} bytes could not be read", *recording.damage.notes],
    }


def _parts(recording: Recording) -> dict[str, Any]:
    """Which files a recording in several has, or which of them a file is; empty for a whole one."""
    from replay.formats.mcap import McapRecording  # noqa: PLC0415
    from replay.parted_recording import PartedRecording  # noqa: PLC0415

    if isinstance(recording, PartedRecording):
        return {"parts": [each.path.name for each in recording.parts]}
    if not isinstance(recording, McapRecording) or recording.part is None:
        return {}
    part, follows = recording.part, recording.next_part
    before = f"; before it {part.previous}, at which all of it opens" if part.number == 2 else ""
    before = before or (f"; before it {part.previous}" if part.previous else "")
    after = "; what follows is not known" if follows is None else f"; after it {follows}" if follows else "; the last"
    return {"part": f"{part.number}, alone{before}{after}"}


def _link(link: RecordedLink, size: int) -> str:
    """How a link is read, and of one of samples, what they are."""
    read = f"{f'{link.title}; ' if link.title else ''}{link.vehicle or '?'}, framing {framing_text(link.framing)}"
    if link.signal is None:
        return read
    signal, samples = link.signal, size // link.signal.size
    frequency = f"{signal.frequency / 1e6:.6f} MHz" if signal.frequency else "frequency not known"
    kind = "IQ" if signal.iq else "audio"
    text = f"{kind} {signal.datatype}, {signal.rate:,.10g} samples/s, {frequency}, {samples:,} samples"
    text += f", {samples / signal.rate:.3f} s"
    return f"{text}; {read}" if link.vehicle else text


def _event(event: RecordedEvent, first_ns: int) -> str:
    """An event at its seconds since the recording's beginning, in its words."""
    text = str(event.detail.get("text", event.name))
    return f"{(event.received_ns - first_ns) / 1e9:+10.3f} s  {text}"


def _known(*, brief: bool) -> dict[str, Any]:
    """What is known here; brief: satellites by their names alone."""
    from groundstation.satellite import satellites  # noqa: PLC0415
    from hardware.source import sources  # noqa: PLC0415
    from protocols.deframing.deframer import deframers  # noqa: PLC0415
    from protocols.framer import framings  # noqa: PLC0415
    from protocols.modem.demodulator import MODEMS  # noqa: PLC0415
    from protocols.vehicles import vehicles  # noqa: PLC0415
    from replay.recording import formats  # noqa: PLC0415

    names = sorted((each.name for each in satellites().values()), key=str.lower)
    whole = ", ".join(name.replace(" ", _TIED) for name in names)
    lines = [line.replace(_TIED, " ") for line in textwrap.wrap(whole, 100, break_on_hyphens=False)]
    return {
        "formats": {made.title: " ".join(made.suffixes) or "by content" for made in formats().values()},
        "vehicles": vehicles(),
        "framings": framings(),
        "sources": sources(),
        "modems": list(MODEMS),
        "bit_framings": list(deframers()),
        "satellites": [f"{len(names)}:", *lines] if brief else [_satellite(name) for name in names],
    }


def _satellite(name: str) -> dict[str, Any]:
    """A satellite, and how it transmits in the words that ``decode`` takes. Raises DeclarationError."""
    from groundstation.satellite import satellite  # noqa: PLC0415

    found = satellite(name)
    return {
        "satellite": found.name,
        "aliases": list(found.aliases),
        "norad": found.norad or None,
        "vehicle": found.vehicle or None,
        "transmitters": [
            {"modem": modem_text(each["modem"]), "framings": framing_texts(each["framing"])}
            for each in found.transmitters
        ],
        "source": found.source,
    }


def _for_people(told: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a satellite, in words; transmitters as a shell takes them."""
    sent = [
        " ".join([f"--modem {quote(each['modem'])}", *(f"--framing {quote(text)}" for text in each["framings"])])
        for each in told["transmitters"]
    ]
    vehicle = told["vehicle"] or "none: frames as they are"
    return {**told, "norad": str(told["norad"] or "not known"), "vehicle": vehicle, "transmitters": sent}


def _text(value: Any) -> str:
    """A value on one line or several."""
    if isinstance(value, dict):
        return ("\n" + " " * 14).join(f"{key}: {each}" for key, each in value.items()) or "none"
    if isinstance(value, list):
        return ("\n" + " " * 14).join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
