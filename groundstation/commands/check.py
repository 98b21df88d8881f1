"""Check a campaign file: everything it names is looked up, nothing is opened; then say what it would receive.

groundstation check campaign.toml
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "check a campaign file and list what it would receive"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("campaign", type=Path, help="the campaign file")
    parser.add_argument("--json", action="store_true", help="the definitions as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Say what is there; 2 where the file has a mistake."""
    from groundstation.bus import payload  # noqa: PLC0415
    from groundstation.campaign import Campaign  # noqa: PLC0415
    from groundstation.live import pipeline_of  # noqa: PLC0415
    from groundstation.transmitter_text import framing_text  # noqa: PLC0415

    campaign = Campaign.load(arguments.campaign)
    pipeline = pipeline_of(campaign)
    links = {
        name: {"source": link.source, "framing": campaign.framing(name)} for name, link in campaign.file.links.items()
    }
    if arguments.json:
        told = payload.definition(pipeline.vehicles, pipeline.fields, pipeline.limits, links)
        sys.stdout.write(payload.encode(told).decode() + "\n")
        return 0
    vehicle = campaign.vehicle
    mark = " ~ synthetic" if vehicle.synthetic else ""
    out = [f"{arguments.campaign}: campaign {campaign.name}, vehicle {vehicle.title}{mark}"]
    out += [f"  link {name}: {each['source']}, framing {framing_text(each['framing'])}" for name, each in links.items()]
    decoders = next(iter(pipeline.links.values())).decoder.decoders
    for name, decoder in decoders.items():
        how = "by columns" if decoder.layout else f"packet by packet through construct ({decoder.reason})"
        out.append(f"  packet {name}: {len(decoder.fields)} measurements, {how}")
    for name, limits in pipeline.limits.items():
        bands = [
            f"{level} {band[0]:g}...{band[1]:g}" for level in ("yellow", "red") if (band := getattr(limits, level))
        ]
        when = f" in {', '.join(limits.when)}" if limits.when else ""
        out.append(f"  limit {name}: {', '.join(bands)} {pipeline.fields[name].unit}{when}")
    out.append("good: nothing wrong was found")
    sys.stdout.write("\n".join(out) + "\n")
    return 0
