"""Times as text: RFC 3339 in UTC with nanoseconds, as SigMF writes ``core:datetime``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

SECOND_NS = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?\s*(?:[Zz]|([+-])(\d\d):?(\d\d))?", re.ASCII
)


def utc_text(at_ns: int) -> str:
    """A time in ns UTC with all its digits: ``2026-11-21T04:41:51.000000001Z``."""
    seconds, rest = divmod(at_ns, SECOND_NS)
    return f"{(_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()}.{rest:09}Z"


def parse_utc(text: str) -> int | None:
    """The time a text tells, in ns UTC; without an offset it is UTC. None where it tells none."""
    found = _TEXT.fullmatch(text.strip()[:80])
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    at_ns = utc_ns(year, month, day, hour, minute, second, int((found[7] or "0")[:9].ljust(9, "0")))
    if at_ns is None or found[8] is None:
        return at_ns
    offset_ns = (int(found[9]) * 60 + int(found[10])) * 60 * SECOND_NS
    return at_ns - offset_ns if found[8] == "+" else at_ns + offset_ns


def utc_ns(year: int, month: int, day: int, hour: int, minute: int, second: int, rest_ns: int = 0) -> int | None:
    """A date in UTC as ns; second 60 of a leap second is the first of the next minute. None where there is none."""
    try:
        date = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    leap = second - min(second, 59)
    if leap > 1:
        return None
    return ((date - _EPOCH) // timedelta(seconds=1) + leap) * SECOND_NS + rest_ns
