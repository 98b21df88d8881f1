"""TMATS, the setup record (Chapter 9): attributes ``CODE:VALUE;`` that say what each channel carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LARGEST_TEXT = 1 << 22
"""Bytes of a setup record that are read: some ten times as many as the longest in use."""
_DATE = re.compile(r"(\d\d)-(\d\d)-((?:19|20)\d\d)\b")
r"""MM-DD-YYYY, as R-x\RI4 has it (table 9-4)."""
_UNENDED = re.compile(r"\n(?=[A-Z](?:-\d+)?\\[^:\n]*:)")
"""Where a statement begins though the one before was not ended, as in records found in the field."""
_EVENT = re.compile(r"R-\d+\\EV\\(D|ID)-(\d{1,6})", re.ASCII)
_NUMBERED = re.compile(r"R-(\d+)\\TK1-(\d+)")


@dataclass(frozen=True, slots=True)
class TmatsChannel:
    """What a setup record says of a channel."""

    name: str
    r"""Data source identifier (R-x\DSI-n)."""
    kind: str
    r"""Channel data type (R-x\CDT-n): PCMIN, 1553IN, ANAIN, ..."""
    recorder: str
    """The x of its attributes R-x."""
    number: str
    r"""The n of its attributes R-x\...-n."""


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """The minor frame of a PCM stream (the P group)."""

    sync: str
    r"""Its sync pattern, ones and zeros (P-d\MF5)."""
    word_bits: tuple[int, ...]
    r"""The length of each word after the sync pattern, in order: word 1 first (P-d\F1, MFW1, MFW2)."""
    minor_frames: int
    r"""Minor frames in a major frame (P-d\MF\N)."""
    counter_word: int = 0
    r"""The word with the subframe ID counter, from 1 (P-d\IDC1-1); 0: none is stated."""
    counter_bit: int = 0
    r"""The first bit of the counter in its word, from 0 at the highest (P-d\IDC3-1)."""
    counter_bits: int = 0
    r"""The counter's length (P-d\IDC4-1)."""

    @property
    def bits(self) -> int:
        """Bits of the minor frame, sync pattern included."""
        return len(self.sync) + sum(self.word_bits)


@dataclass(frozen=True, slots=True)
class Tmats:
    """A setup record."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    """Values by code, codes in capitals; of a code given several times the first."""
    channels: Mapping[int, TmatsChannel] = field(default_factory=dict)
    r"""What is said of channels, by channel ID (R-x\TK1-n)."""
    events: Mapping[int, str] = field(default_factory=dict)
    r"""What recording events are, by number (R-x\EV\D-n, R-x\EV\ID-n)."""
    streams: Mapping[str, str] = field(default_factory=dict)
    r"""The P group of each PCM stream, ``P-d``, by its name (P-d\DLN)."""
    year: int = 0
    r"""The year recorded, by the date of recording (R-x\RI4, R-x\RI5 in early editions); 0 where there is none."""

    @property
    def program(self) -> str:
        r"""Program name (G\PN)."""
        return self.attributes.get("G\\PN", "")

    def of(self, channel: int, code: str, part: str = "") -> str:
        r"""An attribute of a channel, ``R-x\CODE-n`` or ``R-x\CODE-n-part``; empty where it is not stated."""
        told = self.channels.get(channel)
        if told is None:
            return ""
        return self.attributes.get(f"R-{told.recorder}\\{code}-{told.number}{f'-{part}' if part else ''}", "")

    def pcm(self, channel: int) -> PcmFormat | None:
        """The minor frame of a PCM channel; None where it is not stated, or cannot be."""
        link = self.of(channel, "PDLN") or self.of(channel, "CDLN")
        group = self.streams.get(link, "")
        return self._minor_frame(group) if link and group else None

    def _minor_frame(self, group: str) -> PcmFormat | None:
        def number(code: str) -> int:
            text = self.attributes.get(f"{group}\\{code}", "")
            return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0

        sync, common, words = self.attributes.get(f"{group}\\MF5", ""), number("F1"), number("MF1") - 1
        if not sync or set(sync) - {"0", "1"} or not 1 <= common <= 64 or not 1 <= words <= 16_384:
            return None
        lengths = [common] * words
        for each in range(1, min(number("MFW\\N"), words) + 1):
            place, bits = number(f"MFW1-{each}"), number(f"MFW2-{each}")
            if 1 <= place <= words and 1 <= bits <= 64:
                lengths[place - 1] = bits
        made = PcmFormat(sync, tuple(lengths), max(1, number("MF\\N")))
        stated = number("MF2")
        if stated not in (0, made.bits):
            return None
        return self._with_counter(made, number("IDC1-1"), number("IDC3-1"), number("IDC4-1"))

    @staticmethod
    def _with_counter(made: PcmFormat, word: int, bit: int, bits: int) -> PcmFormat:
        """The format with its counter, where that fits in its word; a counter as long as the word needs no place."""
        if not 1 <= word <= len(made.word_bits) or not bits or made.minor_frames < 2:
            return made
        room = made.word_bits[word - 1]
        first = 0 if bits == room else bit - 1
        if first < 0 or first + bits > room:
            return made
        return PcmFormat(made.sync, made.word_bits, made.minor_frames, word, first, bits)


def parse_tmats(text: str) -> Tmats:
    """The setup record in a text; what is none in it is passed over."""
    attributes: dict[str, str] = {}
    for statement in text.split(";"):
        code, colon, value = statement.partition(":")
        if not colon:
            continue
        kept, *more = _UNENDED.split(value.lstrip()) if "\n" in value else (value.lstrip(),)
        attributes.setdefault(code.strip().upper(), kept.rstrip())
        for next_code, _, next_value in (each.partition(":") for each in more):
            attributes.setdefault(next_code.strip().upper(), next_value.strip())
    return _indexed(attributes)


def _indexed(attributes: Mapping[str, str]) -> Tmats:
    """A setup record with all that is asked for by a number or a name found in one pass."""
    channels: dict[int, TmatsChannel] = {}
    events: dict[tuple[int, bool], str] = {}
    streams: dict[str, str] = {}
    year = 0
    for code, value in attributes.items():
        if code.startswith("P-") and code.endswith("\\DLN"):
            streams.setdefault(value, code.removesuffix("\\DLN"))
        elif not code.startswith("R-"):
            continue
        elif found := _NUMBERED.fullmatch(code):
            if value.isascii() and value.isdigit() and len(value) < 6:
                name, kind = (attributes.get(f"R-{found[1]}\\{what}-{found[2]}", "") for what in ("DSI", "CDT"))
                channels.setdefault(int(value), TmatsChannel(name, kind, found[1], found[2]))
        elif found := _EVENT.fullmatch(code):
            events.setdefault((int(found[2]), found[1] == "D"), value)
        elif not year and code.endswith(("\\RI4", "\\RI5")) and (dated := _DATE.search(value)):
            year = int(dated[3])
    return Tmats(attributes, channels, {number: told for (number, _), told in sorted(events.items())}, streams, year)
