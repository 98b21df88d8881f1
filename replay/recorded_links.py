"""How links and their chunks are put into the records of a recording."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from protocols.chunk import Chunk
from protocols.signal import Signal
from replay.json_text import writable
from replay.mcap_records import MESSAGE, MESSAGE_FIELDS, ChannelRecord
from replay.record_walk import CHANNEL_BASE, MAX_DATA, sealed
from replay.recording import RecordedLink
from replay.recording_contents import EVENTS_TOPIC, RAW_TOPIC, SAMPLES_TOPIC
from replay.sample_file import elapsed_ns

EVENTS = ChannelRecord(CHANNEL_BASE, 1, EVENTS_TOPIC, "json", {})
"""The channel of events."""
RAW_ENCODING = "application/octet-stream"
"""The message encoding of raw chunks: bytes, with no meaning but that of the link's framing."""

_SEQUENCE = 0xFFFFFFFF


def channels(links: Mapping[str, RecordedLink], datasets: Mapping[str, str]) -> list[ChannelRecord]:
    """The channel of events and one for each link; datasets are the files of those that have samples."""
    described = enumerate(links.items(), CHANNEL_BASE + 1)
    return [sealed(EVENTS), *(sealed(_channel(number, name, link, datasets)) for number, (name, link) in described)]


def _channel(number: int, name: str, link: RecordedLink, datasets: Mapping[str, str]) -> ChannelRecord:
    about = {"link": name, "vehicle": link.vehicle, "framing": json_of(link.framing).decode()}
    if link.signal is None:
        return ChannelRecord(number, 0, RAW_TOPIC + name, RAW_ENCODING, about)
    about |= {"signal": json_of(link.signal.as_dict()).decode(), "dataset": datasets[name]}
    return ChannelRecord(number, 0, SAMPLES_TOPIC + name, "json", about)


def message(number: int, sequence: int, time_ns: int, data: bytes) -> bytes:
    """A message of a channel."""
    head = MESSAGE.pack(5, MESSAGE_FIELDS + len(data), number, sequence & _SEQUENCE, time_ns, time_ns)
    return head + data


def parts(chunk: Chunk, signal: Signal | None) -> Iterator[Chunk]:
    """A chunk, divided where a reader would not believe it to be one; samples with the time of each part's last."""
    size = signal.size if signal else 1
    most = MAX_DATA - MAX_DATA % size
    for begin in range(0, max(len(chunk.data), 1), most):
        data = chunk.data[begin : begin + most] if len(chunk.data) > most else chunk.data
        after_ns = elapsed_ns((len(chunk.data) - begin - len(data)) // size, signal.rate) if signal else 0
        yield Chunk(chunk.link, data, chunk.received_ns - after_ns)


def json_of(value: Any) -> bytes:
    """JSON, with the read-only mappings of our own types written as objects."""
    options = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    try:
        return orjson.dumps(value, default=_plain, option=options)
    except TypeError:  # a number of more than 64 bits, or a text that is no UTF-8: the name of a file, say
        return orjson.dumps(writable(value), default=_plain, option=options)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON: {value!r}")
