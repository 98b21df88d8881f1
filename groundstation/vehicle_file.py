"""A vehicle by its name: one that comes with the project, or a file beside a campaign file, Python or XTCE."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import traceback
from pathlib import Path

from protocols import undeclared
from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.packet import Vehicle
from protocols.vehicles import vehicle as known_vehicle
from protocols.vehicles import vehicles

_LARGEST = 64 * 1024 * 1024
"""Bytes of an XTCE file; what is longer is something else."""


class NoVehicle(Exception):
    """A vehicle that cannot be had; says why and what to do."""


def load_vehicle(name: str, beside: Path, *, files: bool = True) -> Vehicle:
    """A vehicle by name or, with files, from a Python or XTCE file beside the campaign file. Raises NoVehicle.

    ``file.xml#NAME`` names the container that all packets of an XTCE file begin with, where it does not tell itself.
    """
    if name.endswith(".py"):
        if not files:
            raise NoVehicle(f"found {name!r}, a program, which is not run because a recording names it")
        return _from_file((beside.parent / name).resolve())
    file, _, root = name.partition("#")
    if file.lower().endswith(".xml"):
        if not files:
            raise NoVehicle(f"found {file!r}, a file beside the campaign file, which is not inside the recording")
        return xtce_file((beside.parent / file).resolve(), root)
    if name == undeclared.NAME:
        return undeclared.VEHICLE
    try:
        return known_vehicle(name)
    except DeclarationError as error:
        near = difflib.get_close_matches(name, vehicles(), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise NoVehicle(f"found {error}, or a ./file.py or ./file.xml beside this one{hint}") from None


def _from_file(path: Path) -> Vehicle:
    if not path.is_file():
        raise NoVehicle(f"there is no file {path}; write it or correct the name")
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:12]
    spec = importlib.util.spec_from_file_location(f"vehicle_{path.stem}_{digest}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = getattr(module, "VEHICLE", None)
        if isinstance(found, Vehicle):
            _refuse_dangling(found)
    except (Exception, SystemExit) as error:  # noqa: BLE001 it is the user's program: whatever it does is said
        raise NoVehicle(f"{path}{_line(error, path)} does not load: {_said(error)}; correct that file") from None
    if not isinstance(found, Vehicle):
        raise NoVehicle(f"{path} defines no VEHICLE = Vehicle(...); see protocols/vehicles for how")
    return found


def xtce_file(path: Path, root: str = "") -> Vehicle:
    """The vehicle that an XTCE file declares; root as in :func:`protocols.xtce.reading.read_xtce`. Raises NoVehicle."""
    from protocols.xtce.reading import read_xtce  # noqa: PLC0415 few campaigns need it

    if not path.is_file():
        raise NoVehicle(f"there is no file {path}; write it or correct the name")
    try:
        with path.open("rb") as file:
            document = file.read(_LARGEST + 1)
    except OSError as error:
        raise NoVehicle(f"{path} cannot be read ({error.strerror}); check its permissions") from None
    if len(document) > _LARGEST:
        raise NoVehicle(f"{path} has more than {_LARGEST:,} bytes; give an XTCE file")
    try:
        found = read_xtce(document, root)
        _refuse_dangling(found)
    except DeclarationError as error:
        raise NoVehicle(f"{path}: {error}") from None
    return found


def _refuse_dangling(vehicle: Vehicle) -> None:
    """Raise DeclarationError on packets that cannot be decoded, and on names of measurements that there are not.

    A misspelt condition would never come true: a flight without a liftoff, and nobody told.
    """
    decoders = VehicleDecoder(vehicle, "").decoders
    known = {f"{packet}.{path}" for packet, decoder in decoders.items() for path in decoder.fields}
    transitions = vehicle.flight.transitions if vehicle.flight else ()
    used = {"display": vehicle.display, "plots": vehicle.plots}
    used |= {f"flight.{each.event}": [what.measurement for what in each.when] for each in transitions}
    for where, names in used.items():
        for name in names:
            if name not in known:
                near = " or ".join(difflib.get_close_matches(name, known, 3))
                hint = f"did you mean {near}?" if near else f"it has {', '.join(sorted(known)[:6])} ..."
                raise DeclarationError(f"{vehicle.name}.{where}", f"there is no measurement {name!r}; {hint}")


def _line(error: BaseException, path: Path) -> str:
    """Where in the file an error came up."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f" line {error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f" line {lines[-1]}" if lines else ""


def _said(error: BaseException) -> str:
    if isinstance(error, DeclarationError):
        return str(error)
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
