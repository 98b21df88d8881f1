"""Draws a quick-look's pictures, with Matplotlib: the courses, the moments that matter, the links."""

from __future__ import annotations

from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from groundstation.event import EventKind
from groundstation.quicklook.closeup import Window
from groundstation.quicklook.measure import Measured
from groundstation.quicklook.numbers import moment
from groundstation.quicklook.page import Picture

PANELS = 8
"""Courses in the picture of the whole flight."""
_INK, _BLUE, _GREY, _ORANGE, _RED = "#1b1f24", "#1f5fa8", "#8a929b", "#c77700", "#b3261e"
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
        links = list(measured.links.items())[:PANELS]
        figure, axes = _panels(len(links))
        for axis, (name, link) in zip(axes, links, strict=True):
            step_s = link.step_ns / 1e9
            times = measured.seconds(link.begin_ns) + (np.arange(len(link.packets_in)) + 0.5) * step_s
            axis.fill_between(times, link.packets_in / step_s, step="mid", color=_BLUE, alpha=0.35, linewidth=0)
            for counts, color, label in (
                (link.failures, _ORANGE, "failed checks"),
                (link.gaps, _RED, "missing packets"),
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
        return Picture(_svg(figure), f"packets a second on {', '.join(name for name, _ in links)}")


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
    axis.fill_between(since, low, high, color=color, alpha=0.35, linewidth=0)
    axis.plot(since, (low + high) / 2, color=color, linewidth=0.9)


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
    return f"{packet}.\n{path}" + (f"\n[{unit}]" if unit else "")


def _time_label(measured: Measured) -> str:
    return "s since the beginning" if measured.t0_ns is None else "s since T-0"


def _svg(figure: Figure) -> str:
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
