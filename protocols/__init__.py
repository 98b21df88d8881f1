"""Bytes to frames to packets to columns: no I/O, no clock, no event loop, no logging.

Every part takes bytes and gives values, so the same code runs on a socket, on a file and in a test. The names here are
what a vehicle file and a script of one's own need; everything else is reached by its module. Each is imported when
first asked for, so that ``import protocols.chunk`` loads neither numpy nor construct.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from protocols.batch import Batch, Field
    from protocols.chunk import Chunk
    from protocols.curve import Linear, Polynomial, Table
    from protocols.decoder import VehicleDecoder
    from protocols.errors import TelemetryError
    from protocols.framer import Framer
    from protocols.frames import Frames, Ledger
    from protocols.measurement import Measurement
    from protocols.packet import Header, Packet, Vehicle
else:
    _HOMES = {
        "batch": ("Batch", "Field"),
        "chunk": ("Chunk",),
        "curve": ("Linear", "Polynomial", "Table"),
        "decoder": ("VehicleDecoder",),
        "errors": ("TelemetryError",),
        "framer": ("Framer",),
        "frames": ("Frames", "Ledger"),
        "measurement": ("Measurement",),
        "packet": ("Header", "Packet", "Vehicle"),
    }

    def __getattr__(name):
        """The public name, from its module (PEP 562)."""
        for module, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"protocols.{module}"), name)
        raise AttributeError(f"module 'protocols' has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})


__all__ = [
    "Batch",
    "Chunk",
    "Field",
    "Framer",
    "Frames",
    "Header",
    "Ledger",
    "Linear",
    "Measurement",
    "Packet",
    "Polynomial",
    "Table",
    "TelemetryError",
    "Vehicle",
    "VehicleDecoder",
]
