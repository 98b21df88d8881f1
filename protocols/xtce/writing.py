"""A vehicle written as XTCE: its header as the container that all inherit, each packet type as one that restricts it.

What XTCE has no place for (how packets are counted and told apart in a frame, the times of packets) is put beside as
ancillary data, so that reading the file gives a vehicle that decodes the same. What neither says is not written: the
flight, limits that hold in some of its phases only, and the seconds and hysteresis of limits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from protocols.decoder import VehicleDecoder
from protocols.errors import DeclarationError
from protocols.headers import fixed_size
from protocols.leaf import leaves
from protocols.packet import Header, Packet, Pattern, Vehicle
from protocols.xtce.written_entries import Value, elements, values
from protocols.xtce.written_types import ancillary_data, parameter_type

NAMESPACE: Final = "http://www.omg.org/spec/XTCE/20180204"
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA: Final = "https://www.omg.org/spec/XTCE/20180204/SpaceSystem.xsd"
ROOT: Final = "CCSDSPacket"
"""The container all packets inherit; the name that other readers begin with if nobody says another."""


def write_xtce(vehicle: Vehicle, *, arrays: bool = True) -> str:
    """The XTCE document of a vehicle; without arrays, with a parameter for each of their elements.

    Raises DeclarationError on what XTCE cannot say, by packet and field.
    """
    return _Document(vehicle, arrays=arrays).text()


class _Document:
    """The document as far as it is written."""

    def __init__(self, vehicle: Vehicle, *, arrays: bool) -> None:
        _refuse(vehicle)
        self.vehicle, self._values = vehicle, values if arrays else elements
        self._types, self._parameters = Element("ParameterTypeSet"), Element("ParameterSet")
        self._containers = Element("ContainerSet")
        self._names: set[str] = set()

    def text(self) -> str:
        """All of it."""
        vehicle, head = self.vehicle, 0
        if vehicle.header is not None:
            head = fixed_size(vehicle.name, vehicle.frame) + fixed_size(vehicle.name, vehicle.header.layout)
            self._root(vehicle.header, 8 * head)
        for packet in vehicle.packets:
            self._packet(packet, 8 * head)
        schema = {"xmlns:xsi": _INSTANCE, "xsi:schemaLocation": f"{NAMESPACE} {_SCHEMA}"}
        system = Element("SpaceSystem", {"xmlns": NAMESPACE, **schema, "name": vehicle.name})
        told = {"title": vehicle.title, "framing": _plain(vehicle.framing), "synthetic": vehicle.synthetic}
        own = {"vehicle": json.dumps({**told, "source": vehicle.source})}
        if vehicle.header is not None:
            own["header"] = json.dumps(_header(vehicle.header))
        system.extend(ancillary_data(own))
        telemetry = SubElement(system, "TelemetryMetaData")
        telemetry.extend((self._types, self._parameters, self._containers))
        indent(system)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(system, "unicode") + "\n"

    def _root(self, header: Header, end: int) -> None:
        """What every packet begins with."""
        vehicle = self.vehicle
        container = SubElement(self._containers, "SequenceContainer", name=ROOT, abstract="true")
        found, _ = leaves(vehicle.declaration(vehicle.packets[0]))
        inside = [leaf for leaf in found if leaf.path.startswith(("header.", "frame."))]
        keys = {f"header.{path}" for path in header.keys}
        entries = SubElement(container, "EntryList")
        for value in self._values(inside, 0, end, vehicle.name):
            self._entry(entries, "", value, f"{vehicle.name}.header", as_number=value.path in keys)

    def _packet(self, packet: Packet, begin: int) -> None:
        """A packet type: its values behind the header, and which values of that make it this type."""
        where = f"{self.vehicle.name}.{packet.name}"
        container = SubElement(self._containers, "SequenceContainer", name=packet.name)
        if packet.doc:
            container.set("shortDescription", _printable(packet.doc))
        container.extend(ancillary_data({"packet": json.dumps({"time": packet.time, "sequence": packet.sequence})}))
        if packet.rate:
            SubElement(container, "DefaultRateInStream", minimumValue=repr(float(packet.rate)))
        entries = SubElement(container, "EntryList")
        found, size = leaves(self.vehicle.declaration(packet))
        body = [leaf for leaf in found if leaf.place.bit >= begin]
        for value in self._values(body, begin, 8 * size, where):
            self._entry(entries, packet.name, value, where)
        if self.vehicle.header is not None:
            base = SubElement(container, "BaseContainer", containerRef=ROOT)
            comparisons = SubElement(SubElement(base, "RestrictionCriteria"), "ComparisonList")
            for path, key in _keys(self.vehicle.header, packet):
                name = self._name("", f"header.{path}")
                SubElement(comparisons, "Comparison", parameterRef=name, value=str(key), useCalibratedValue="false")

    def _entry(self, entries: Element, packet: str, value: Value, where: str, *, as_number: bool = False) -> None:
        """A value as type, parameter and entry."""
        path = value.path
        name = self._name(packet, path or f"spare_{value.leaf.place.bit}")
        if name in self._names:
            raise DeclarationError(f"{where}.{path}", f"another value would be called {name} too; rename one")
        self._names.add(name)
        kind = self._type(f"{name}_Type", value, f"{where}.{path}", as_number=as_number)
        parameter = SubElement(self._parameters, "Parameter", name=name, parameterTypeRef=kind)
        if value.leaf.doc and path:
            parameter.set("shortDescription", _printable(value.leaf.doc))
        alias = path.removeprefix("header.") if not packet else path
        if alias:
            SubElement(SubElement(parameter, "AliasSet"), "Alias", nameSpace="groundstation", alias=alias)
        else:
            parameter.extend(ancillary_data({"spare": "true"}))
        tag = "ArrayParameterRefEntry" if value.shape else "ParameterRefEntry"
        entry = SubElement(entries, tag, parameterRef=name)
        if value.shape:
            _dimensions(entry, value.shape)

    def _type(self, name: str, value: Value, where: str, *, as_number: bool = False) -> str:
        """Write the type of a value; its name."""
        inner = name if not value.shape else f"{name}_Element"
        if value.members:
            aggregate = Element("AggregateParameterType", name=inner)
            members = SubElement(aggregate, "MemberList")
            for at, member in enumerate(value.members):
                kind = self._type(f"{inner}_{at}", member, f"{where}.{member.path}")
                made = SubElement(members, "Member", name=member.path or f"spare_{at}", typeRef=kind)
                if member.leaf.doc and member.path:
                    made.set("shortDescription", _printable(member.leaf.doc))
                made.extend(ancillary_data({} if member.path else {"spare": "true"}))
            self._types.append(aggregate)
        else:
            self._types.append(parameter_type(inner, value.leaf, where, as_number=as_number))
        if value.shape:
            array = SubElement(self._types, "ArrayParameterType", name=name, arrayTypeRef=inner)
            _dimensions(array, value.shape)
        return name

    @staticmethod
    def _name(packet: str, path: str) -> str:
        """A parameter's name: its packet's and its path."""
        return "_".join(filter(None, (packet, *path.removeprefix("header.").split("."))))


def _refuse(vehicle: Vehicle) -> None:
    """Raise DeclarationError on a vehicle that XTCE has no form for."""
    header = vehicle.header
    if vehicle.frame is not None and header is not None and header.several:
        problem = "a frame has a header and then several packets, for which XTCE has no form"
        raise DeclarationError(f"{vehicle.name}.frame", problem)
    if any(isinstance(packet.key, Pattern) for packet in vehicle.packets):
        problem = "packets are told apart by patterns, as read from XTCE: use the file they were read from"
        raise DeclarationError(vehicle.name, problem)
    for name, decoder in VehicleDecoder(vehicle, "").decoders.items():
        if decoder.layout is None:
            problem = f"its layout depends on the data ({decoder.reason}); only fixed ones are written"
            raise DeclarationError(f"{vehicle.name}.{name}", problem)


def _header(header: Header) -> dict[str, Any]:
    """What is said of a header beyond its fields."""
    return {
        "sequence": header.sequence,
        "sequence_of": list(header.sequence_of),
        "length": header.length,
        "length_bias": header.length_bias,
        "several": header.several,
    }


def _keys(header: Header, packet: Packet) -> list[tuple[str, int]]:
    """The values of the key's fields; bytes as a number."""
    each: tuple[Any, ...] = packet.key if isinstance(packet.key, tuple) else (packet.key,)
    return [
        (path, int.from_bytes(key) if isinstance(key, bytes) else int(key))
        for path, key in zip(header.keys, each, strict=True)
    ]


def _dimensions(of: Element, shape: Sequence[int]) -> None:
    dimensions = SubElement(of, "DimensionList")
    for count in shape:
        dimension = SubElement(dimensions, "Dimension")
        SubElement(SubElement(dimension, "StartingIndex"), "FixedValue").text = "0"
        SubElement(SubElement(dimension, "EndingIndex"), "FixedValue").text = str(count - 1)


def _plain(framing: str | Mapping[str, Any]) -> Any:
    return framing if isinstance(framing, str) else dict(framing)


def _printable(text: str) -> str:
    """A text without what no XML may hold."""
    return "".join(each if each.isprintable() else " " for each in text)
