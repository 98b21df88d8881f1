"""Which stations a broker knows, and which one a console should open when nobody said."""

from dataclasses import dataclass, field

import orjson

from groundstation.console.payloads import Status, read

SETTLE_NS = 700_000_000
"""After the first station is seen, how long others may still announce themselves before the only one is taken."""
_PRESENT = frozenset({"starting", "running", "ended"})


@dataclass(slots=True)
class Stations:
    """The newest status of every station, by the root of its topics."""

    known: dict[str, Status] = field(default_factory=dict)
    _first_ns: int | None = None

    def take(self, topic: str, payload: bytes, at_ns: int) -> None:
        """Take a status message; what is none is passed over."""
        try:
            message = orjson.loads(payload)
        except ValueError:
            return
        if isinstance(message, dict) and topic.endswith("/status"):
            self.known[topic.removesuffix("/status")] = read(Status, message)
            self._first_ns = at_ns if self._first_ns is None else self._first_ns

    @property
    def present(self) -> list[str]:
        """Roots of the stations that are there."""
        return [root for root, status in self.known.items() if status.state in _PRESENT]

    def only_one(self, at_ns: int) -> str | None:
        """The root of the only station there, once others had time to say so; None while there is a choice to make."""
        if self._first_ns is None or at_ns - self._first_ns < SETTLE_NS or len(self.present) != 1:
            return None
        return self.present[0]
