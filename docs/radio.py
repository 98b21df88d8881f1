"""Measures what is drawn and tabulated in ``docs/radio.md``: bit error rates of whole links, and what theory allows.

It takes some minutes: of every point half a million bits are sent, or on until 100 were wrong or a million sent.
"""

import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import log10
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tests.protocols.modem.bit_error_rates import LINKS, Link, OptimumNoncoherent, until  # noqa: E402

PAGE, PICTURE = FOLDER / "radio.md", FOLDER / "bit_error_rates.svg"
ERRORS, FEWEST_BITS, MOST = 100, 500_000, 1_000_000
FEWEST = 8  # errors of which a point is drawn
STEP, LARGEST, LEAST = 0.5, 14.0, 1e-5  # dB, dB, rate
RATES = (1e-2, 1e-3, 1e-4)
COLOURS = ("#1f77b4", "#2ca02c", "#d62728", "#9467bd", "#ff7f0e", "#8c564b", "#17becf")
WIDTH, HEIGHT, MARGIN = 760, 520, 56
TOP, BOTTOM = 0.0, -5.0  # decades drawn

Curve = list[tuple[float, float]]
"""Eb/N0 in dB and the error rate, of each point."""


class Measured(NamedTuple):
    """A link, what it does and what its reference does."""

    link: Link
    got: Curve
    theory: Curve


def curve(rate: Callable[[float], float]) -> Curve:
    """The points of a curve down to the least rate that is drawn."""
    points: Curve = []
    for number in range(int(LARGEST / STEP) + 1):
        points.append((number * STEP, rate(number * STEP)))
        if points[-1][1] < LEAST:
            break
    return [point for point in points if point[1] > 0]


def measured(link: Link) -> Measured:
    """Both curves of a link."""

    def rate(eb_n0: float) -> float:
        count = until(link, eb_n0, ERRORS, FEWEST_BITS, MOST)
        return count.rate if count.wrong >= FEWEST else 0.0

    theory = link.theory
    if isinstance(theory, OptimumNoncoherent):
        theory = replace(theory, bits=MOST)
    return Measured(link, curve(rate), curve(theory))


def at_rate(points: Curve, rate: float) -> float | None:
    """The Eb/N0 at which a curve passes a rate, in dB."""
    for (left, high), (right, low) in pairwise(points):
        if high >= rate > low:
            return left + (right - left) * log10(high / rate) / log10(high / low)
    return None


def table(results: Sequence[Measured]) -> str:
    """Eb/N0 at some rates, measured and of theory, as Markdown."""
    heads = " | ".join(f"1 in {1 / rate:,.0f} | beside" for rate in RATES)
    lines = [f"| link | {heads} | reference |", "| --- |" + " ---: |" * (2 * len(RATES)) + " --- |"]
    for each in results:
        cells = [at_rate(points, rate) for rate in RATES for points in (each.got, each.theory)]
        texts = " | ".join("" if cell is None else f"{cell:.1f}" for cell in cells)
        lines.append(f"| {each.link.title} | {texts} | {each.link.reference} |")
    return "\n".join(lines)


def picture(results: Sequence[Measured]) -> str:
    """The curves as SVG: points are measured, lines are theory."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">',
        "<style>text { font-family: sans-serif }</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for decade in range(int(BOTTOM), int(TOP) + 1):
        y = _y(10.0**decade)
        lines.append(_line((_x(0), y), (_x(LARGEST), y), "#ddd"))
        lines.append(f'<text x="{_x(0) - 8:.0f}" y="{y + 4:.0f}" text-anchor="end">1e{decade}</text>')
    for eb_n0 in range(0, int(LARGEST) + 1, 2):
        lines.append(_line((_x(eb_n0), _y(10.0**TOP)), (_x(eb_n0), _y(10.0**BOTTOM)), "#ddd"))
        lines.append(f'<text x="{_x(eb_n0):.0f}" y="{_y(10.0**BOTTOM) + 18:.0f}" text-anchor="middle">{eb_n0}</text>')
    lines.append(f'<text x="{WIDTH / 2:.0f}" y="{HEIGHT - 14}" text-anchor="middle">Eb/N0, dB</text>')
    for number, (each, colour) in enumerate(zip(results, COLOURS, strict=False)):
        inside = [(_x(x), _y(y)) for x, y in each.theory if y >= 10**BOTTOM]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in inside)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-dasharray="5 3"/>')
        lines += [_dot(_x(x), _y(y), colour) for x, y in each.got if y >= 10**BOTTOM]
        y = _y(10.0**TOP) + 18 + 18 * number
        lines.append(_dot(_x(LARGEST) - 250, y - 4, colour))
        lines.append(f'<text x="{_x(LARGEST) - 240:.0f}" y="{y:.0f}" fill="{colour}">{each.link.title}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _x(eb_n0: float) -> float:
    return MARGIN + (WIDTH - 1.5 * MARGIN) * eb_n0 / LARGEST


def _y(rate: float) -> float:
    return MARGIN / 2 + (HEIGHT - 1.5 * MARGIN) * (TOP - log10(rate)) / (TOP - BOTTOM)


def _line(begin: tuple[float, float], end: tuple[float, float], colour: str) -> str:
    return f'<path d="M{begin[0]:.1f} {begin[1]:.1f} L{end[0]:.1f} {end[1]:.1f}" stroke="{colour}"/>'


def _dot(x: float, y: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'


def main() -> None:
    """Measure, draw, and put the table between its marks in the page."""
    results = [measured(link) for link in LINKS]
    PICTURE.write_text(picture(results), encoding="utf-8")
    begin, end = "<!-- bit error rates -->", "<!-- end -->"
    text = PAGE.read_text(encoding="utf-8")
    made = f"{begin}\n\n{table(results)}\n\n{end}"
    PAGE.write_text(re.sub(f"{begin}.*?{end}", lambda _: made, text, count=1, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
