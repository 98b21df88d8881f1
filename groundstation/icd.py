"""A vehicle's interface page, made from its declaration: what lies where in every packet, and what it means.

Markdown, in the order of the declarations. ``python docs/make.py`` writes those of the vehicles that come with the
project; ``groundstation icd VEHICLE`` prints one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf, isclose

from protocols.batch import Field
from protocols.curve import Curve, Linear, Polynomial, Table
from protocols.decoder import PacketDecoder, VehicleDecoder
from protocols.flight import Above, Below, Condition, Equals, Falls, Flight, Rises
from protocols.headers import fixed_size
from protocols.leaf import Leaf
from protocols.measurement import Band
from protocols.packet import Key, Pattern, Vehicle

_HEADINGS = ("Place", "Name", "Type", "Unit", "Value", "Limits", "Meaning")
_LONG = 8
"""Characters from which a factor is likely the inverse of a rounder number."""
_HOW_TO_READ = """\
A place is *byte.bit* from the packet's first byte, headers included; no bit where the value begins a byte. Bits count
from a byte's highest, in little-endian words (*le*) from its lowest. A type is its kind and width in bits: `u`
unsigned, `i` signed, `f` floating; `bytes` and `text` in bytes; × 10 is an array of ten. Where no value is given the
counts are the value. Limits name the band in order: outside of it an alarm is raised."""


def page(vehicle: Vehicle) -> str:
    """The page of a vehicle, Markdown. Raises DeclarationError on a declaration that cannot be decoded."""
    decoders = VehicleDecoder(vehicle, "").decoders
    tables: dict[Table, int] = {}
    parts = [*_opening(vehicle), _HOW_TO_READ, *_overview(vehicle, decoders), *_headers(vehicle, decoders, tables)]
    for decoder in decoders.values():
        parts += _packet(vehicle, decoder, tables)
    parts += _flight(vehicle.flight) if vehicle.flight else ()
    parts += _points(tables)
    return "\n\n".join(parts) + "\n"


def _opening(vehicle: Vehicle) -> Iterator[str]:
    yield f"# {vehicle.title}: telemetry"
    yield f"<!-- Made from the declaration of vehicle {vehicle.name}: change that, and run make docs. -->"
    if vehicle.synthetic:
        yield "**Synthetic: this telemetry is made up.**"
    yield f"Source: {vehicle.source or 'not said'}."
    framing = vehicle.framing if isinstance(vehicle.framing, Mapping) else {"kind": vehicle.framing}
    options = ", ".join(f"{name} `{value}`" for name, value in framing.items() if name != "kind")
    yield f"Framing: `{framing['kind']}`" + (f", {options}." if options else ".")


def _overview(vehicle: Vehicle, decoders: Mapping[str, PacketDecoder]) -> Iterator[str]:
    yield "## Packets"
    rows = []
    for packet in vehicle.packets:
        layout = decoders[packet.name].layout
        size = f"{layout.size}" if layout else "varies"
        rate = f"{packet.rate:g} Hz" if packet.rate else ""
        time = " + ".join(f"`{path}`" for path in packet.time)
        rows.append((f"[{packet.name}](#{packet.name})", _key(packet.key), size, rate, time, packet.doc))
    yield _table(("Packet", "Key", "Bytes", "Rate", "Time", "Meaning"), rows)


def _headers(vehicle: Vehicle, decoders: Mapping[str, PacketDecoder], tables: dict[Table, int]) -> Iterator[str]:
    """What every packet begins with, once for all: the frame's header and the packet's own."""
    if vehicle.frame is None and vehicle.header is None:
        return
    yield "## Headers"
    if vehicle.frame is not None:
        size = fixed_size(f"{vehicle.name}.frame", vehicle.frame)
        yield f"A frame begins with the {size} bytes of `frame`, once for all packets in it."
    if vehicle.header is not None:
        header = vehicle.header
        fields = " and ".join(f"`header.{path}`" for path in header.keys)
        told = [f"Packets are told apart by {fields or 'what the key of each says, in this order'}"]
        told += [f"`header.{header.sequence}` counts those of each key and shows gaps"] if header.sequence else []
        if header.length:
            bias = f" {header.length_bias:+d}" if header.length_bias else ""
            told.append(f"the body has `header.{header.length}`{bias} bytes")
        told.append("several may follow each other in a frame" if header.several else "a frame holds one")
        yield "; ".join(told) + "."
    decoder = next(iter(decoders.values()))
    yield _fields(decoder, tables, lambda path: path.startswith(("frame.", "header.")))


def _packet(vehicle: Vehicle, decoder: PacketDecoder, tables: dict[Table, int]) -> Iterator[str]:
    packet, heads = decoder.packet, vehicle.frame is not None or vehicle.header is not None
    yield f"## {packet.name}"
    yield f"{packet.doc[:1].upper()}{packet.doc[1:]}." if packet.doc else f"Key {_key(packet.key)}."
    if decoder.layout is None:
        yield f"Its layout depends on the data ({decoder.reason}), so construct decodes it packet by packet."
    if packet.sequence:
        yield f"`{packet.sequence}` counts these packets and shows gaps."
    yield _fields(decoder, tables, lambda path: not heads or not path.startswith(("frame.", "header.")))


def _fields(decoder: PacketDecoder, tables: dict[Table, int], wanted: Callable[[str], bool]) -> str:
    leaves = decoder.layout.leaves if decoder.layout else decoder.objects.leaves if decoder.objects else {}
    rows = [_row(field, leaves[path], tables) for path, field in decoder.fields.items() if wanted(path)]
    used = [bool(any(row[place] for row in rows)) or name in ("Name", "Type") for place, name in enumerate(_HEADINGS)]
    return _table(_kept(_HEADINGS, used), [_kept(row, used) for row in rows])


def _kept(cells: Sequence[str], used: Sequence[bool]) -> tuple[str, ...]:
    return tuple(cell for cell, keep in zip(cells, used, strict=True) if keep)


def _row(field: Field, leaf: Leaf, tables: dict[Table, int]) -> tuple[str, ...]:
    byte, bit = divmod(field.bit, 8)
    place = "" if field.bit < 0 else f"{byte}.{bit}" if bit or field.bits % 8 else f"{byte}"
    kind = f"{field.raw_type or 'varies'}{' le' if leaf.place.little and field.bits != 8 else ''}"
    size = " × ".join(("", *map(str, field.shape)))
    labels = ", ".join(f"{code} {label}" for code, label in field.labels.items())
    curve = leaf.measurement.curve if leaf.measurement else None
    constant = f"always `{leaf.constant!r}`" if leaf.constant is not None else ""
    meaning = ": ".join(filter(None, (field.doc, labels)))
    return place, f"`{field.path}`", kind + size, field.unit, constant or _value(curve, tables), _limits(field), meaning


def _value(curve: Curve | None, tables: dict[Table, int]) -> str:
    """How counts n become the value."""
    match curve:
        case None:
            return ""
        case Linear(scale=scale, offset=offset):
            return _sum((("n", scale), ("", offset)))
        case Polynomial(coefficients=coefficients):
            powers = ["", "n", *(f"n^{power}" for power in range(2, len(coefficients)))]
            return _sum(zip(powers, coefficients, strict=False))
        case Table():
            return f"[table {tables.setdefault(curve, len(tables) + 1)}](#tables)"
    return type(curve).__name__


def _sum(terms: Iterable[tuple[str, float]]) -> str:
    """``0.25 n - 100`` of powers and their factors."""
    told = ""
    for power, factor in terms:
        if factor:
            sign = ("-" if factor < 0 else "") if not told else (" - " if factor < 0 else " + ")
            told += sign + (_times(abs(factor), power) if power else _number(abs(factor)))
    return told or "0"


def _times(factor: float, power: str) -> str:
    """``0.25 n``; ``n / 65536`` where that is what was meant."""
    direct, divided = _number(factor), _number(1 / factor)
    if factor == 1:
        return power
    if len(direct) > _LONG and len(divided) < len(direct) and isclose(1 / float(divided), factor, rel_tol=1e-15):
        return f"{power} / {divided}"
    return f"{direct} {power}"


def _number(value: float) -> str:
    return f"{value:.10g}"


def _limits(field: Field) -> str:
    bands = [f"{level} {_band(band)}" for level, band in (("yellow", field.yellow), ("red", field.red)) if band]
    if not bands:
        return ""
    after = [f"{field.persistence} samples"] if field.persistence > 1 else []
    after += [f"{field.persistence_s:g} s"] if field.persistence_s else []
    told = [*bands, f"after {' and '.join(after)}" if after else ""]
    told.append(f"back inside by {field.hysteresis:g}" if field.hysteresis else "")
    told.append(f"in {' or '.join(field.when)}" if field.when else "")
    return ", ".join(filter(None, told))


def _band(band: Band) -> str:
    low, high = band
    if low == -inf:
        return f"up to {_number(high)}"
    return f"from {_number(low)}" if high == inf else f"{_number(low)} to {_number(high)}"


def _flight(flight: Flight) -> Iterator[str]:
    yield "## Flight"
    yield f"The flight begins in phase {flight.first}; T-0 is {flight.t0}. Any one of an event's conditions is enough."
    rows = [(each.event, each.phase, "; ".join(map(_condition, each.when))) for each in flight.transitions]
    yield _table(("Event", "Begins phase", "When"), rows)


def _condition(condition: Condition) -> str:
    name = f"`{condition.measurement}`"
    match condition:
        case Above(value=value, seconds=seconds) | Below(value=value, seconds=seconds):
            side = "over" if isinstance(condition, Above) else "under"
            return f"{name} {side} {value:g}" + (f" for {seconds:g} s" if seconds else "")
        case Equals(value=value):
            return f"{name} is {value:g}"
        case Rises(amount=amount) | Falls(amount=amount):
            return f"{name} {'rises' if isinstance(condition, Rises) else 'falls'} by {amount:g}"
    return f"{name} within {condition.within:g} for {condition.seconds:g} s"


def _points(tables: Mapping[Table, int]) -> Iterator[str]:
    if not tables:
        return
    yield "## Tables"
    yield "Straight lines between these points, held constant outside of them; *counts: value*."
    for table, number in tables.items():
        points = (f"{_number(raw)}: {_number(value)}" for raw, value in zip(table.raw, table.values, strict=True))
        yield f"Table {number}. {', '.join(points)}"


def _key(key: Key | None) -> str:
    if key is None:
        return ""
    if isinstance(key, int):
        return f"0x{key:X}"
    if isinstance(key, tuple):
        return ", ".join(map(str, key))
    if isinstance(key, Pattern):
        return str(key)
    text = key.decode("latin-1")
    return f"`{text}`" if text.isascii() and text.isprintable() else f"0x{key.hex().upper()}"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
