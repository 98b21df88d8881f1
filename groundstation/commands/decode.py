"""Decode a recording: every value of it into a table, or just its counts and events.

The file may be a recording of ours (.mcap) or a flight log of a format known here (see `groundstation info FILE`).
It is read as fast as the disk and the processor allow; nothing is published.

  groundstation decode flight.cfl                        counts, flight events, damage
  groundstation decode flight.cfl --to flight.csv        and every value, one row a packet
  groundstation decode flight.cfl --to flight.parquet    by columns; .npz: numpy, .mcap: plots, .kml: maps
  groundstation decode flight.mcap --campaign new.toml   with other limits or another vehicle file

Samples of a radio (WAV, SigMF, raw IQ), transfer frames and other streams are told how to be read; their frames are
then printed, a line of hexadecimal each, and counts and values on standard error:

  groundstation decode pass.wav --satellite GOMX-3
  groundstation decode pass.wav --modem fsk:9600 --framing ax100_golay
  groundstation decode pass.bin --samples cu8:2.4M --modem gmsk:9600?carrier=25000 --framing hdlc?g3ruh=true
  groundstation decode pass.sigmf-meta --satellite 43855 --frames kiss > pass.kss
  groundstation decode capture.pcapng --link udp-14550 --framing mavlink --vehicle mavlink
  groundstation decode frames.bin --framing fixed?frame_length=1115 --transfer-frames tm?fecf=true --frames none
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundstation.plain_text import plain
from groundstation.stated_arguments import add_stated_arguments, stated_of

if TYPE_CHECKING:
    from groundstation.exports import Export
    from groundstation.pipeline import LinkPath, Pipeline
    from groundstation.reading import Reading

HELP = "decode a recording into a table, or just count it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("recording", type=Path, help="the file to decode")
    to = "write every value there: .csv .parquet .npz .mcap, or the track: .kml"
    parser.add_argument("--to", type=Path, metavar="FILE", help=to)
    parser.add_argument("--campaign", type=Path, metavar="FILE", help="read it by this campaign file")
    add_stated_arguments(parser)
    frames = ("hex", "kiss", "none")
    parser.add_argument("--frames", choices=frames, default="hex", help="how such frames are printed; default: hex")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output at the end")
    parser.add_argument("--digests", action="store_true", help="with digests in it, as `verify` compares them")


def run(arguments: argparse.Namespace) -> int:
    """Decode; 0, or 1 where nothing in the file was a packet."""
    from groundstation.pipeline import blocks  # noqa: PLC0415
    from groundstation.progress import Progress  # noqa: PLC0415
    from groundstation.reading import read  # noqa: PLC0415
    from groundstation.stated_reading import read_as_stated  # noqa: PLC0415
    from groundstation.summary import say, summary  # noqa: PLC0415

    target: Path | None = arguments.to
    if target is not None and (problem := _unfit(target, arguments.recording)):
        sys.stderr.write(f"groundstation decode: --to {target}: {problem}\n")
        return 2
    stated = stated_of(arguments)
    if stated is None:
        reading = read(arguments.recording, arguments.campaign, arguments.link)
    else:
        reading = read_as_stated(arguments.recording, stated)
        if target is None:
            return _list(arguments, reading)
    pipeline = reading.pipeline()
    if arguments.digests:
        pipeline.prove()
    fresh = {name: path.fork() for name, path in pipeline.links.items()}
    progress = Progress("decoding", reading.recording)
    try:
        for group in blocks(reading.recording.chunks()):
            pipeline.recorded(group)
            pipeline.receive(*group)
            progress.at(group[-1].received_ns)
        for name in pipeline.links:
            pipeline.finish(name)
    finally:
        progress.end()
    told = summary(pipeline, damage=reading.recording.damage, recording=arguments.recording)
    told["synthetic"] = reading.synthetic
    if target is not None:
        _export(reading, fresh, pipeline, target)
    say(told, *([f"written to {target}"] if target else []), as_json=arguments.json)
    return 0 if told["packets"] else 1


def _list(arguments: argparse.Namespace, reading: Reading) -> int:
    """Print frames as they are found, then counts; 1 where there was none."""
    import orjson  # noqa: PLC0415

    from groundstation.frame_listing import FrameListing, described, writer  # noqa: PLC0415
    from groundstation.frame_summary import frame_lines, frame_summary  # noqa: PLC0415
    from groundstation.progress import Progress  # noqa: PLC0415

    found = FrameListing(reading)
    write = writer("none" if arguments.json else arguments.frames, reading.recording)
    progress = Progress("decoding", reading.recording)
    kept: list[dict[str, Any]] = []
    try:
        for _, frames in found.frames(progress.at):
            write(frames)
            if arguments.json and arguments.frames != "none":
                kept += described(frames)
    finally:
        progress.end()
    told = frame_summary(found, kept)
    if arguments.json:
        sys.stdout.write(orjson.dumps(told).decode() + "\n")
    else:
        sys.stderr.write(plain("\n".join(frame_lines(told))) + "\n")
    return 0 if found.delivered else 1


def _unfit(target: Path, recording: Path) -> str:
    """Why nothing can be written there; empty where it can."""
    from groundstation.exports import exports  # noqa: PLC0415

    if target.suffix.lower().lstrip(".") not in exports():
        return f"of no kind known here; known are {', '.join(f'.{each}' for each in exports())}"
    if not target.parent.is_dir():
        return f"there is no folder {target.parent}; make it first"
    if target.is_dir():
        return "is a folder; name a file"
    if target.exists() and recording.exists() and target.samefile(recording):
        return "is the recording itself; name another file"
    return ""


def _export(reading: Reading, fresh: Mapping[str, LinkPath], counted: Pipeline, target: Path) -> None:
    """Write every value. The first pass has told T-0, which rows before it need too, and which packets there are."""
    from groundstation.export_contents import contents  # noqa: PLC0415
    from groundstation.exports import export_class  # noqa: PLC0415
    from groundstation.part_file import PartFile  # noqa: PLC0415
    from groundstation.pipeline import blocks, by_link  # noqa: PLC0415
    from groundstation.progress import Progress  # noqa: PLC0415

    make = export_class(target.suffix.lower().lstrip("."))
    progress = Progress("writing", reading.recording)
    export: Export | None = None
    try:
        export = make(target, contents(reading, counted))
        for group in blocks(reading.recording.chunks()):
            for name, chunks in by_link(group).items():
                for batch in fresh[name].receive(*chunks):
                    export.write(batch)
            progress.at(group[-1].received_ns)
        for path in fresh.values():
            for batch in path.finish():
                export.write(batch)
        export.close()
    except BaseException:
        if export is not None:
            export.abandon()
        PartFile(target).remove()  # broken off before there was anything to abandon
        raise
    finally:
        progress.end()
