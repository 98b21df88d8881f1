"""Data encodings as construct nodes of a stream of bits."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import construct as cs

from protocols.curve import Curve
from protocols.xtce.bit_fields import Size
from protocols.xtce.calibrators import data_encoding
from protocols.xtce.document import Element
from protocols.xtce.match import Holds

_FLOATS: Final = {
    (16, False): cs.Float16b, (32, False): cs.Float32b, (64, False): cs.Float64b,
    (16, True): cs.Float16l, (32, True): cs.Float32l, (64, True): cs.Float64l,
}  # fmt: skip
_SIGNED: Final = ("twosComplement", "twosCompliment", "signed")  # the second is XTCE 1.1's, the third nobody's
_UNSIGNED: Final = ("", "unsigned", "signMagnitude", "onesComplement")
_MIL: Final = ("MILSTD_1750A", "MIL-1750A")
_WIDEST: Final = 4_096
"""Bits of a whole number."""
LARGEST: Final = 8 * 65_542
"""Bits of anything else: of the longest space packet."""
UNITS: Final = {"seconds": "s", "second": "s", "picoSeconds": "ps", "days": "d", "months": "months", "years": "a"}
IGNORED: Final = "_yamcs_ignore"
"""The parameter that Yamcs has files name where a string alone tells where it ends."""

if TYPE_CHECKING:
    _Adapter = cs.Adapter[Any, Any, Any, Any]
else:
    _Adapter = cs.Adapter  # generic in the stubs only


@dataclass(frozen=True, slots=True)
class Made:
    """A node, and the bits it takes; None where only the data tell."""

    node: Any
    bits: int | None


class InContext(_Adapter):
    """Counts calibrated by whichever calibrator's conditions hold."""

    def __init__(self, counts: Any, choices: list[tuple[Holds | bool, Curve | None]]) -> None:
        super().__init__(counts)
        self.choices = choices

    def _decode(self, raw: Any, context: Any, path: Any) -> Any:  # noqa: ARG002 construct's interface
        for holds, curve in self.choices:
            if holds is True or (callable(holds) and holds(context)):
                return raw if curve is None else curve(raw)
        return raw

    def _encode(self, value: Any, context: Any, path: Any) -> Any:  # noqa: ARG002 construct's interface
        return value


class Whole:
    """A curve that gives whole numbers."""

    def __init__(self, curve: Curve) -> None:
        self.curve = curve

    def __call__(self, raw: Any) -> int:
        """A whole number of counts."""
        return int(self.curve(raw))

    def inverse(self, value: Any) -> int:
        """Counts of a whole number."""
        return int(self.curve.inverse(value))


def enumeration(node: Any, codes: dict[int, str]) -> Any:
    """An enumeration in which several codes may have one label."""
    made = cs.Enum(node, **{label: code for code, label in reversed(codes.items())})
    made.decmapping = {code: cs.EnumIntegerString.new(code, label) for code, label in codes.items()}
    return made


def encoding_of(kind: Element, *allowed: str) -> Element:
    """A type's encoding. Raises DeclarationError where it has none, or one that is not read for it."""
    found = data_encoding(kind)
    if found is None:
        raise kind.refused("has no data encoding, so it can stand in no packet; add one")
    if found.tag not in allowed:
        raise found.refused(f"of {kind.get('name')} is not read; use {' or '.join(allowed)}")
    if found.get("bitOrder", "mostSignificantBitFirst") != "mostSignificantBitFirst":
        raise found.refused("begins with its least significant bit, which is not read; turn it round")
    if found.first("ErrorDetectCorrect") is not None:
        raise found.one("ErrorDetectCorrect").refused("is not read; declare it as a value of its own")
    return found


def stored_number(encoding: Element) -> Made:
    """A number as it is stored."""
    orders = ("mostSignificantByteFirst", "leastSignificantByteFirst")
    order, how = encoding.get("byteOrder", orders[0]), encoding.get("encoding")
    if order not in orders:
        raise encoding.refused(f"has byteOrder {order!r:.40}; only {' and '.join(orders)} are read")
    little, integer = order == orders[1], encoding.tag == "IntegerDataEncoding"
    bits = encoding.whole("sizeInBits", 8 if integer else 32)
    if integer or how in _MIL:
        if how not in (*_SIGNED, *_UNSIGNED, *_MIL):
            raise encoding.refused(
                f"is encoded as {how!r:.40}; unsigned, twosComplement, signMagnitude, onesComplement"
            )
        if not 0 < bits <= _WIDEST or (how in _MIL and bits != 32):
            raise encoding.refused(f"has {bits} bits; 1 to {_WIDEST:,} are read, of MILSTD_1750A 32")
        if how in _UNSIGNED[2:] and bits > 64:
            raise encoding.refused(f"is {how} of {bits} bits; at most 64 are read so; read it as unsigned")
        if not little or bits <= 8:
            return Made(cs.BitsInteger(bits, signed=how in _SIGNED), bits)
        if bits % 8:
            raise encoding.refused(f"has {bits} bits, the least significant byte first; use whole bytes")
        return Made(cs.Bytewise(cs.BytesInteger(bits // 8, signed=how in _SIGNED, swapped=True)), bits)
    node = _FLOATS.get((bits, little))
    if how not in ("", "IEEE754", "IEEE754_1985", "IEEE-754") or node is None:
        raise encoding.refused(
            f"is {how or 'IEEE754'} of {bits} bits; IEEE754 of 16, 32 and 64 is read, MILSTD_1750A of 32"
        )
    return Made(cs.Bytewise(node), bits)


def refuse_size(element: Element, size: Size) -> None:
    """Raise DeclarationError on a size in bits that no value in a packet has."""
    if isinstance(size, int) and not 0 < size <= LARGEST:
        raise element.refused(f"is {size} bits; no packet holds so many, nor a value none; correct it")


def codec_of(encoding: Element) -> str:
    """Python's name of a text's encoding."""
    told = encoding.get("encoding", "UTF-8")
    big = encoding.get("byteOrder", "mostSignificantByteFirst") == "mostSignificantByteFirst"
    name = {"UTF-16": "utf-16-be" if big else "utf-16-le", "UTF-32": "utf-32-be" if big else "utf-32-le"}.get(
        told, told
    )
    try:
        codec = codecs.lookup(name).name
        b"a".decode(codec, "replace")  # those that make no text of bytes refuse here
    except (LookupError, ValueError):
        raise encoding.refused(f"has encoding {told!r:.40}, which nobody here knows; correct it") from None
    return codec


def terminator_of(element: Element) -> bytes:
    """The bytes that end a text. Raises DeclarationError."""
    try:
        return bytes.fromhex(element.text.strip() or "00")
    except ValueError:
        raise element.refused(f"is {element.text.strip()!r:.40}, not hexadecimal; correct it") from None
