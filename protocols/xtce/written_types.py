"""Values of a packet as XTCE's parameter types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from protocols.curve import Curve, Linear, Polynomial, Table
from protocols.errors import DeclarationError
from protocols.leaf import Kind, Leaf
from protocols.measurement import Band, Measurement
from protocols.xtce.curves import Spline

_ENCODINGS: Final = {"ascii": "US-ASCII", "utf8": "UTF-8", "utf-8": "UTF-8", "utf_8": "UTF-8"}


def parameter_type(name: str, leaf: Leaf, where: str, *, as_number: bool = False) -> Element:
    """The type of a value, without its dimensions; as_number tells bytes as a number, so that readers can compare it.

    Raises DeclarationError on what XTCE cannot say.
    """
    place, measurement = leaf.place, leaf.measurement
    own: dict[str, str] = {}
    if leaf.constant is not None:
        if place.kind not in (Kind.INTEGER, Kind.BYTES) or leaf.labels:
            raise DeclarationError(where, "a constant that is no whole number or bytes cannot be written; take it away")
        own["constant"] = leaf.constant.hex() if isinstance(leaf.constant, bytes) else str(int(leaf.constant))
    if place.kind is Kind.BYTES and (as_number or leaf.constant is not None):
        own["bytes"] = "true"
        made = Element("IntegerParameterType", name=name, signed="false", sizeInBits=str(place.bits))
        _encoded(made, own, "", "IntegerDataEncoding", sizeInBits=str(place.bits), encoding="unsigned")
        return made
    if place.kind is Kind.BYTES:
        return _bytes(name, place.bits, own)
    if place.kind is Kind.TEXT:
        return _text(name, leaf, own)
    if place.kind is Kind.FLAG:
        made = Element("BooleanParameterType", name=name)
        _encoded(made, own, "", "IntegerDataEncoding", sizeInBits=str(place.bits), encoding="unsigned")
        return made
    if leaf.labels:
        return _enumeration(name, leaf, own)
    return _number(name, leaf, measurement, own, where)


def _number(name: str, leaf: Leaf, measurement: Measurement | None, own: Mapping[str, str], where: str) -> Element:
    place, curve = leaf.place, measurement.curve if measurement else None
    if place.kind is Kind.FLOAT or curve is not None:
        made = Element("FloatParameterType", name=name, sizeInBits="32" if place.bits <= 32 and curve is None else "64")
    else:
        signed = "true" if place.signed else "false"
        made = Element("IntegerParameterType", name=name, signed=signed, sizeInBits=str(place.bits))
    order = {"byteOrder": "leastSignificantByteFirst"} if place.little and place.bits > 8 else {}
    unit = measurement.unit if measurement else ""
    if place.kind is Kind.FLOAT:
        encoding = _encoded(
            made, own, unit, "FloatDataEncoding", sizeInBits=str(place.bits), encoding="IEEE754", **order
        )
    else:
        how = "twosComplement" if place.signed else "unsigned"
        encoding = _encoded(made, own, unit, "IntegerDataEncoding", sizeInBits=str(place.bits), encoding=how, **order)
    if curve is not None:
        SubElement(encoding, "DefaultCalibrator").append(_calibrator(curve, where))
    if measurement is not None and not measurement.when and (measurement.yellow or measurement.red):
        made.append(_alarm(measurement))
    return made


def _encoded(made: Element, own: Mapping[str, str], unit: str, tag: str, **attributes: str) -> Element:
    """What every type has: what a file of ours says of it, its unit, its encoding."""
    made.extend(ancillary_data(own))
    units = SubElement(made, "UnitSet")
    if unit:
        SubElement(units, "Unit").text = unit
    return SubElement(made, tag, attributes)


def ancillary_data(told: Mapping[str, str]) -> Iterator[Element]:
    """What XTCE has no place for, for reading the file here again."""
    if told:
        data = Element("AncillaryDataSet")
        for name, value in told.items():
            SubElement(data, "AncillaryData", name=f"groundstation.{name}").text = value
        yield data


def _bytes(name: str, bits: int, own: Mapping[str, str]) -> Element:
    made = Element("BinaryParameterType", name=name)
    encoding = _encoded(made, own, "", "BinaryDataEncoding")
    SubElement(SubElement(encoding, "SizeInBits"), "FixedValue").text = str(bits)
    return made


def _text(name: str, leaf: Leaf, own: Mapping[str, str]) -> Element:
    made = Element("StringParameterType", name=name)
    encoding = _encoded(made, own, "", "StringDataEncoding", encoding=_ENCODINGS.get(leaf.encoding, leaf.encoding))
    size = SubElement(encoding, "SizeInBits")
    SubElement(SubElement(size, "Fixed"), "FixedValue").text = str(leaf.place.bits)
    if leaf.terminated:
        SubElement(size, "TerminationChar").text = "00"
    return made


def _enumeration(name: str, leaf: Leaf, own: Mapping[str, str]) -> Element:
    made = Element("EnumeratedParameterType", name=name)
    place = leaf.place
    how = "twosComplement" if place.signed else "unsigned"
    order = {"byteOrder": "leastSignificantByteFirst"} if place.little and place.bits > 8 else {}
    _encoded(made, own, "", "IntegerDataEncoding", sizeInBits=str(place.bits), encoding=how, **order)
    labels = SubElement(made, "EnumerationList")
    for code, label in leaf.labels.items():
        SubElement(labels, "Enumeration", value=str(code), label=label)
    return made


def _calibrator(curve: Curve, where: str) -> Element:
    match curve:
        case Linear(scale=scale, offset=offset):
            return _polynomial((offset, scale))
        case Polynomial(coefficients=coefficients):
            return _polynomial(coefficients)
        case Table(raw=raw, values=values):  # held constant outside: two more points from which flat lines go on
            ends = ((raw[0] - 1.0, values[0]), *zip(raw, values, strict=True), (raw[-1] + 1.0, values[-1]))
            return _spline(ends, 1, extrapolate=True)
        case Spline(raw=raw, values=values, order=order, extrapolate=extrapolate):
            return _spline(tuple(zip(raw, values, strict=True)), order, extrapolate=extrapolate)
    raise DeclarationError(where, f"its curve, {type(curve).__name__}, cannot be written; use one that XTCE has")


def _polynomial(coefficients: tuple[float, ...]) -> Element:
    made = Element("PolynomialCalibrator")
    for exponent, coefficient in enumerate(coefficients):
        SubElement(made, "Term", coefficient=repr(float(coefficient)), exponent=str(exponent))
    return made


def _spline(points: tuple[tuple[float, float], ...], order: int, *, extrapolate: bool) -> Element:
    made = Element("SplineCalibrator", order=str(order), extrapolate="true" if extrapolate else "false")
    for raw, value in points:
        SubElement(made, "SplinePoint", raw=repr(float(raw)), calibrated=repr(float(value)))
    return made


def _alarm(measurement: Measurement) -> Element:
    alarm = Element("DefaultAlarm", minViolations=str(measurement.persistence))
    ranges = SubElement(alarm, "StaticAlarmRanges")
    for tag, band in (("WarningRange", measurement.yellow), ("CriticalRange", measurement.red)):
        if band is not None:
            SubElement(ranges, tag, _range(band))
    return alarm


def _range(band: Band) -> dict[str, str]:
    low, high = band
    told = {"minInclusive": repr(float(low))} if low > -inf else {}
    return told | ({"maxInclusive": repr(float(high))} if high < inf else {})
