"""Write the quick-look of a recording: what happened, margins to limits, key measurements, links, on one page.

The page is one HTML file with its pictures inside, and the same in Markdown beside it; neither needs a network.

  groundstation report flight.mcap                          flight.report.html and flight.report.md beside it
  groundstation report flight.cfl --to review/hop-3.html    there, and review/hop-3.md
  groundstation report flight.mcap --reference last.mcap    against the last good run, from T-0 to T-0
  groundstation report flight.mcap --campaign new.toml      by other limits
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from groundstation.plain_text import plain

if TYPE_CHECKING:
    from groundstation.quicklook.closeup import Window
    from groundstation.quicklook.measure import Measured
    from groundstation.quicklook.page import Page

HELP = "write the quick-look of a recording: one page of HTML, and Markdown"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("recording", type=Path, help="the file to report on")
    parser.add_argument("--to", type=Path, metavar="FILE.html", help="write it there; default: beside the recording")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="compare with this recording")
    parser.add_argument("--campaign", type=Path, metavar="FILE", help="read both by this campaign file")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output at the end")


def run(arguments: argparse.Namespace) -> int:
    """Read, look closer, write; 0, or 1 where nothing in the file was a packet."""
    from groundstation.quicklook.html import html  # noqa: PLC0415
    from groundstation.quicklook.markdown import markdown  # noqa: PLC0415
    from groundstation.summary import say, summary  # noqa: PLC0415

    recording: Path = arguments.recording
    target: Path = arguments.to or recording.with_name(f"{recording.stem}.report.html")
    if target.suffix.lower() not in (".html", ".htm"):
        sys.stderr.write(f"groundstation report: --to {target}: is no .html file; name one, as {target}.html\n")
        return 2
    if not target.parent.is_dir():
        sys.stderr.write(f"groundstation report: --to {target}: there is no folder {target.parent}; make it first\n")
        return 2
    measured, chosen = _read(recording, arguments.campaign)
    reference = _read(arguments.reference, arguments.campaign) if arguments.reference else None
    page = _page(measured, chosen, reference)
    beside = target.with_suffix(".md")
    _write(target, html(page))
    _write(beside, markdown(page))
    told = summary(measured.pipeline, damage=measured.reading.recording.damage, recording=recording)
    told |= {"synthetic": measured.reading.synthetic, "html": str(target), "markdown": str(beside)}
    say(told, f"written to {plain(str(target))} and {plain(beside.name)}", as_json=arguments.json)
    return 0 if told["packets"] else 1


def _read(path: Path, campaign: Path | None) -> tuple[Measured, list[Window]]:
    """A recording read twice: for what happened, then for the figures and the moments that matter."""
    from groundstation.progress import Progress  # noqa: PLC0415
    from groundstation.quicklook.closeup import windows  # noqa: PLC0415
    from groundstation.quicklook.measure import add_figures, measure  # noqa: PLC0415
    from groundstation.reading import read  # noqa: PLC0415

    reading = read(path, campaign)
    progress = Progress("reading", reading.recording)
    try:
        measured = measure(reading, progress.at)
        chosen = windows(measured.pipeline.events, measured.key_measurements)
        add_figures(measured, chosen, progress.at)
    finally:
        progress.end()
    return measured, chosen


def _page(measured: Measured, chosen: list[Window], reference: tuple[Measured, list[Window]] | None) -> Page:
    """All sections with their pictures."""
    from groundstation.quicklook import contents, plots  # noqa: PLC0415
    from groundstation.quicklook.comparison import comparison  # noqa: PLC0415
    from groundstation.quicklook.page import Page, Section  # noqa: PLC0415

    other = reference[0] if reference else None
    title = f"Quick-look: {measured.reading.recording.path.stem}"
    page = Page(title, contents.lead(measured), [contents.what_happened(measured)])
    picture = plots.whole_flight(measured, other)
    if picture:
        if other is not None:
            page.sections[0].parts.append(f"Blue is this recording, orange {other.reading.recording.path.name}.")
        page.sections[0].parts.append(picture)
    if reference:
        page.sections.append(comparison(measured, reference[0]))
    closer = Section("Around the events")
    theirs = {each.event.name: each for each in reference[1]} if reference else {}
    for window in chosen:
        drawn = plots.close_look(measured, window, theirs.get(window.event.name))
        if drawn:
            closer.parts += [window.event.text, drawn]
    page.sections += [closer] if closer.parts else []
    links = contents.link_quality(measured)
    if len(drawn_links := plots.shown_links(measured)) < len(measured.links):
        links.parts.append(f"Drawn are the {len(drawn_links)} worst of {len(measured.links)} links.")
    links.parts.append(plots.link_courses(measured))
    page.sections += [contents.limits(measured), contents.key_measurements(measured), links]
    page.sections.append(contents.recording_itself(measured))
    return page


def _write(path: Path, text: str) -> None:
    """Write a file, whole or not at all. Raises RecordingFailed where the disk refuses."""
    from groundstation.part_file import PartFile  # noqa: PLC0415

    place = PartFile(path)
    try:
        place.part.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        place.remove()
        raise place.failed(error) from None
    except BaseException:
        place.remove()
        raise
    place.finish()
