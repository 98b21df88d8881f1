"""MQTT topic filters and the store of retained messages: OASIS MQTT 3.1.1 and 5.0, clauses 4.7, 3.3.1.3. Sans-I/O."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

from groundstation.bus.mqtt_packets import Message


def filter_pattern(topic_filter: bytes) -> re.Pattern[bytes] | None:
    """The pattern that fully matches the topics of this filter; None if it is no filter (clause 4.7.1).

    ``#`` takes its parent level too; one that starts with a wildcard takes no topic that starts with ``$`` (4.7.2).
    """
    levels = topic_filter.split(b"/")
    mixed = any(len(each) > 1 and set(each) & set(b"+#") for each in levels)
    if not topic_filter or mixed or b"#" in topic_filter[:-1]:
        return None
    start = rb"(?!\$)" if levels[0] in (b"+", b"#") else b""
    deep = levels[-1] == b"#"
    pattern = b"/".join(b"[^/]*" if each == b"+" else re.escape(each) for each in levels[: len(levels) - deep])
    rest = b"" if not deep else b"(?:/.*)?" if len(levels) > 1 else b".*"
    return re.compile(start + pattern + rest, re.DOTALL)


@dataclass(slots=True)
class RetainedStore:
    """The last message of each topic, bounded. Policy: a message that does not fit is not retained.

    What is already retained stays, but on the topic of the message that did not fit: there the old one goes, because an
    old value that looks current is worse than none.
    """

    topic_limit: int
    byte_limit: int
    size: int = 0
    """Bytes of topics, payloads and properties held."""
    _messages: dict[bytes, Message] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._messages)

    def keep(self, message: Message) -> bool:
        """Retain this message in the place of the last one of its topic, or forget the topic if its payload is empty.

        False if it did not fit.
        """
        self._forget(message.topic)
        if not message.payload:
            return True
        size = message.size
        if len(self._messages) >= self.topic_limit or self.size + size > self.byte_limit:
            return False
        self._messages[message.topic] = message
        self.size += size
        return True

    def matching(self, topic_filter: bytes) -> Iterator[Message]:
        """The retained messages of the topics that this filter takes, oldest first, but those that have expired."""
        if b"+" in topic_filter or b"#" in topic_filter:
            pattern = filter_pattern(topic_filter)
            found = [each for topic, each in self._messages.items() if pattern and pattern.fullmatch(topic)]
        else:
            found = [self._messages[topic_filter]] if topic_filter in self._messages else []
        for message in found:
            if message.expires_at is not None and message.expires_at <= monotonic():
                self._forget(message.topic)
            else:
                yield message

    def _forget(self, topic: bytes) -> None:
        old = self._messages.pop(topic, None)
        if old is not None:
            self.size -= old.size
