"""What bounds the embedded broker, and what it counts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """What bounds the broker's memory and time. Our choice: ample for a station and a dozen consoles."""

    packet: int = 2 << 20
    """Bytes. A larger packet ends the connection that sends it."""
    queue: int = 32 << 20
    """Bytes that may wait for one reader. Beyond, the oldest QoS 0 messages are dropped; QoS 1 ends the connection."""
    retained_bytes: int = 16 << 20
    """Bytes retained in all. A message that does not fit is delivered, but not retained."""
    retained_topics: int = 10_000
    """Topics retained in all, by the same policy."""
    connections: int = 64
    """For a further one the oldest that has not said CONNECT goes; if there is none such, it is closed at once."""
    filters: int = 500
    """Topic filters of one connection. Further ones are refused in the SUBACK."""
    connect_s: float = 10.0
    """Seconds in which a new connection must say CONNECT."""


@dataclass(slots=True)
class BrokerCounts:
    """What the broker has done since it started, in messages unless said."""

    received: int = 0
    delivered: int = 0
    """Handed to a reader's socket: one message to three readers counts three."""
    dropped: int = 0
    """QoS 0, to a reader that did not keep up."""
    too_large: int = 0
    """Left out because an MQTT 5 reader said it takes no packet so large."""
    not_retained: int = 0
    """Delivered, but not retained, because the store was full."""
    cut_off: int = 0
    """Connections ended: not MQTT, over a limit, silent for too long, too slow for QoS 1."""
