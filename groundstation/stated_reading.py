"""A file read as somebody says on the command line: by modem and framing, a satellite's name, or a framing alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundstation.campaign import make_framer
from groundstation.reading import Reading
from groundstation.satellite import satellite
from groundstation.stated_arguments import Stated
from groundstation.transmitters import Named, framing_table, radio_framing, transmitter
from groundstation.vehicle_file import NoVehicle, load_vehicle
from hardware.quantity import hertz
from protocols import undeclared
from protocols.errors import DeclarationError, NotARecording, RecordingError, UnknownFormat
from protocols.packet import Vehicle
from protocols.signal import Signal
from protocols.vehicles import vehicle as known_vehicle
from protocols.vehicles import vehicles
from replay.chosen_links import chosen_links
from replay.recording import Recording, open_recording
from replay.stated import StatedBytes, StatedSamples


def read_as_stated(path: Path, stated: Stated) -> Reading:
    """A file by what was said of it; its frames as they are where no vehicle is known.

    Raises RecordingError, and DeclarationError on what does not fit together.
    """
    _check(stated)
    chosen = satellite(stated.satellite) if stated.satellite else None
    sent: Sequence[Mapping[str, Any]] = ()
    if chosen is not None:
        sent = chosen.transmitters
    elif stated.modem:
        sent = [transmitter(stated.modem, list(stated.framings))]
    vehicle = _vehicle(stated.vehicle or (chosen.vehicle if chosen else ""))
    recording = chosen_links(_recording(path, stated, vehicle.framing, radio=bool(sent)), stated.links)
    framings = {
        name: _framing(recording, name, link.signal, link.framing, stated, sent)
        for name, link in recording.links.items()
    }
    for framing in framings.values():
        make_framer(framing)
    return Reading(recording, vehicle, framings, {})


def _check(stated: Stated) -> None:
    if stated.satellite and (stated.modem or stated.framings):
        raise DeclarationError("--satellite", "tells modem and framing itself; leave these out, or the satellite")
    if stated.modem and not stated.framings:
        raise DeclarationError("--modem", "needs a framing too; add --framing, as in --framing ax100_golay")
    if len(stated.framings) > 1 and not stated.modem:
        raise DeclarationError("--framing", "stands there twice; several are tried only on what a --modem gives")


def _recording(path: Path, stated: Stated, usual: Named, *, radio: bool) -> Recording:
    """The file, by its own account where it gives one; else in the framing that is said, or usual for its vehicle."""
    if stated.samples:
        return StatedSamples(path, _signal(stated.samples))
    own = bool(stated.framings) and not radio
    try:
        recording = open_recording(path)
        # a table's chunks are made of its cells: a framing is said of the file's own bytes, which only look like one
        return StatedBytes(path, framing_table(stated.framings[0])) if own and recording.tabular else recording
    except UnknownFormat:
        if radio:
            problem = "of no format known here; say what its samples are, as --samples cu8:2.4M"
            raise RecordingError(path, problem) from None
        if not stated.framings and usual != "datagram":
            return StatedBytes(path, usual)
        if not stated.framings:
            problem = "of no format known here; say how its bytes are framed, as --framing fixed?frame_length=1115"
            raise RecordingError(path, problem) from None
        return StatedBytes(path, framing_table(stated.framings[0]))
    except NotARecording:
        if own and path.is_file() and path.stat().st_size:  # its name promised a format
            return StatedBytes(path, framing_table(stated.framings[0]))
        raise


def _framing(
    recording: Recording,
    name: str,
    signal: Signal | None,
    recorded: Named,
    stated: Stated,
    sent: Sequence[Mapping[str, Any]],
) -> Named:
    """The framing of a link."""
    if signal is not None and not sent:
        problem = "holds samples: say how they are modulated, with --modem and --framing or with --satellite"
        raise RecordingError(recording.path, problem)
    if signal is None and sent:
        problem = f"link {name} holds bytes, not samples; leave out --modem and --satellite"
        raise RecordingError(recording.path, problem)
    framing: Named = radio_framing(signal, sent) if signal is not None else recorded
    if signal is None and stated.framings:
        framing = framing_table(stated.framings[0])
    if stated.transfer_frames:
        table = {"kind": framing} if isinstance(framing, str) else dict(framing)
        framing = {**table, "transfer_frames": framing_table(stated.transfer_frames)}
    return framing


def _signal(text: str) -> Signal:
    """Samples as FORMAT:RATE?frequency=HZ. Raises DeclarationError."""
    told, _, query = text.partition("?")
    kind, _, rate = told.partition(":")
    key, _, value = query.partition("=")
    if key not in ("", "frequency"):
        raise DeclarationError(f"--samples {text}", "want FORMAT:RATE?frequency=HZ, as cu8:2.4M?frequency=437.5M")
    try:
        return Signal(kind, hertz("rate", rate), hertz("frequency", value) if key else 0.0)
    except ValueError as error:
        raise DeclarationError(f"--samples {text}", f"{error}; want FORMAT:RATE, as cu8:2.4M or ci16:48k") from None


def _vehicle(name: str) -> Vehicle:
    if name in ("", undeclared.NAME):
        return undeclared.VEHICLE
    if name.partition("#")[0].lower().endswith(".xml"):
        try:
            return load_vehicle(name, Path.cwd() / "campaign.toml")
        except NoVehicle as error:
            raise DeclarationError(f"--vehicle {name}", str(error)) from None
    if name not in vehicles():
        problem = f"none of that name is known; use one of {', '.join(vehicles())}, or an XTCE file, FILE.xml"
        raise DeclarationError(f"--vehicle {name}", problem)
    return known_vehicle(name)
