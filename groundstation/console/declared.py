"""What the bus says the vehicle sends: the ``definition`` topic as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Band = tuple[float | None, float | None]
"""A limit's low and high side; None where a side is open."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement as declared."""

    packet: str
    path: str
    unit: str = ""
    doc: str = ""
    raw_type: str = ""
    bit: int = -1
    """First bit in the packet; -1 where it has no fixed place."""
    bits: int = -1
    shape: tuple[int, ...] = ()
    labels: Mapping[int, str] = field(default_factory=dict)
    """Names of an enumeration's codes."""
    resolution: float = 0.0
    """The step of one count in the unit; 0 where unknown."""
    yellow: Band | None = None
    red: Band | None = None
    persistence: int = 1
    persistence_s: float = 0.0
    hysteresis: float = 0.0
    when: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``propulsion.chamber_pressure``."""
        return f"{self.packet}.{self.path}"

    @property
    def is_flag(self) -> bool:
        """Whether it is one bit, shown as yes or no."""
        return self.raw_type in {"flag", "bool"}


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet type as declared."""

    name: str
    doc: str = ""
    rate: float = 0.0
    """Packets a second expected; 0 where unknown."""
    measurements: Mapping[str, Measurement] = field(default_factory=dict)
    """By path, in the order declared."""


@dataclass(frozen=True, slots=True)
class Definition:
    """The vehicle as declared."""

    name: str = ""
    title: str = ""
    synthetic: bool = False
    source: str = ""
    phases: tuple[str, ...] = ()
    display: tuple[str, ...] = ()
    """Full names of the key measurements."""
    plots: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    packets: Mapping[str, Packet] = field(default_factory=dict)

    @property
    def measurements(self) -> list[Measurement]:
        """Every measurement, in the order declared."""
        return [each for packet in self.packets.values() for each in packet.measurements.values()]


def read_definition(payload: Mapping[str, Any]) -> Definition:
    """A definition from its JSON object; what is of the wrong type is left at its default."""
    packets = _objects(payload.get("packets"))
    return Definition(
        name=_text(payload.get("name")),
        title=_text(payload.get("title")),
        synthetic=payload.get("synthetic") is True,
        source=_text(payload.get("source")),
        phases=_texts(payload.get("phases")),
        display=_texts(payload.get("display")),
        plots=_texts(payload.get("plots")),
        links=tuple(_objects(payload.get("links"))),
        packets={name: _packet(name, packet) for name, packet in packets.items()},
    )


def _packet(name: str, payload: Mapping[str, Any]) -> Packet:
    measurements = _objects(payload.get("measurements"))
    return Packet(
        name=name,
        doc=_text(payload.get("doc")),
        rate=_number(payload.get("rate"), 0.0),
        measurements={path: _measurement(name, path, each) for path, each in measurements.items()},
    )


def _measurement(packet: str, path: str, payload: Mapping[str, Any]) -> Measurement:
    return Measurement(
        packet=packet,
        path=path,
        unit=_text(payload.get("unit")),
        doc=_text(payload.get("doc")),
        raw_type=_text(payload.get("type")),
        bit=int(_number(payload.get("bit"), -1)),
        bits=int(_number(payload.get("bits"), -1)),
        shape=_shape(payload.get("shape")),
        labels=_labels(payload.get("labels")),
        resolution=abs(_number(payload.get("resolution"), 0.0)),
        yellow=_band(payload.get("yellow")),
        red=_band(payload.get("red")),
        persistence=int(_number(payload.get("persistence"), 1)),
        persistence_s=_number(payload.get("persistence_s"), 0.0),
        hysteresis=_number(payload.get("hysteresis"), 0.0),
        when=_texts(payload.get("when")),
    )


def _objects(raw: object) -> dict[str, Mapping[str, Any]]:
    return {key: value for key, value in raw.items() if isinstance(value, dict)} if isinstance(raw, dict) else {}


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""


def _texts(raw: object) -> tuple[str, ...]:
    return tuple(each for each in raw if isinstance(each, str)) if isinstance(raw, list) else ()


def _number(raw: object, default: float) -> float:
    return raw if isinstance(raw, (int, float)) and not isinstance(raw, bool) else default


def _shape(raw: object) -> tuple[int, ...]:
    return tuple(each for each in raw if isinstance(each, int)) if isinstance(raw, list) else ()


def _labels(raw: object) -> dict[int, str]:
    if not isinstance(raw, dict):
        return {}
    return {int(code): str(label) for code, label in raw.items() if code.removeprefix("-").isdecimal()}


def _band(raw: object) -> Band | None:
    if not isinstance(raw, list) or len(raw) != 2:
        return None
    low, high = (float(side) if isinstance(side, (int, float)) else None for side in raw)
    return None if low is None and high is None else (low, high)
