"""Samples in SigMF recordings (SigMF 1.2): ``NAME.sigmf-meta`` explains ``NAME.sigmf-data``; either name may be given.

Non-conforming datasets are read too: ``core:dataset`` names another file beside the metadata, ``core:header_bytes``
stand before a capture's samples and ``core:trailing_bytes`` at the end of the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from protocols.errors import NotARecording
from replay.recording import Damage, TimeBase
from replay.sample_file import Capture, SampleFile, elapsed_ns, signal_of, whole
from replay.utc_text import parse_utc

TITLE = "SigMF"
META, DATA = ".sigmf-meta", ".sigmf-data"
NAMESPACE = "groundstation"
"""Before our own keys: ``synthetic``, ``link``, ``vehicle`` and ``framing``."""
_LARGEST = 64 * 1024 * 1024
"""The most of a metadata file that is read: half a million captures."""


_GLOBAL = re.compile(rb'"global"\s*:\s*\{')


def recognise_sigmf(head: bytes) -> bool:
    """Whether a file begins as SigMF metadata: a JSON object whose keys are of the ``core`` namespace."""
    return head.lstrip().startswith(b"{") and (b'"core:' in head or _GLOBAL.search(head) is not None)


def sigmf_file(path: Path, rate: float = 0.0, frequency: float = 0.0) -> SampleFile:
    """The samples of a recording, by either of its files' names; a rate or frequency given replaces the metadata's.

    Raises NotARecording, OSError.
    """
    if path.suffix.lower() == ".sigmf":
        raise NotARecording(path, f"a SigMF archive; unpack it with tar -xf and give its {META} file")
    meta = path.with_suffix(META) if path.suffix.lower() == DATA else path
    described = _metadata(meta)
    told, captures = described["global"], described["captures"]
    data = _dataset(path, meta, told)
    damage = Damage()
    assumed: list[str] = []
    begun = captures[0] if captures else {}
    tuned = frequency or _number(meta, begun, "core:frequency", 0.0)
    own_rate = rate or _number(meta, told, "core:sample_rate", 0.0)
    if not own_rate:
        raise NotARecording(meta, "does not tell its rate; add core:sample_rate, or give rate=2.4M")
    signal = signal_of(meta, str(told.get("core:datatype", "")), own_rate, tuned)
    if _integer(meta, told, "core:num_channels", 1) != 1:
        raise NotARecording(meta, "has several channels one into the other; write each into a file of its own")
    found, base = _captures(meta, described, data, signal.size, signal.rate, damage, assumed)
    return SampleFile(data, TITLE, signal, found, base, assumed=assumed, damage=damage, about=dict(told))


def _metadata(meta: Path) -> dict[str, Any]:
    """The metadata, with ``global`` an object and ``captures`` a list of objects. Raises NotARecording, OSError."""
    try:
        with meta.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise NotARecording(meta, "is missing; copy it beside the samples it explains") from None
    if len(text) > _LARGEST:
        raise NotARecording(meta, f"has more than {_LARGEST:,} bytes; SigMF metadata is wanted here")
    try:
        described = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotARecording(meta, f"is no SigMF metadata ({error}); correct it or copy it anew") from None
    captures = described.get("captures", []) if isinstance(described, dict) else None
    right = isinstance(captures, list) and all(isinstance(each, dict) for each in captures)
    if not right or not isinstance(described.get("global"), dict):
        raise NotARecording(meta, "is no SigMF metadata: it wants an object global and a list captures of objects")
    return {"global": described["global"], "captures": captures}


def _dataset(path: Path, meta: Path, told: Mapping[str, Any]) -> Path:
    """The file of samples. A name with a folder in it is refused: a data file must not choose what else is read."""
    name = told.get("core:dataset")
    if told.get("core:metadata_only") is True:
        raise NotARecording(meta, "is metadata without samples (core:metadata_only); nothing can be read of it")
    if name is None:
        data = path if path.suffix.lower() == DATA else meta.with_suffix(DATA)
    elif isinstance(name, str) and name and name not in (".", "..") and "\0" not in name and Path(name).name == name:
        data = meta.with_name(name)
    else:
        raise NotARecording(meta, f"core:dataset must be the name of a file beside it, without folder; found {name!r}")
    if not data.is_file():
        raise NotARecording(meta, f"its samples are missing: copy {data.name} beside it")
    return data


def _captures(
    meta: Path, described: Mapping[str, Any], data: Path, size: int, rate: float, damage: Damage, assumed: list[str]
) -> tuple[tuple[Capture, ...], TimeBase]:
    """Where each capture's samples stand, and when the first of each was taken."""
    told = described["global"]
    offset = _integer(meta, told, "core:offset", 0)
    listed = described["captures"] or [{"core:sample_start": offset}]  # which an empty list means
    begins = [_integer(meta, each, "core:sample_start", -1) - offset for each in listed]
    if any(begin < 0 for begin in begins) or begins != sorted(begins):
        raise NotARecording(meta, "core:sample_start of its captures must be there and ascend, from core:offset on")
    headers = [_integer(meta, each, "core:header_bytes", 0) for each in listed]
    left = data.stat().st_size - sum(headers) - _integer(meta, told, "core:trailing_bytes", 0)
    total = whole(max(0, left), size, damage)
    if begins[0] and total:
        damage.note(f"{min(begins[0], total):,} samples stand before the first capture", min(begins[0], total) * size)
    if begins[-1] > total:
        damage.note(f"cut short: its last capture begins at sample {begins[-1]:,}, and {total:,} are there")
    times, base = _times(listed, begins, rate, assumed)
    found, before = [], 0
    for index, begin in enumerate(begins):
        before += headers[index]
        end = min(begins[index + 1] if index + 1 < len(begins) else total, total)
        frequency = _number(meta, listed[index], "core:frequency", 0.0)
        if end > begin:
            found.append(Capture(begin, end - begin, before + begin * size, times[index], frequency))
    if len(tuned := {each.frequency for each in found}) > 1:
        assumed.append(f"its captures were taken at {len(tuned)} frequencies; all are read by the first one's")
    return tuple(found), base


def _times(
    listed: list[Mapping[str, Any]], begins: list[int], rate: float, assumed: list[str]
) -> tuple[list[int], TimeBase]:
    """When each capture begins: as it says, else by counting samples from one that does."""
    texts = [each.get("core:datetime") for each in listed]
    known = [parse_utc(text) if isinstance(text, str) else None for text in texts]
    anchor = next((index for index, each in enumerate(known) if each is not None), None)
    if anchor is None:
        assumed.append("when it was made is not known: times count from its first sample")
        return [elapsed_ns(begin - begins[0], rate) for begin in begins], TimeBase.VEHICLE
    if None in known:
        assumed.append("captures without a time follow the others without a gap")
    times: list[int] = []
    at, at_ns = begins[anchor], known[anchor] or 0
    for begin, own in zip(begins, known, strict=True):
        at, at_ns = (at, at_ns) if own is None else (begin, own)
        times.append(at_ns + elapsed_ns(begin - at, rate))
    return times, TimeBase.UTC


def _integer(meta: Path, told: Mapping[str, Any], key: str, default: int) -> int:
    """A whole number that is not negative. Raises NotARecording."""
    value = told.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        raise NotARecording(meta, f"{key} must be a whole number from 0; found {str(value)[:40]}")
    return value


def _number(meta: Path, told: Mapping[str, Any], key: str, default: float) -> float:
    """A number. Raises NotARecording."""
    value = told.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotARecording(meta, f"{key} must be a number; found {str(value)[:40]}")
    return float(value)
