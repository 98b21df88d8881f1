"""Digests as they are found in a recording: what its writer says it had recorded and decoded by then."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import orjson

from replay.recording import RecordedEvent

Counted = tuple[int, str]
"""How many, and the SHA-256 of them as hex."""


@dataclass(frozen=True, slots=True)
class LinkStand:
    """What is said of one link."""

    chunks: int
    """Recorded."""
    bytes: int
    raw: str
    times: str
    decoded: int
    """Chunks."""
    packets: Mapping[str, Counted]
    lost: int
    """Chunks that were decoded and could not be recorded: then what was decoded is not what is in the file."""
    skipped: int
    """Chunks that were recorded and not decoded."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What is said of all links at one moment."""

    received_ns: int
    final: bool
    """Whether the recording was closed then."""
    finished: frozenset[str]
    """Links of which the end is decoded too."""
    software: Mapping[str, str]
    links: Mapping[str, LinkStand]
    alarms: Counted
    events: Counted
    seal: str

    @classmethod
    def of(cls, event: RecordedEvent) -> Self | None:
        """From the event in a recording; None where it cannot be understood, or its seal is not that of the others."""
        told = event.detail
        try:
            if _sealed(told) != told["seal"]:
                return None
            return cls(
                event.received_ns,
                told["final"] is True,
                frozenset(map(str, told["finished"])),
                {str(name): str(each) for name, each in told["software"].items()},
                {str(name): _stand(each) for name, each in told["links"].items()},
                _counted(told["alarms"]),
                _counted(told["events"]),
                str(told["seal"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def _sealed(told: Mapping[str, Any]) -> str:
    """The seal that digests have (:meth:`groundstation.digests.Digests.as_dict`). Raises KeyError."""
    others = {name: told[name] for name in ("links", "alarms", "events")}
    return hashlib.sha256(orjson.dumps(others, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _stand(told: Mapping[str, Any]) -> LinkStand:
    packets = {str(name): _counted(each) for name, each in told["packets"].items()}
    numbers = (_count(told["chunks"]), _count(told["bytes"]), str(told["raw"]), str(told["times"]))
    return LinkStand(*numbers, _count(told["decoded"]), packets, _count(told["lost"]), _count(told["skipped"]))


def _counted(told: Mapping[str, Any]) -> Counted:
    return _count(told["count"]), str(told["sha256"])


def _count(told: object) -> int:
    """A number of things. Raises ValueError on anything else."""
    if type(told) is not int or told < 0:
        raise ValueError(told)
    return told
