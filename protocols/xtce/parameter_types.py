"""Parameter types as construct nodes of a stream of bits."""

from __future__ import annotations

from math import prod
from typing import Any

import construct as cs

from protocols.curve import Curve, Linear
from protocols.measurement import Measurement
from protocols.terminated_text import TerminatedText
from protocols.xtce.alarms import limits
from protocols.xtce.bit_fields import Octets, Size, Text, counted
from protocols.xtce.calibrators import chained, curve_of, default_curve, stored_curve
from protocols.xtce.curves import Truth
from protocols.xtce.document import Element
from protocols.xtce.encodings import (
    IGNORED,
    LARGEST,
    UNITS,
    InContext,
    Made,
    Whole,
    codec_of,
    encoding_of,
    enumeration,
    refuse_size,
    stored_number,
    terminator_of,
)
from protocols.xtce.match import WIDEST_RANGE, Holds, all_of, condition
from protocols.xtce.scope import Scope
from protocols.xtce.space_system import Found, SpaceSystem, ancillary, description

_MOST_CODES = 1 << 20
"""Codes of an enumeration that have labels."""


class TypeBuilder:
    """Makes nodes of types at one place of a packet."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def build(self, kind: Found) -> Made:
        """The node of a type. Raises DeclarationError on what is not read."""
        with self.scope.within(kind.element):
            return self._build(kind)

    def _build(self, kind: Found) -> Made:
        element = kind.element
        match element.tag:
            case "IntegerParameterType" | "FloatParameterType":
                unit = element.first("UnitSet", "Unit")
                return self._number(kind, " ".join(unit.text.split()) if unit is not None else "")
            case "AbsoluteTimeParameterType" | "RelativeTimeParameterType":
                told = element.one("Encoding").get("units", "seconds")
                return self._number(kind, UNITS.get(told, told))
            case "EnumeratedParameterType":
                return self._enumeration(kind)
            case "BooleanParameterType":
                return self._boolean(kind)
            case "StringParameterType":
                return self._text(kind)
            case "BinaryParameterType":
                return self._binary(kind)
            case "AggregateParameterType":
                return self._aggregate(kind)
            case "ArrayParameterType":
                return self.array(kind, element)
        raise element.refused("is no parameter type that is read; use another")

    def array(self, kind: Found, dimensions: Element) -> Made:
        """An array type, its dimensions as an element tells them. Raises DeclarationError where they are not told."""
        inside = self.build(self.scope.types.named(kind.element.need("arrayTypeRef"), kind.element, kind.system))
        told = dimensions.first("DimensionList") or kind.element.first("DimensionList")
        if told is None or not told.children:
            raise dimensions.refused("has no DimensionList, so nobody knows how long it is; add one")
        sizes = [self._dimension(each, kind.system) for each in told]
        node = inside.node
        for size in reversed(sizes):
            node = cs.Array(counted(size), node)
        if inside.bits is None or not all(isinstance(size, int) for size in sizes):
            return Made(node, None)
        bits = inside.bits * prod(size for size in sizes if isinstance(size, int))
        if not 0 < bits <= LARGEST:
            raise dimensions.refused(f"has {bits} bits; no packet is so long, nor is an array of nothing one")
        return Made(node, bits)

    def _dimension(self, element: Element, system: SpaceSystem) -> Size:
        """Elements of a dimension: from its first index to its last, or as its size."""
        if element.tag == "Size":
            return self.integer(element, system)
        first, last = element.first("StartingIndex"), self.integer(element.one("EndingIndex"), system)
        start = self.integer(first, system) if first is not None else 0
        if isinstance(start, int) and isinstance(last, int):
            return last - start + 1
        return lambda context: _value(last, context) - _value(start, context) + 1

    def integer(self, element: Element, system: SpaceSystem) -> Size:
        """An IntegerValue: fixed, or told by a parameter, or looked up. Raises DeclarationError on another."""
        for each in element:
            match each.tag:
                case "FixedValue":
                    return each.count()
                case "DynamicValue":
                    return self._dynamic(each, system)
                case "DiscreteLookupList":
                    return self._lookup(each, system)
        raise element.refused("is given by nothing that is read; use FixedValue, DynamicValue or DiscreteLookupList")

    def _dynamic(self, element: Element, system: SpaceSystem) -> Size:
        reference, adjustment = element.one("ParameterInstanceRef"), element.first("LinearAdjustment")
        instance = self.scope.instance(reference, system)
        calibrated = reference.flag("useCalibratedValue", default=True)
        slope = adjustment.number("slope", 1.0) if adjustment is not None else 1.0
        intercept = adjustment.number("intercept", 0.0) if adjustment is not None else 0.0
        if not instance.path:
            raise reference.refused(
                f"refers to {reference.get('parameterRef')}, not before it in the packet; correct it"
            )
        if not calibrated and instance.curve is not None and not isinstance(instance.curve, Linear):
            raise reference.refused("uses counts whose calibration has no inverse; use the calibrated value")

        def size(context: Any) -> int:
            try:
                return int(slope * instance.value(context, calibrated=calibrated) + intercept)
            except (TypeError, ValueError, OverflowError) as error:
                raise cs.StreamError(f"no size: {error}") from None

        return size

    def _lookup(self, element: Element, system: SpaceSystem) -> Size:
        choices = [(condition(each, self.scope, system), each.whole("value")) for each in element.all("DiscreteLookup")]

        def size(context: Any) -> int:
            for holds, value in choices:
                if holds is True or (callable(holds) and holds(context)):
                    return value
            raise cs.StreamError("no size fits")

        return size

    def _number(self, kind: Found, unit: str) -> Made:
        encoding = encoding_of(kind.element, "IntegerDataEncoding", "FloatDataEncoding")
        made = stored_number(encoding)
        constant = ancillary(kind.element, "groundstation.constant")
        if ancillary(kind.element, "groundstation.bytes") is not None:
            node: Any = cs.Bytewise(cs.Bytes((made.bits or 0) // 8))
            return Made(node if constant is None else cs.Const(bytes.fromhex(constant), node), made.bits)
        bands = limits(kind.element)
        contexts = encoding.first("ContextCalibratorList")
        if contexts is None:
            node = made.node if constant is None else cs.Const(int(constant), made.node)
            return Made(Measurement(node, unit, default_curve(kind.element), **bands), made.bits)
        stored = stored_curve(encoding)
        choices: list[tuple[Holds | bool, Curve | None]] = []
        for each in contexts.all("ContextCalibrator"):
            holds = condition(each.one("ContextMatch"), self.scope, kind.system)
            choices.append((holds, chained(stored, curve_of(each.one("Calibrator")))))
        choices.append((True, default_curve(kind.element)))
        return Made(Measurement(InContext(made.node, choices), unit, None, **bands), made.bits)

    @staticmethod
    def _enumeration(kind: Found) -> Made:
        encoding = encoding_of(kind.element, "IntegerDataEncoding")
        made, curve = stored_number(encoding), stored_curve(encoding)
        codes: dict[int, str] = {}
        for each in kind.element.one("EnumerationList").all("Enumeration"):
            low = each.whole("value")
            high = each.whole("maxValue", low)
            if not low <= high <= low + WIDEST_RANGE:
                raise each.refused(f"is of {low} to {high}; give a label to at most {WIDEST_RANGE:,} codes")
            codes |= dict.fromkeys(range(low, high + 1), each.need("label"))
            if len(codes) > _MOST_CODES:
                raise kind.element.refused(f"has labels for more than {_MOST_CODES:,} codes; leave some out")
        node = made.node if curve is None else InContext(made.node, [(True, Whole(curve))])
        return Made(enumeration(node, codes), made.bits)

    @staticmethod
    def _boolean(kind: Found) -> Made:
        encoding = encoding_of(kind.element, "IntegerDataEncoding")
        made, texts = stored_number(encoding), ("zeroStringValue", "oneStringValue")
        if made.bits != 1:
            node = cs.Bytewise(cs.Flag) if made.bits == 8 else Measurement(made.node, "", Truth())
            return Made(node, made.bits)
        if not any(text in kind.element.attributes for text in texts):
            return Made(cs.Flag, 1)
        labels = kind.element.get(texts[0], "False"), kind.element.get(texts[1], "True")
        return Made(enumeration(made.node, dict(enumerate(labels))), 1)

    def _text(self, kind: Found) -> Made:
        encoding = encoding_of(kind.element, "StringDataEncoding")
        codec = codec_of(encoding)
        buffer = encoding.first("SizeInBits") or encoding.first("Variable")
        if buffer is None:
            raise encoding.refused("has neither SizeInBits nor Variable; add one")
        leading, ending = buffer.first("LeadingSize"), buffer.first("TerminationChar")
        tag = leading.whole("sizeInBitsOfSizeTag", 16) if leading is not None else 0
        if leading is not None and not 0 < tag <= 64:
            raise leading.refused(f"has a size of {tag} bits; give 1 to 64")
        terminator = terminator_of(ending) if ending is not None and not tag else b""
        size = self._buffer(buffer, kind.system)
        if size is None and not tag and not terminator:
            raise buffer.refused("does not tell where the text ends; add a LeadingSize or a TerminationChar")
        plain = codec in ("ascii", "utf-8") and not tag and terminator in (b"", b"\0")
        if not isinstance(size, int) or size % 8 or not plain:
            return Made(Text(size, codec, tag, terminator), size if isinstance(size, int) else None)
        buffer_of = TerminatedText if terminator else cs.PaddedString
        return Made(cs.Bytewise(buffer_of(size // 8, "ascii" if codec == "ascii" else "utf8")), size)

    def _buffer(self, element: Element, system: SpaceSystem) -> Size | None:
        """Bits of a text's buffer; None where the text itself tells."""
        if element.tag == "SizeInBits":
            fixed = element.first("Fixed") or element
            size = self.integer(fixed, system)
            refuse_size(fixed, size)
            return size
        reference = element.first("DynamicValue", "ParameterInstanceRef")
        if reference is not None and reference.get("parameterRef") == IGNORED:
            return None
        return self.integer(element, system)

    def _binary(self, kind: Found) -> Made:
        encoding = encoding_of(kind.element, "BinaryDataEncoding")
        for each in encoding:
            if each.tag == "FromBinaryTransformAlgorithm":
                raise each.refused("is an algorithm, which is not run; take it away and read the bytes")
        sized = encoding.one("SizeInBits")
        size = self.integer(sized, kind.system)
        if not isinstance(size, int):
            return Made(Octets(size), None)
        refuse_size(sized, size)
        whole = cs.Bytewise(cs.Bytes(size // 8)) if size % 8 == 0 else Octets(size)
        return Made(whole, size)

    def _aggregate(self, kind: Found) -> Made:
        parts, bits = [], [0]
        with self.scope.members() as known:
            for each in kind.element.one("MemberList").all("Member"):
                found = self.scope.types.named(each.need("typeRef"), each, kind.system)
                made = self.build(found)
                if ancillary(each, "groundstation.spare") is not None:
                    parts.append(cs.Padding(made.bits or 0))
                else:
                    parts.append(each.need("name") / made.node * (description(each) or description(found.element)))
                known[each.need("name")] = found
                bits.append(-1 if made.bits is None else made.bits)
        if not parts:
            raise kind.element.refused("has no members; add one")
        return Made(cs.Struct(*parts), None if -1 in bits else sum(bits))


def _value(size: Size, context: Any) -> int:
    return size if isinstance(size, int) else size(context)


def conditions(entry: Element, scope: Scope, system: SpaceSystem) -> Holds | bool:
    """Whether an entry is there."""
    return all_of([condition(each, scope, system) for each in entry.all("IncludeCondition")])
