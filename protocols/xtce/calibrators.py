"""Calibrators and the scales of times, as curves."""

from __future__ import annotations

from itertools import pairwise

from protocols.curve import Curve, Linear, Polynomial, Table
from protocols.xtce.curves import Chain, Mil1750A, OnesComplement, SignMagnitude, Spline
from protocols.xtce.document import Element

_SHORT = 3
"""Points that are no table any more without the first and the last."""
_MOST_TERMS = 32
"""Highest power of a polynomial: what is beyond overflows for any counts."""


def default_curve(kind: Element) -> Curve | None:
    """The curve of a numeric type: how its numbers are encoded, then calibrated; None where counts are the value."""
    encoding = data_encoding(kind)
    if encoding is None:
        return None
    stored = stored_curve(encoding)
    calibrator = encoding.first("DefaultCalibrator")
    curve = curve_of(calibrator) if calibrator is not None else None
    return chained(chained(stored, curve), _time_scale(kind))


def data_encoding(kind: Element) -> Element | None:
    """How a type is encoded; None for one that stands in no packet. Of a time, what its Encoding holds."""
    place = kind.first("Encoding") or kind
    return next((each for each in place if each.tag.endswith("DataEncoding")), None)


def chained(first: Curve | None, then: Curve | None) -> Curve | None:
    """One curve behind another."""
    return Chain(first, then) if first is not None and then is not None else first or then


def _time_scale(kind: Element) -> Curve | None:
    """``offset + scale * counts`` of a time."""
    encoding = kind.first("Encoding")
    if encoding is None:
        return None
    scale, offset = encoding.number("scale", 1.0), encoding.number("offset", 0.0)
    return Linear(scale, offset) if (scale, offset) != (1.0, 0.0) else None


def stored_curve(encoding: Element) -> Curve | None:
    """What makes numbers of counts that no machine stores so; None where there is nothing to do."""
    bits = encoding.whole("sizeInBits", 8 if encoding.tag == "IntegerDataEncoding" else 32)
    match encoding.get("encoding"):
        case "signMagnitude":
            return SignMagnitude(bits)
        case "onesComplement":
            return OnesComplement(bits)
        case "MILSTD_1750A" | "MIL-1750A":
            return Mil1750A()
    return None


def curve_of(calibrator: Element) -> Curve:
    """The curve that an element holds. Raises DeclarationError on a kind that is not read, and on one that is none."""
    for each in calibrator:
        if each.tag == "PolynomialCalibrator":
            return _polynomial(each)
        if each.tag == "SplineCalibrator":
            return _spline(each)
        if each.tag not in ("AncillaryDataSet", "LongDescription", "AliasSet"):
            raise each.refused("is not read; use a polynomial or a spline")
    raise calibrator.refused("holds no calibrator; add a polynomial or a spline, or take it away")


def _polynomial(element: Element) -> Curve:
    powers: dict[int, float] = {}
    for term in element.all("Term"):
        power = term.whole("exponent")
        if not 0 <= power <= _MOST_TERMS:
            raise term.refused(f"has exponent {power}; use 0 to {_MOST_TERMS}")
        powers[power] = powers.get(power, 0.0) + term.number("coefficient")
    coefficients = tuple(powers.get(power, 0.0) for power in range(max(powers, default=-1) + 1))
    if not coefficients:
        raise element.refused("has no Term; add one")
    if len(coefficients) == 2:
        return Linear(coefficients[1], coefficients[0])
    return Polynomial(coefficients)


def _spline(element: Element) -> Curve:
    points = sorted((point.number("raw"), point.number("calibrated")) for point in element.all("SplinePoint"))
    order, extrapolate = element.whole("order", 1), element.flag("extrapolate", default=False)
    if len(points) < 2 or any(one[0] >= other[0] for one, other in pairwise(points)):
        raise element.refused("needs two points or more, each of other counts; correct it")
    if order not in (0, 1):
        raise element.refused(f"has order {order}; steps and straight lines are read, order 0 and 1")
    raw, values = tuple(point[0] for point in points), tuple(point[1] for point in points)
    if order and extrapolate and values[0] == values[1] and values[-1] == values[-2]:  # goes on as it is: a table
        ends = slice(1, -1) if len(raw) > _SHORT else slice(None)  # which needs no points to be held constant by
        return Table(raw[ends], values[ends])
    return Spline(raw, values, order, extrapolate)
