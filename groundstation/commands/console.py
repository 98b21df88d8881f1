"""One more screen on a running station or replay.

Without a URL it looks at the station that runs on this machine, whatever port its broker got. The console is a client
of the bus: closing it stops nothing, and any number may be open.

  groundstation console
  groundstation console mqtt://pad.example:1883
  GROUNDSTATION_MQTT_PASSWORD=... groundstation console mqtts://operator@bus.example
"""

from __future__ import annotations

import argparse

DEFAULT_URL = "mqtt://127.0.0.1:1883"
HELP = "one more screen on a running station or replay"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("url", nargs="?", help="the broker; default: that of the station that runs here")
    parser.add_argument("--root", metavar="TOPIC", help="which station, as groundstation/live/NAME; default: find it")


def run(arguments: argparse.Namespace) -> int:
    """Show the console until it is left."""
    from groundstation.console.app import run_console  # noqa: PLC0415

    run_console(arguments.url or _here(), arguments.root)
    return 0


def _here() -> str:
    """The broker of the stations that run on this machine. Raises BusError where they have several."""
    from groundstation.registry import running  # noqa: PLC0415
    from protocols.errors import BusError  # noqa: PLC0415

    stations = running()
    urls = {each.url for each in stations}
    if len(urls) > 1:
        listed = "".join(f"\n  groundstation console {each.url} --root {each.root}" for each in stations)
        raise BusError("", f"several stations run here; name one:{listed}")
    return urls.pop() if urls else DEFAULT_URL
