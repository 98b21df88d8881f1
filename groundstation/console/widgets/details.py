"""One measurement in full: its declaration and its value, as lines of name and text."""

from groundstation.console import numerals
from groundstation.console.declared import Band, Measurement
from groundstation.console.numerals import Scale
from groundstation.console.picture import Picture
from groundstation.console.reading import Quality, Reading
from groundstation.console.widgets.lines import Line, Lines

_STATES = {
    Quality.NOMINAL: "nominal",
    Quality.FROZEN: "= has stood still for unusually long",
    Quality.YELLOW: "▲ yellow alarm",
    Quality.RED: "◆ red alarm",
    Quality.STALE: "… stale",
    Quality.INVALID: "✕ not valid: the packet, or no number",
    Quality.ABSENT: "never received",
}
_TYPES = {"u": "unsigned", "i": "signed", "f": "float", "flag": "flag", "bytes": "bytes", "text": "text"}


class Details(Lines):
    """The declaration of a measurement and its value now."""

    name_shown = ""
    """Full name of the measurement."""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - cut by the caller
        """A line a fact, the most asked for first."""
        if not self.name_shown:
            return []
        reading = picture.reading(self.name_shown)
        facts = [*_now(reading, picture), *_declaration(reading.declared, picture)]
        head: Line = [(f" {self.name_shown}", self.palette.strong), (f"   {reading.declared.doc}", self.palette.quiet)]
        return [
            head,
            *([(f"  {name:<13}", self.palette.quiet), (text, self.palette.plain)] for name, text in facts if text),
        ]


def _now(reading: Reading, picture: Picture) -> list[tuple[str, str]]:
    declared = reading.declared
    scale = Scale(declared)
    scale.adapt(reading.low, reading.high)
    value = f"{numerals.value_text(declared, reading.value, scale)} {scale.unit}"
    extremes = (
        ""
        if declared.labels or declared.is_flag
        else f"{scale.text(reading.low)} … {scale.text(reading.high)} {scale.unit}"
    )
    packet = picture.packets.get(declared.packet)
    link = f", by {packet.link}" if packet and packet.link else ""
    return [
        ("value", value),
        ("code", str(int(reading.number)) if declared.labels and reading.number == reading.number else ""),
        ("elements", _elements(reading.value)),
        ("state", f"{_STATES[reading.quality]}, {numerals.age(reading.age_ns)} old{link}"),
        ("extremes", extremes),
    ]


def _declaration(declared: Measurement, picture: Picture) -> list[tuple[str, str]]:
    packet = picture.definition.packets.get(declared.packet)
    rate = f" at {packet.rate:g} Hz" if packet and packet.rate else ""
    held = [f"{declared.persistence} samples"] if declared.persistence > 1 else []
    held += [f"{declared.persistence_s:g} s"] if declared.persistence_s else []
    return [
        ("yellow", _band(declared.yellow, declared.unit)),
        ("red", _band(declared.red, declared.unit)),
        ("alarm after", " and ".join(held)),
        ("hysteresis", f"{declared.hysteresis:g} {declared.unit}" if declared.hysteresis else ""),
        ("only when", ", ".join(declared.when)),
        ("packet", f"{declared.packet}{rate}   {packet.doc if packet else ''}"),
        ("stored as", _stored(declared)),
        ("resolution", f"{declared.resolution:g} {declared.unit}" if declared.resolution else ""),
        ("labels", "  ".join(f"{code} {label}" for code, label in declared.labels.items())),
    ]


def _elements(value: object) -> str:
    return (
        "  ".join(f"{each:.6g}" if isinstance(each, float) else str(each) for each in value)
        if isinstance(value, list)
        else ""
    )


def _band(band: Band | None, unit: str) -> str:
    if band is None:
        return ""
    low, high = band
    sides = ([f"below {low:g} {unit}"] if low is not None else []) + (
        [f"above {high:g} {unit}"] if high is not None else []
    )
    return " or ".join(sides)


def _stored(declared: Measurement) -> str:
    if not declared.raw_type:
        return "not declared"
    kind = declared.raw_type.rstrip("0123456789")
    elements = f" [{' x '.join(map(str, declared.shape))}]" if declared.shape else ""
    place = (
        f" at byte {declared.bit // 8}, bit {declared.bit % 8} of the packet"
        if declared.bit >= 0
        else ", at no fixed place"
    )
    bits = f", {declared.bits} bits" if declared.bits > 0 else ""
    return f"{declared.raw_type}{elements} ({_TYPES.get(kind, kind)}{bits}){place}"
