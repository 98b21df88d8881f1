"""KML 2.2 (OGC 07-147r2): the flight's track for a map, with its events as marks along it.

Every packet type that has a latitude and a longitude in degrees gives a track, with its altitude in metres; where it
has none, with that of another packet type, interpolated in time. What the altitude is measured from is what the
vehicle's declaration says it is; the track's description names it.
Positions that cannot be are left out (not valid, not a number, off the globe, and 0 N 0 E, which receivers without a
fix report), and of very long tracks every second point and so on; both are counted in the description.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from groundstation.event import Event, EventKind
from groundstation.exports import Contents
from groundstation.part_file import PartFile
from groundstation.plain_text import plain
from protocols.batch import Batch, Field
from protocols.errors import RecordingFailed

_POINTS = 50_000
"""A track has at most so many points: what maps draw without stuttering."""
_LATITUDES = ("latitude", "lat", "gps_latitude", "gps_lat")
_LONGITUDES = ("longitude", "lon", "lng", "long", "gps_longitude", "gps_lon")
_ALTITUDES = ("altitude", "height", "alt", "hmsl", "gps_altitude", "gps_alt", "altitude_msl", "ellipsoid_height")
_NAMESPACE = "http://www.opengis.net/kml/2.2"
_GX = "http://www.google.com/kml/ext/2.2"


@dataclass(slots=True)
class _Source:
    """Where a packet type carries its position."""

    latitude: Field
    longitude: Field
    altitude: Field | None


@dataclass(slots=True)
class _Heights:
    """Altitudes that other packets carry than the positions."""

    packet: str
    told: Field
    times: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    every: int = 1
    seen: int = 0

    def add(self, batch: Batch) -> None:
        """Take what is good of a batch."""
        values = batch.columns[self.told.path].astype(np.float64)
        good = batch.valid & np.isfinite(values)
        for time, value in zip(batch.received_ns[good].tolist(), values[good].tolist(), strict=True):
            if self.seen % self.every == 0:
                self.times.append(time)
                self.values.append(value)
            self.seen += 1
        while len(self.times) > _POINTS:
            del self.times[1::2], self.values[1::2]
            self.every *= 2


@dataclass(slots=True)
class _Track:
    """The positions of one packet type on one link: (received_ns, longitude, latitude, altitude)."""

    source: _Source
    points: list[tuple[int, float, float, float]] = field(default_factory=list)
    every: int = 1
    """One in so many positions is kept."""
    seen: int = 0
    left_out: int = 0
    altitude: str = ""
    """Which measurement its altitude is; empty where it has none."""

    def __post_init__(self) -> None:
        """Name the altitude that comes with the positions."""
        if self.source.altitude is not None:
            self.altitude = f"{self.source.altitude.path}, {self.source.altitude.doc}"

    def add(self, batch: Batch) -> None:
        """Take the positions of a batch that can be."""
        columns, source = batch.columns, self.source
        latitude = columns[source.latitude.path].astype(np.float64)
        longitude = columns[source.longitude.path].astype(np.float64)
        altitude = np.zeros(len(batch)) if source.altitude is None else columns[source.altitude.path].astype(np.float64)
        good = batch.valid & np.isfinite(altitude) & (np.abs(latitude) <= 90) & (np.abs(longitude) <= 180)
        good &= (latitude != 0) | (longitude != 0)
        self.left_out += int(len(good) - np.count_nonzero(good))
        found = zip(*(each[good].tolist() for each in (batch.received_ns, longitude, latitude, altitude)), strict=True)
        for point in found:
            if self.seen % self.every == 0:
                self.points.append(point)
            self.seen += 1
        while len(self.points) > _POINTS:
            del self.points[1::2]
            self.every *= 2

    def lift(self, heights: _Heights) -> None:
        """Give positions that have no altitude of their own that of another packet, interpolated."""
        if self.source.altitude is None:
            times = [point[0] for point in self.points]
            found = np.interp(times, heights.times, heights.values).tolist()
            self.points = [(*point[:3], height) for point, height in zip(self.points, found, strict=True)]
            self.altitude = f"{heights.packet}.{heights.told.path}, {heights.told.doc}, interpolated"


class KmlExport:
    """A KML file being written; it gets its name when it is whole."""

    def __init__(self, path: Path, contents: Contents) -> None:
        """Raises RecordingFailed where the telemetry has no position."""
        self._place, self._contents = PartFile(path), contents
        found = {name: _source(own) for name, own in contents.packets.items()}
        self._sources = {name: source for name, source in found.items() if source is not None}
        self._tracks: dict[tuple[str, str], _Track] = {}
        self._heights = _heights(contents)
        if not self._sources:
            problem = "there is no latitude and longitude in degrees in this telemetry; write .csv or .npz instead"
            raise RecordingFailed(path, problem)

    def write(self, batch: Batch) -> None:
        """Add the positions of a batch."""
        source = self._sources.get(batch.packet)
        if source is not None:
            self._tracks.setdefault((batch.packet, batch.link), _Track(source)).add(batch)
        if self._heights is not None and batch.packet == self._heights.packet:
            self._heights.add(batch)

    def close(self) -> None:
        """Write the file and put it in its place. Raises RecordingFailed when the disk refuses, or nothing is known."""
        if not any(track.points for track in self._tracks.values()):
            problem = "no position in this recording can be true (no fix?); write .csv or .npz instead"
            raise RecordingFailed(self._place.path, problem)
        heights = self._heights
        if heights is not None and heights.times:
            for track in self._tracks.values():
                track.lift(heights)
        try:
            self._document().write(self._place.part, "utf-8", xml_declaration=True)
        except OSError as error:
            self.abandon()
            raise self._place.failed(error) from None
        self._place.finish()

    def abandon(self) -> None:
        """Leave nothing half-written behind."""
        self._place.remove()

    def _document(self) -> ET.ElementTree[ET.Element]:
        root = ET.Element("kml", {"xmlns": _NAMESPACE, "xmlns:gx": _GX})
        document = ET.SubElement(root, "Document")
        told = self._contents
        made_up = " (synthetic: this telemetry is made up)" if told.synthetic else ""
        ET.SubElement(document, "name").text = _said(f"{told.title}: {told.recording}{made_up}")
        style = ET.SubElement(document, "Style", id="track")
        line = ET.SubElement(style, "LineStyle")
        ET.SubElement(line, "color").text = "ff1e90ff"
        ET.SubElement(line, "width").text = "3"
        longest = max(self._tracks.values(), key=lambda track: len(track.points))
        for (packet, link), track in self._tracks.items():
            if track.points:
                self._path(document, f"{packet} by {link}{made_up}", track)
        self._marks(document, longest)
        ET.indent(root)
        return ET.ElementTree(root)

    def _path(self, document: ET.Element, name: str, track: _Track) -> None:
        """One track: with times where the date is known, a line where it is not."""
        place = ET.SubElement(document, "Placemark")
        ET.SubElement(place, "name").text = name
        ET.SubElement(place, "description").text = _said(_described(track))
        ET.SubElement(place, "styleUrl").text = "#track"
        mode = "absolute" if track.altitude else "clampToGround"
        if self._contents.time_base == "utc":
            shape = ET.SubElement(place, "gx:Track")
            ET.SubElement(shape, "altitudeMode").text = mode
            for received_ns, *_ in track.points:
                ET.SubElement(shape, "when").text = _utc(received_ns)
            for _, longitude, latitude, altitude in track.points:
                ET.SubElement(shape, "gx:coord").text = f"{longitude:.8f} {latitude:.8f} {altitude:.2f}"
            return
        shape = ET.SubElement(place, "LineString")
        ET.SubElement(shape, "altitudeMode").text = mode
        ET.SubElement(shape, "coordinates").text = " ".join(
            f"{longitude:.8f},{latitude:.8f},{altitude:.2f}" for _, longitude, latitude, altitude in track.points
        )

    def _marks(self, document: ET.Element, track: _Track) -> None:
        """Flight events where the longest track was nearest in time."""
        times = np.array([point[0] for point in track.points], np.int64)
        for event in self._contents.events:
            if event.kind is EventKind.FLIGHT:
                _, longitude, latitude, altitude = track.points[_nearest(times, event)]
                place = ET.SubElement(document, "Placemark")
                ET.SubElement(place, "name").text = _said(event.name)
                ET.SubElement(place, "description").text = _said(event.text)
                point = ET.SubElement(place, "Point")
                ET.SubElement(point, "altitudeMode").text = "absolute" if track.altitude else "clampToGround"
                ET.SubElement(point, "coordinates").text = f"{longitude:.8f},{latitude:.8f},{altitude:.2f}"


def _nearest(times: np.ndarray[tuple[int], np.dtype[np.int64]], event: Event) -> int:
    return int(np.argmin(np.abs(times - event.received_ns)))


def _source(own: dict[str, Field]) -> _Source | None:
    """Where a packet carries its position; None where it has none."""
    latitude, longitude = _named(own, _LATITUDES, "deg"), _named(own, _LONGITUDES, "deg")
    if latitude is None or longitude is None:
        return None
    return _Source(latitude, longitude, _named(own, _ALTITUDES, "m"))


def _heights(contents: Contents) -> _Heights | None:
    """Where else an altitude is carried; None where nothing has one."""
    for name, own in contents.packets.items():
        told = _named(own, _ALTITUDES, "m")
        if told is not None:
            return _Heights(name, told)
    return None


def _named(own: dict[str, Field], names: tuple[str, ...], unit: str) -> Field | None:
    """The first measurement of one of these names, whatever it is nested in, that has the unit."""
    for name in names:
        for path, told in own.items():
            if path.rpartition(".")[2].lower() == name and told.unit == unit and not told.shape:
                return told
    return None


def _described(track: _Track) -> str:
    said = f"altitude: {track.altitude}" if track.altitude else "no altitude"
    said += f"; {len(track.points):,} of {track.seen:,} positions"
    return f"{said}; {track.left_out:,} left out that cannot be true" if track.left_out else said


def _said(text: str) -> str:
    """A text as XML can hold it: control characters, and bytes of a file's name that are no text, are shown."""
    return plain(text).encode(errors="backslashreplace").decode()


def _utc(received_ns: int) -> str:
    seconds, rest = divmod(received_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 10**6:03d}Z"


EXPORT = KmlExport
