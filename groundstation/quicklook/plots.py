"""Draws a quick-look's pictures, with Matplotlib: the courses, the moments that matter, the links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from groundstation.event import EventKind
from groundstation.quicklook.closeup import Window
from groundstation.quicklook.figures_of import BINS
from groundstation.quicklook.link_course import LinkCourse
from groundstation.quicklook.measure import Measured
from groundstation.quicklook.numbers import moment
from groundstation.quicklook.page import Picture

PANELS = 8
"""Courses in the picture of the whole flight."""
_DIVISORS = tuple(count for count in range(1, BINS // 40 + 1) if BINS % count == 0)
"""Numbers of steps that may be drawn as one, so that 40 at least remain."""
_NAMED_CODES = 8
_INK, _BLUE, _GREY, _ORANGE, _RED = "#1b1f24", "#1f5fa8", "#8a929b", "#c77700", "#b3261e"
_LINES = re.compile(r".{1,23}(?:[_.]|$)|.{1,24}")
"""Lines of a long name, broken behind an underscore where there is one."""
_RULES: Any = {
    "svg.fonttype": "none",  # text stays text, and the page small
    "svg.hashsalt": "quick-look",  # the same flight gives the same bytes
    "font.size": 9,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "path.simplify": True,
    "axes.formatter.useoffset": False,  # 1013.2, not 0.2 and somewhere else +1.013e3
    "axes.formatter.limits": (-4, 7),
}


def whole_flight(measured: Measured, reference: Measured | None) -> Picture | None:
    """The key measurements over the whole recording, with the flight's events; a reference's behind them."""
    names = [name for name in measured.key_measurements if name in measured.courses][:PANELS]
    if not names:
        return None
    with mpl.rc_context(_RULES):
        figure, axes = _panels(len(names))
        for axis, name in zip(axes, names, strict=True):
            if reference is not None and name in reference.courses:
                _draw_course(axis, reference, name, _ORANGE)
            _draw_course(axis, measured, name, _BLUE)
            _limits(axis, measured, name)
            axis.set_ylabel(_labelled(measured, name), rotation=0, ha="right", va="center")
            _events(axis, measured, named=axis is axes[0])
        axes[-1].set_xlabel(_time_label(measured))
        words = f"{', '.join(names)} over the whole recording"
        if reference is not None:
            words += f"; in orange those of {reference.reading.recording.path.name}"
        return Picture(_svg(figure), words)


def close_look(measured: Measured, window: Window, reference: Window | None) -> Picture | None:
    """Every sample of a few measurements around a moment."""
    series = {name: window.series(name) for name in window.measurements}
    series = {name: found for name, found in series.items() if len(found[0])}
    if not series:
        return None
    with mpl.rc_context(_RULES):
        figure, axes = _panels(len(series))
        for axis, (name, (times, values)) in zip(axes, series.items(), strict=True):
            since = (times - window.event.received_ns) / 1e9
            if reference is not None:
                others, theirs = reference.series(name)
                axis.plot((others - reference.event.received_ns) / 1e9, theirs, color=_ORANGE, linewidth=0.8)
            axis.plot(since, values, color=_BLUE, linewidth=0.9, marker="." if len(since) < 80 else "", markersize=3)
            _limits(axis, measured, name)
            axis.axvline(0, color=_RED, linewidth=0.8)
            axis.set_ylabel(_labelled(measured, name), rotation=0, ha="right", va="center")
        axes[-1].set_xlabel(f"s from {window.event.name} at {moment(measured, window.event.received_ns)}")
        return Picture(_svg(figure), f"{', '.join(series)} around {window.event.name}")


def link_courses(measured: Measured) -> Picture:
    """Packets a second, failed checks and missing packets of every link."""
    with mpl.rc_context(_RULES):
        links = shown_links(measured)
        figure, axes = _panels(len(links))
        for axis, (name, link) in zip(axes, links.items(), strict=True):
            together = together_of(link.step_ns)
            step_s = together * link.step_ns / 1e9
            times = measured.seconds(link.begin_ns) + (np.arange(len(link.packets_in) // together) + 0.5) * step_s
            rate = summed(link.packets_in, together) / step_s
            axis.fill_between(times, rate, step="mid", color=_BLUE, alpha=0.35, linewidth=0)
            for counts, color, label in (
                (summed(link.failures, together), _ORANGE, "failed checks"),
                (summed(link.gaps, together), _RED, "missing packets"),
            ):
                some = np.flatnonzero(counts)
                if len(some):
                    axis.vlines(times[some], 0, counts[some] / step_s, color=color, linewidth=1, label=label)
            if axis.get_legend_handles_labels()[0]:
                axis.legend(loc="upper right", frameon=False)
            axis.set_ylim(bottom=0)
            axis.set_ylabel(f"{name}\npackets/s", rotation=0, ha="right", va="center")
            _events(axis, measured, named=axis is axes[0])
        axes[-1].set_xlabel(_time_label(measured))
        return Picture(_svg(figure), f"packets a second on {', '.join(links)}")


def shown_links(measured: Measured) -> dict[str, LinkCourse]:
    """The links that are drawn: where there are too many, those with most failures and missing packets."""
    every = measured.links
    worst = sorted(every, key=lambda name: -int(every[name].failures.sum() + every[name].gaps.sum()))[:PANELS]
    return {name: link for name, link in every.items() if name in worst}


def together_of(step_ns: int) -> int:
    """Steps that are drawn as one: a second at least, or a slow link's single packets look like a high rate."""
    return next(count for count in _DIVISORS if count * step_ns >= 1_000_000_000 or count == _DIVISORS[-1])


def summed(counts: NDArray[np.int64], together: int) -> NDArray[np.int64]:
    """Counts of so many steps together."""
    made: NDArray[np.int64] = counts.reshape(-1, together).sum(axis=1)
    return made


def _panels(count: int) -> tuple[Figure, list[Any]]:
    """A picture of panels one under the other with one time axis."""
    figure = Figure(figsize=(10.5, 1.0 + 1.25 * count), layout="constrained")
    axes = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0].tolist()
    for axis in axes:
        axis.grid(visible=True, color="#e3e6ea", linewidth=0.6)
    return figure, axes


def _draw_course(axis: Any, measured: Measured, name: str, color: str) -> None:
    times, low, high = measured.courses[name].points()
    since = (times - (measured.begin_ns if measured.t0_ns is None else measured.t0_ns)) / 1e9
    told = measured.field_of(name)
    if told is not None and told.labels:  # a state holds until the next one is told
        axis.step(since, high, where="post", color=color, linewidth=0.9)
        _name_codes(axis, told.labels, high)
        return
    axis.fill_between(since, low, high, color=color, alpha=0.35, linewidth=0)
    axis.plot(since, (low + high) / 2, color=color, linewidth=0.9)


def _name_codes(axis: Any, labels: Mapping[int, str], codes: NDArray[np.float64]) -> None:
    """Name the codes that came on the axis, those of a curve drawn before too, if they are not too many to be read."""
    came = sorted({*np.unique(codes).tolist(), *axis.get_yticks(minor=True).tolist()})
    axis.set_yticks(came, minor=True)
    if len(came) <= _NAMED_CODES:
        axis.set_yticks(came, [labels.get(int(code), f"{code:g}") for code in came], fontsize=7)


def _limits(axis: Any, measured: Measured, name: str) -> None:
    """Limits as lines, where they lie near enough to be seen without flattening the curve."""
    limits = measured.pipeline.limits.get(name.partition("[")[0])
    if limits is None:
        return
    low, high = axis.get_ylim()
    for band, color in ((limits.yellow, _ORANGE), (limits.red, _RED)):
        for side in band or ():
            if low - (high - low) / 4 <= side <= high + (high - low) / 4:
                axis.axhline(side, color=color, linewidth=0.8, linestyle="--")


def _events(axis: Any, measured: Measured, *, named: bool) -> None:
    """Events of the flight as lines; their names over the first panel, each a step higher than one close before it."""
    flight = [each for each in measured.pipeline.events if each.kind is EventKind.FLIGHT]
    low, high = axis.get_xlim()
    last, step = -np.inf, 0
    for each in flight:
        at = measured.seconds(each.received_ns)
        axis.axvline(at, color=_GREY, linewidth=0.6)
        if named:
            step = (step + 1) % 3 if at - last < (high - low) / 12 else 0
            last = at
            axis.annotate(each.name, (at, 1 + 0.16 * step), xycoords=("data", "axes fraction"), fontsize=8, color=_INK)


def _labelled(measured: Measured, name: str) -> str:
    """A measurement's name in short lines, and its unit."""
    packet, _, path = name.partition(".")
    unit = measured.unit(name)
    packet, path = ("\n".join(_LINES.findall(each)) for each in (packet, path))
    return f"{packet}.\n{path}" + (f"\n[{unit}]" if unit else "")


def _time_label(measured: Measured) -> str:
    return "s since the beginning" if measured.t0_ns is None else "s since T-0"


def _svg(figure: Figure) -> str:
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
