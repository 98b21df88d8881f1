"""Vehicles and payloads: one file each, found by its name. A file defines ``VEHICLE``."""

from importlib import import_module
from pkgutil import iter_modules

from protocols.errors import DeclarationError
from protocols.packet import Vehicle


def vehicles() -> list[str]:
    """The names of all vehicles that come with the project."""
    return sorted(module.name for module in iter_modules(__path__))


def vehicle(name: str) -> Vehicle:
    """The vehicle of that name. Raises DeclarationError, naming those there are."""
    if name not in vehicles():
        raise DeclarationError(f"vehicle {name!r}", f"there is none of that name; use one of {', '.join(vehicles())}")
    found: Vehicle = import_module(f"{__name__}.{name}").VEHICLE
    return found
