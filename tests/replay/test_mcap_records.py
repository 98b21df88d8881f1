"""Our MCAP records against the format's own conformance files: the same bytes written, the same values read."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from replay import mcap_parsing as parsing
from replay import mcap_records as records

NAMES = {each.name.title().replace("_", ""): each for each in records.Opcode}


def unchunked(data: Path) -> Iterator[tuple[bytes, list[tuple[str, dict[str, Any]]]]]:
    """The conformance files without chunks: their bytes, and what their JSON says of each record."""
    for path in sorted((data / "mcap_conformance").rglob("*.mcap")):
        if "ch" not in path.stem.split("-"):
            told = json.loads(path.with_suffix(".json").read_text())["records"]
            yield path.read_bytes(), [(each["type"], dict(each["fields"])) for each in told]


def split(data: bytes) -> Iterator[bytes]:
    """A file's records, one after the other."""
    at = len(records.MAGIC)
    while at < len(data) - len(records.MAGIC):
        size = records.RECORD.size + records.RECORD.unpack_from(data, at)[1]
        yield data[at : at + size]
        at += size


def written(kind: str, fields: dict[str, Any]) -> bytes | None:
    """The record as we write it; None for those we write only as part of a whole summary."""
    match kind:
        case "Header":
            return records.header_record(fields["profile"], fields["library"])
        case "Schema":
            data = bytes(map(int, fields["data"]))
            return records.schema_record(int(fields["id"]), fields["name"], fields["encoding"], data)
        case "Channel":
            numbers = int(fields["id"]), int(fields["schema_id"])
            texts = fields["topic"], fields["message_encoding"], fields["metadata"]
            return records.channel_record(records.ChannelRecord(*numbers, *texts))
        case "Message":
            data = bytes(map(int, fields["data"]))
            numbers = (int(fields[name]) for name in ("channel_id", "sequence", "log_time", "publish_time"))
            return records.MESSAGE.pack(5, records.MESSAGE_FIELDS + len(data), *numbers) + data
        case "Metadata":
            return records.metadata_record(fields["name"], fields["metadata"])
        case "MetadataIndex":
            return records.metadata_index_record(int(fields["offset"]), int(fields["length"]), fields["name"])
        case "DataEnd":
            return records.data_end_record(int(fields["data_section_crc"]))
    return None


def test_our_records_are_the_conformance_files_byte_by_byte(data):
    compared = set()
    for content, told in unchunked(data):
        for found, (kind, fields) in zip(split(content), told, strict=True):
            assert found[0] == NAMES[kind]
            expected = written(kind, fields)
            if expected is not None:
                assert expected == found
                compared.add(kind)
    assert compared == {"Header", "Schema", "Channel", "Message", "Metadata", "MetadataIndex", "DataEnd"}


def test_our_summary_is_the_one_of_the_conformance_files(data):
    compared = 0
    for content, told in unchunked(data):
        fields = told[-1][1]
        start, offsets = int(fields["summary_start"]), int(fields["summary_offset_start"])
        if not start or not offsets:
            continue
        at, ordered = start, []
        while at < offsets:
            size = records.RECORD.size + records.RECORD.unpack_from(content, at)[1]
            if not ordered or ordered[-1][0] != content[at]:
                ordered.append((records.Opcode(content[at]), b""))
            ordered[-1] = (ordered[-1][0], ordered[-1][1] + content[at : at + size])
            at += size
        assert records.summary(ordered, start) == content[start:]
        assert parsing.parse_footer(content[-records.TAIL_BYTES :]) == start
        compared += 1
    assert compared > 5


def test_what_conformance_files_tell_is_read(data):
    seen = set()
    for content, told in unchunked(data):
        for found, (kind, fields) in zip(split(content), told, strict=True):
            inside = found[records.RECORD.size :]
            match kind:
                case "Header":
                    assert parsing.parse_header(inside) == (fields["profile"], fields["library"])
                case "Schema":
                    assert parsing.schema_fits(inside)
                    assert not parsing.schema_fits(inside + b"\0")
                case "Channel":
                    channel = parsing.parse_channel(inside)
                    assert (str(channel.number), channel.topic) == (fields["id"], fields["topic"])
                    assert (channel.encoding, channel.metadata) == (fields["message_encoding"], fields["metadata"])
                case "Metadata":
                    assert parsing.parse_metadata(inside) == (fields["name"], fields["metadata"])
            seen.add(kind)
    assert {"Header", "Schema", "Channel", "Metadata"} <= seen
