"""Match criteria: comparisons of parameters with values, of a packet being read or as tests of bits at their places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from protocols.curve import Curve, Linear
from protocols.leaf import Kind, Leaf
from protocols.packet import Test
from protocols.patterns import OPERATORS, WIDEST
from protocols.xtce.bit_fields import Context, lookup, plain
from protocols.xtce.document import Element

if TYPE_CHECKING:
    from protocols.xtce.scope import Scope
    from protocols.xtce.space_system import SpaceSystem

_SPELLED: Final = {"eq": "==", "neq": "!=", "lt": "<", "leq": "<=", "gt": ">", "geq": ">="}
_EXACT: Final = ("==", "!=")


@dataclass(frozen=True, slots=True)
class Instance:
    """A parameter's value in the packet."""

    path: tuple[str, ...]
    """Where it is among the packet's values; empty for one that no packet carries."""
    type: Element
    """Its type, what it inherits included."""
    curve: Curve | None
    """What makes of its counts the value."""
    constant: str
    """The value of one that no packet carries; empty where it has none."""

    def value(self, context: Context, *, calibrated: bool) -> Any:
        """Its value in a packet being read, codes for labels; as stored if not calibrated."""
        value = plain(lookup(context, self.path))
        if calibrated or self.curve is None:
            return value
        return round(self.curve.inverse(value))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A parameter, an operator and what is on its other side."""

    element: Element
    """Where it is written."""
    instance: Instance
    operator: str
    wanted: Any
    """A number, a text, bytes; the codes of a label; or another instance."""
    calibrated: bool

    def holds(self, context: Context) -> bool:
        """Whether it is so in a packet being read."""
        return self._compare(self.instance.value(context, calibrated=self.calibrated), context)

    def holds_of(self, raw: Any) -> bool:
        """Whether it is so where the value is this one."""
        return self._compare(raw, None)

    def _compare(self, value: Any, context: Context) -> bool:
        wanted = self.wanted
        if isinstance(wanted, frozenset):
            return (value in wanted) == (self.operator == "==")
        if isinstance(wanted, Instance):
            wanted = wanted.value(context, calibrated=True)
        if isinstance(value, (str, bytes)) != isinstance(wanted, (str, bytes)):
            return self.operator == "!="
        return bool(OPERATORS[self.operator](value, wanted))

    @property
    def constant(self) -> bool | None:
        """Whether it always holds or never does, of a parameter that no packet carries; None of any other.

        Raises DeclarationError where such a parameter has no value.
        """
        if self.instance.path:
            return None
        if not self.instance.constant:
            name = self.element.get("parameterRef") or "a parameter"
            raise self.element.refused(f"looks at {name}, which stands nowhere before it in the packet; correct it")
        value = wanted_of(self.element, self.instance.type, self.instance.constant, calibrated=True)
        return any(self.holds_of(each) for each in value) if isinstance(value, frozenset) else self.holds_of(value)

    def test(self, leaf: Leaf) -> Test:
        """The same as a test of the bits at the parameter's place. Raises DeclarationError where it is none."""
        place, wanted, operator = leaf.place, self.wanted, self.operator
        if isinstance(wanted, frozenset) and len(wanted) == 1:
            (wanted,) = wanted
        if place.kind is Kind.FLAG and place.bits > 1:
            operator, wanted = ("!=" if bool(wanted) == (operator == "==") else "=="), 0
        if isinstance(wanted, (str, bytes)):
            told = wanted.encode() if isinstance(wanted, str) else wanted
            wanted = int.from_bytes(told.ljust(place.bits // 8, b"\0"))
        elif place.little and place.bits > 8 and isinstance(wanted, int) and operator in _EXACT:
            wanted = int.from_bytes((wanted % (1 << place.bits)).to_bytes(place.bits // 8, "little"))
        elif place.little and place.bits > 8:
            raise self.element.refused("compares a little-endian number by size; compare it by == or !=")
        curve = leaf.measurement.curve if leaf.measurement and self.calibrated else None
        if not isinstance(wanted, (int, float)) or place.kind is Kind.FLOAT or place.shape or place.bits > WIDEST:
            problem = f"cannot tell packets apart: use a whole number of at most {WIDEST} bits and a value of it"
            raise self.element.refused(problem)
        signed = place.signed and not (place.little and place.bits > 8)
        bare = type(place)(Kind.INTEGER, place.bit, place.bits, signed=signed)
        return Test(".".join(self.instance.path), bare, operator, wanted, curve)


Criterion = Comparison | bool
"""A comparison, or what it comes to in every packet."""
Holds = Callable[[Context], bool]


def comparisons(of: Element, scope: Scope, system: SpaceSystem) -> list[Comparison]:
    """Comparisons that all have to hold: of a Comparison, a ComparisonList or a BooleanExpression of ANDed ones.

    Raises DeclarationError on anything else.
    """
    found: list[Comparison] = []
    for each in of:
        match each.tag:
            case "Comparison":
                found.append(_comparison(each, scope, system))
            case "ComparisonList" | "BooleanExpression" | "ANDedConditions":
                found += comparisons(each, scope, system)
            case "Condition":
                found.append(_condition(each, scope, system))
            case "AncillaryDataSet":
                pass
            case _:
                raise each.refused("is no criterion that is read here; use comparisons that all have to hold")
    return found


def condition(of: Element, scope: Scope, system: SpaceSystem) -> Holds | bool:
    """Whether criteria hold, as a function of a packet being read, or for all packets; ORed ones too."""
    parts: list[Holds | bool] = []
    for each in of:
        if each.tag in ("Comparison", "Condition"):
            made = (_comparison if each.tag == "Comparison" else _condition)(each, scope, system)
            parts.append(made.holds if made.constant is None else made.constant)
        elif each.tag in ("ComparisonList", "BooleanExpression", "ANDedConditions", "ORedConditions"):
            parts.append(condition(each, scope, system))
        elif each.tag != "AncillaryDataSet":
            raise each.refused("is no criterion that is read here; use comparisons and boolean expressions")
    return _any(parts) if of.tag == "ORedConditions" else all_of(parts)


def all_of(parts: list[Holds | bool]) -> Holds | bool:
    """Whether all hold."""
    if any(part is False for part in parts):
        return False
    left = [part for part in parts if callable(part)]
    return (lambda context: all(part(context) for part in left)) if left else True


def _any(parts: list[Holds | bool]) -> Holds | bool:
    if any(part is True for part in parts):
        return True
    left = [part for part in parts if callable(part)]
    return (lambda context: any(part(context) for part in left)) if left else False


def _comparison(element: Element, scope: Scope, system: SpaceSystem) -> Comparison:
    calibrated = element.flag("useCalibratedValue", default=True)
    instance = scope.instance(element, system)
    wanted = wanted_of(element, instance.type, element.need("value"), calibrated=calibrated)
    return _made(element, instance, element.get("comparisonOperator", "=="), wanted, calibrated=calibrated)


def _condition(element: Element, scope: Scope, system: SpaceSystem) -> Comparison:
    """A Condition: a parameter, an operator, a value or another parameter."""
    left, right = element.one("ParameterInstanceRef"), element.all("ParameterInstanceRef")[1:]
    calibrated = left.flag("useCalibratedValue", default=True)
    instance, wanted = scope.instance(left, system), None
    if right:
        other = scope.instance(right[0], system)
        if not right[0].flag("useCalibratedValue", default=True) and other.curve is not None:
            raise right[0].refused("is compared as stored; compare its calibrated value")
        wanted = other if other.path else wanted_of(right[0], other.type, other.constant, calibrated=True)
    else:
        wanted = wanted_of(element, instance.type, element.one("Value").text, calibrated=calibrated)
    operator = element.one("ComparisonOperator").text.strip()
    return _made(element, instance, operator, wanted, calibrated=calibrated)


def _made(element: Element, instance: Instance, operator: str, wanted: Any, *, calibrated: bool) -> Comparison:
    operator = _SPELLED.get(operator, operator)
    if operator not in OPERATORS:
        raise element.refused(f"has {operator!r:.20}, no comparison; use one of {', '.join(OPERATORS)}")
    if isinstance(wanted, frozenset) and operator not in _EXACT:
        raise element.refused("compares a label by size; compare it by == or !=, or the value as stored")
    if not calibrated and instance.curve is not None and not isinstance(instance.curve, Linear):
        raise element.refused("compares counts whose calibration has no inverse; compare the calibrated value")
    return Comparison(element, instance, operator, wanted, calibrated)


def wanted_of(element: Element, kind: Element, text: str, *, calibrated: bool) -> Any:
    """What a parameter of a type is compared with: a number, a text, bytes, or the codes that a label has.

    Raises DeclarationError on a text that is no value of the type.
    """
    text = text.strip()
    try:
        if kind.tag.startswith("String"):
            return text
        if kind.tag.startswith("Binary"):
            return bytes.fromhex(text.removeprefix("0x"))
        if kind.tag.startswith("Boolean") and (codes := _truth(kind, text)) is not None:
            return codes
        if kind.tag.startswith("Enumerated") and calibrated:
            return labelled(element, kind, text)
        return whole(text)
    except (ValueError, OverflowError):
        raise element.refused(f"compares with {text!r:.40}, no value of {kind.get('name')}; correct it") from None


def whole(text: str) -> float:
    """A number, whole where it is. Raises ValueError or OverflowError where it is none."""
    try:
        return int(text, 16 if text.lower().startswith("0x") else 10)
    except ValueError:
        number = float(text)
        return int(number) if number == int(number) else number


def _truth(kind: Element, text: str) -> int | None:
    texts = (kind.get("zeroStringValue", "False").lower(), kind.get("oneStringValue", "True").lower())
    if text.lower() in texts:
        return texts.index(text.lower())
    return {"false": 0, "true": 1}.get(text.lower())


def labelled(element: Element, kind: Element, label: str) -> frozenset[int]:
    """The codes that have a label. Raises DeclarationError where none has."""
    known = kind.one("EnumerationList").all("Enumeration")
    found = [each for each in known if each.get("label") == label]
    if not found:
        labels = ", ".join(each.get("label") for each in known[:6])
        raise element.refused(f"compares with {label!r:.40}, no label of {kind.get('name')}; it has {labels}")
    codes = ((each.whole("value"), each.whole("maxValue", each.whole("value"))) for each in found)
    return frozenset(code for low, high in codes for code in range(low, min(high, low + WIDEST_RANGE) + 1))


WIDEST_RANGE: Final = 4_096
"""Codes that one label may have."""
