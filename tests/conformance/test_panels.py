"""What every view of the console keeps. A new file in panels/ is held to it by its being there."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from groundstation.console.panel import Panel, panel_classes
from groundstation.console.picture import Picture
from groundstation.console.screen import Console

ROOT = "groundstation/replay/full"
SIZES = [(80, 24), (40, 8), (20, 4), (200, 60)]
"""Columns and rows: the least promised, less than that, hardly anything, plenty."""


def empty() -> Picture:
    """A picture of which nothing is known."""
    return Picture(ROOT)


def full() -> Picture:
    """A picture with every kind of value, of alarm, of event, of link; with names as long as they come."""
    picture, now = Picture(ROOT), time.monotonic_ns()
    limits = {"yellow": [0, 10], "red": [None, 20], "resolution": 0.5, "unit": "km/s²"}
    kinds: dict[str, dict[str, Any]] = {
        "number": limits, "no_number": limits, "flag": {"type": "flag"},
        "mode": {"labels": {"1": "a long label indeed"}},
        "text": {"type": "text8"}, "burst": {"shape": [4], "unit": "°/s"}, "never_sent": {"unit": "V"},
        "a_very.long.path.of_a_measurement.that_no_column_holds": {"unit": "Pa", "doc": "x" * 300},
    }  # fmt: skip
    values = {
        "number": [1.0, -25.5], "no_number": [None, None], "flag": [True, False], "mode": [1, 9],
        "text": ["", "漢字 ①"], "burst": [[1, 2, 3, 4], [5, 6, 7, None]],
        "a_very.long.path.of_a_measurement.that_no_column_holds": [1e300, -1e300], "undeclared": [1, 2],
    }  # fmt: skip
    messages: dict[str, Any] = {
        "definition": {
            "name": "full", "title": "漢字" * 40, "phases": [f"phase{n}" for n in range(30)],
            "display": [f"p.{name}" for name in kinds] + ["p.absent"], "plots": [f"p.{name}" for name in kinds],
            "packets": {"p": {"rate": 100.0, "doc": "d", "measurements": kinds}},
        },
        "status": {
            "state": "running", "mode": "replay", "name": "full", "session": "s", "synthetic": True, "phase": "phase7",
            "t0_ns": now - 10**10, "time_base": "vehicle", "recording": {"state": "failed", "problem": "p" * 99},
            "replay": {"position_ns": now, "first_ns": now - 10**11, "last_ns": now + 10**11, "speed": "max"},
        },
        "telemetry/p": {"session": "s", "seq": 1, "received_ns": [now - 10**8, now], "valid": [True, True],
                        "values": values, "link": "a"},
        "alarms": {"alarms": [
            {"measurement": f"p.{name}", "level": level, "active": level == "red", "first_out": place, "value": None,
             "limit": "red < " + "9" * 30, "unit": "V"}
            for place, (name, level) in enumerate((name, level) for name in kinds for level in ("red", "yellow"))]},
        "events": {"events": [
            {"name": f"event{n}", "kind": kind, "received_ns": now + n * 10**9, "text": "t" * n * 9}
            for n, kind in enumerate(["flight", "limit", "link", "recording", "operator", "unheard-of"] * 9)]},
    }  # fmt: skip
    states = ("opening", "receiving", "silent", "lost", "ended", "unheard of")
    for state in states:
        messages[f"link/{state}"] = {
            "link": state, "state": state, "problem": "p" * 200, "bytes_in": 2**50,
            "detail": {"lock": "l" * 40, "x": [1]},
            "packets": {"p": 2**40, "other": "junk"},
        }  # fmt: skip
    modems = [{"kind": "fsk", "baud": 9600}, {"kind": "psk", "baud": 1e6, "carrier": -2e5}, {}]
    signals = {"s-band": {"samples": "cu8", "rate": 2.4e6, "frequency": 2.2455e9}, "漢字" * 20: {"samples": "ri16_le"}}
    for name, signal in signals.items():
        messages[f"radio/{name}"] = {
            "session": "s", "at_ns": now, "signal": signal, "saturated": 2**62,
            "spectrum": {"low_hz": -1.2e6, "high_hz": 1.2e6, "db": [-90.0, None, 1e300, -1e300] * 64},
            "transmitters": [{"modem": modem, "framing": "f" * 99, "eb_n0": -12.5, "carrier_offset_hz": 9e5,
                              "sync": "lock", "frames": 2**62} for modem in modems],
            "recent": [{"received_ns": now - n * 10**9, "bytes": 2**40, "transmitter": n} for n in range(9)],
        }  # fmt: skip
    for leaf, message in messages.items():
        picture.take(f"{ROOT}/{leaf}", orjson.dumps(message), at_ns=now)
    assert picture.not_understood == 0
    assert len(picture.links) == len(states)
    assert len(picture.radios) == len(signals)
    return picture


def test_every_view_says_what_it_is() -> None:
    views = panel_classes()
    assert {"flight", "measurements", "links", "radio", "events"} <= {view.TITLE for view in views}
    assert all(view.TITLE and len(view.KEY) == 1 and view.__doc__ for view in views)
    keys = [view.KEY for view in views]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & set("aAxq?"), "keys that mean the same in every view"


@pytest.mark.parametrize("picture", [empty, full])
@pytest.mark.parametrize("view", panel_classes(), ids=lambda view: view.TITLE)
async def test_a_view_draws_any_picture_at_any_size(view: type[Panel], picture: Callable[[], Picture]) -> None:
    app = _console(picture())
    async with app.run_test(size=SIZES[0]) as pilot:
        app.action_view(view.TITLE)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await pilot.press("down", "enter", *(("end", "w") if size == SIZES[0] else ()))
            app.panel.touch()
            app.draw()
            await pilot.pause()
            lines = app.screen._compositor.render_strips()
            assert [line.cell_length for line in lines] == [size[0]] * size[1]
            assert isinstance(app.panel, view)


def _console(picture: Picture) -> Console:
    async def send(request: dict[str, object]) -> bool:
        await asyncio.sleep(0)
        return bool(request)

    return Console(picture, send)
