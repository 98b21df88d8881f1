"""The tables of a campaign file: what may stand in it, of which type, and what is said of what may not."""

from __future__ import annotations

import difflib
import re
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from replay.recording_part import Rotation

Mistake = tuple[str, str]
"""A dotted key, and what was found there and is allowed."""

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_NAMING = "want letters, digits, dots, dashes and underscores, a letter or digit first, at most 64"


def _pair(value: Any) -> Any:
    """A list of two numbers as a pair."""
    numbers = isinstance(value, list) and all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in value)
    if not numbers or len(value) != 2:
        raise ValueError("want [low, high], with -inf or inf for an open side")
    return tuple(value)


def _name_or_table(value: Any) -> Any:
    if not isinstance(value, (str, dict)):
        raise ValueError("want a framing's name, or a table { kind = NAME, option = value }")  # noqa: TRY004 pydantic's
    return value


def _text_or_table(value: Any) -> Any:
    if not isinstance(value, (str, dict)):
        raise ValueError('want a modem as "fsk:9600", or a table { kind = NAME, baud = NUMBER }')  # noqa: TRY004 pydantic's
    return value


Side = Annotated[tuple[float, float], BeforeValidator(_pair)]
Framing = Annotated[str | dict[str, Any], BeforeValidator(_name_or_table)]


def _size(value: Any) -> int:
    """A size in bytes from a text."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,6})?) ?([kMGT]i?)?B", value, re.ASCII) if isinstance(value, str) else None
    size = int(Decimal(found[1]) * _BYTES[found[2] or ""]) if found else 0
    if size < LEAST_SIZE:
        raise ValueError('want a size in quotes of 1MB or more, as "2GB" or "500MB"')
    return size


def _duration(value: Any) -> float:
    """A duration in s from a text."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?) ?(s|min|h|d)", value, re.ASCII) if isinstance(value, str) else None
    duration = float(Decimal(found[1]) * _SECONDS[found[2]]) if found else 0.0
    if duration < LEAST_DURATION_S:
        raise ValueError('want a duration in quotes of 10s or more, as "1h" or "30min"')
    return duration


LEAST_SIZE, LEAST_DURATION_S = 1_000_000, 10.0
"""Shorter parts would be mostly preamble, and there would be too many."""
_BYTES = {
    "": 1,
    **{f"{k}": 1000**n for n, k in enumerate("kMGT", 1)},
    **{f"{k}i": 1024**n for n, k in enumerate("kMGT", 1)},
}
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
Size = Annotated[int, BeforeValidator(_size)]
"""Bytes, in the file a text with a unit."""
Duration = Annotated[float, BeforeValidator(_duration)]
"""Seconds, in the file a text with a unit."""
Modem = Annotated[str | dict[str, Any], BeforeValidator(_text_or_table)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CampaignTable(_Table):
    """``[campaign]``"""

    name: str = Field(pattern=f"^{_NAME}$")
    """Names the recording and the bus's topics."""
    vehicle: str
    """A vehicle that comes with the project, or a ``./file.py`` beside the campaign file."""


class LinkTable(_Table):
    """``[links.NAME]``"""

    source: str
    """``kind:address?option=value``."""
    framing: Framing = ""
    """A framing's name, or ``{ kind = ..., option = ... }``; left out: the vehicle's usual one."""
    modem: Modem = ""
    """For a source of samples: ``KIND:BAUD?option=value`` or ``{ kind = ..., baud = ... }``."""
    satellite: str = ""
    """For a source of samples, instead of modem and framing: a satellite known by name."""
    silent_after: float = Field(default=3.0, gt=0)
    """Seconds without a byte after which the link is called silent."""


class LimitTable(_Table):
    """``[limits."packet.measurement"]``: what is given replaces what the declaration says."""

    yellow: Side | None = None
    red: Side | None = None
    persistence: int | None = Field(default=None, ge=1)
    persistence_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    hysteresis: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    when: list[str] | None = None
    """The flight phases in which it holds; empty: always."""


class MqttTable(_Table):
    """``[mqtt]``: left out, an embedded broker on loopback."""

    url: str
    """``mqtt://host:port`` or ``mqtts://user@host:port``; the password comes from the environment or a file."""
    password_file: str = ""
    """Relative to the campaign file."""

    @field_validator("url")
    @classmethod
    def _is_mqtt(cls, text: str) -> str:
        try:
            parts = urlsplit(text)
            good = parts.scheme in ("mqtt", "mqtts") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise ValueError("want mqtt://host:port or mqtts://host:port, the port from 1 to 65535")
        if parts.password is not None:
            raise ValueError("no password in the file; set GROUNDSTATION_MQTT_PASSWORD or mqtt.password_file")
        return text


class RecordingTable(_Table):
    """``[recording]``"""

    directory: str = "recordings"
    """Where recordings go, relative to the campaign file."""
    rotate_size: Size | None = None
    """``"2GB"``: a recording goes on in a further file when it has so many bytes, samples included."""
    rotate_every: Duration | None = None
    """``"1h"``: and when it is so old."""

    @property
    def rotation(self) -> Rotation:
        """When the recording goes on in a further file."""
        every = self.rotate_every
        return Rotation(self.rotate_size, None if every is None else round(every * 1e9))


class CampaignFile(_Table):
    """A whole campaign file."""

    campaign: CampaignTable
    links: dict[str, LinkTable] = Field(min_length=1)
    limits: dict[str, LimitTable] = {}
    mqtt: MqttTable | None = None
    recording: RecordingTable = RecordingTable()

    @field_validator("links")
    @classmethod
    def _have_names(cls, links: dict[str, LinkTable]) -> dict[str, LinkTable]:
        for name in links:
            if not re.fullmatch(_NAME, name):
                raise ValueError(f"{name!r} cannot name a link; {_NAMING}")
        return links


_TABLES: dict[str, type[BaseModel]] = {
    "campaign": CampaignTable,
    "links": LinkTable,
    "limits": LimitTable,
    "mqtt": MqttTable,
    "recording": RecordingTable,
}


def mistakes(error: ValidationError) -> list[Mistake]:
    """What pydantic found, in the file's terms."""
    return [(dotted(*problem["loc"]), _sentence(problem)) for problem in error.errors()]


def dotted(*parts: str | int) -> str:
    """A dotted key as TOML writes it: ``limits."power.voltage".red``."""
    return ".".join(str(part) if re.fullmatch(r"[\w-]+", str(part), re.ASCII) else f'"{part}"' for part in parts)


def _sentence(problem: Any) -> str:
    kind, where, found = problem["type"], problem["loc"], problem["input"]
    if kind == "missing":
        return f"is missing; add {_EXAMPLES.get(where[-1], 'it')}"
    if kind == "extra_forbidden":
        return _unknown(where, found)
    if kind == "string_pattern_mismatch":
        return f"found {_shown(found)}; {_NAMING}"
    if kind in _WANTED:
        return f"found {_shown(found)}; {_WANTED[kind].format(**problem.get('ctx', {}))}"
    wanted = problem["msg"].removeprefix("Value error, ")
    return wanted if "cannot name" in wanted else f"found {_shown(found)}; {wanted}"


def _unknown(where: tuple[str | int, ...], found: Any) -> str:
    if where[0] == "limits" and isinstance(found, dict):  # TOML takes the dots of a bare name for nesting
        names = ".".join(map(str, where[1:]))
        return f'is no key here; put the whole name of the measurement in quotes: [limits."{names}"]'
    table = CampaignFile if len(where) == 1 else _TABLES[str(where[0])]
    allowed = list(table.model_fields)
    near = difflib.get_close_matches(str(where[-1]), allowed, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"is no key here; {hint}allowed are {', '.join(allowed)}"


def _shown(value: Any) -> str:
    """A value as a message may show it: short, and without a password."""
    text = repr(value) if isinstance(value, (str, int, float, list, dict)) else str(value)
    text = {"True": "true", "False": "false"}.get(text, text)
    text = re.sub(r"(://[^:@/]*):.*@", r"\1:***@", text)
    return text if len(text) <= 120 else f"{text[:117]}..."


_EXAMPLES = {
    "campaign": "the table [campaign]",
    "links": "at least one table [links.NAME]",
    "name": 'name = "NAME"',
    "vehicle": 'vehicle = "NAME" (see `groundstation info`), or a ./file.py beside this one',
    "source": 'source = "KIND:TARGET" (see `groundstation info`)',
    "url": 'url = "mqtt://host:port"',
}
_WANTED = {
    "string_type": "want a text in quotes",
    "int_type": "want a whole number",
    "float_type": "want a number",
    "finite_number": "want a finite number",
    "greater_than": "want more than {gt:g}",
    "greater_than_equal": "want {ge:g} or more",
    "list_type": 'want a list of texts, as ["boost", "coast"]',
    "dict_type": "want a table",
    "model_type": "want a table",
    "too_short": "want at least one table [links.NAME]",
}
