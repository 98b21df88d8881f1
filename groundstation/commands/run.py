"""Run a campaign: receive its links, record every byte, decode, watch limits and flight, publish on the bus.

On a terminal it opens a console too. The station is a process of its own: leaving the console, or closing the
terminal, asks or leaves it running; `groundstation console` looks again.

  groundstation run campaign.toml
  groundstation run campaign.toml --no-console --json     until Ctrl-C; then counts and events as JSON
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundstation.hosting import add_station_arguments, console_and_station, host, with_console

if TYPE_CHECKING:
    from groundstation.campaign import Campaign

HELP = "receive, record and publish a campaign; with a console on a terminal"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("campaign", type=Path, help="the campaign file")
    add_station_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the station until it is stopped."""
    from groundstation.campaign import Campaign  # noqa: PLC0415

    campaign = Campaign.load(arguments.campaign)
    _refuse_twice(campaign)
    if with_console(arguments):
        command = ["run", str(arguments.campaign), *(["--broker", arguments.broker] if arguments.broker else [])]
        return console_and_station(command, campaign.directory / f"{campaign.name}.log")
    from groundstation.live import live  # noqa: PLC0415
    from groundstation.summary import say, summary  # noqa: PLC0415

    ended: list[Any] = []

    async def station(running: Callable[[Any], None]) -> None:
        ended.extend(await live(campaign, arguments.broker, running, linger=arguments.announce >= 0))

    host(arguments, station)
    told = {**summary(ended[0].pipeline, ended[1]), "mode": "live"}
    say(told, f"recorded in {ended[1]}", as_json=arguments.json)
    return 0


def _refuse_twice(campaign: Campaign) -> None:
    """Raise CampaignError where the campaign runs already: its devices would be in use, its topics mixed."""
    from groundstation.registry import running  # noqa: PLC0415
    from protocols.errors import CampaignError  # noqa: PLC0415

    for each in running():
        if each.root == f"groundstation/live/{campaign.name}":
            problem = (
                f"{campaign.name!r} already runs here as process {each.pid}: look at it with"
                f" `groundstation console {each.url}`, stop it with `kill -INT {each.pid}`, or rename this one"
            )
            raise CampaignError(campaign.path, "campaign.name", problem)
