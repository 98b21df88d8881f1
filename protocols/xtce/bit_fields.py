"""Fields whose size only the data tell, as construct nodes of a stream of bits, and how they look at other values."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from io import BytesIO
from operator import getitem
from typing import TYPE_CHECKING, Any, TypeAlias

import construct as cs
from construct.lib import bits2bytes, bits2integer

Context: TypeAlias = Any
"""Construct's: the values of the packet so far."""
Size: TypeAlias = "int | Callable[[Context], int]"
"""A number that is known, or that values before it tell."""

if TYPE_CHECKING:
    _Construct = cs.Construct[Any, Any]
else:
    _Construct = cs.Construct  # generic in the stubs only

MOST = 65_536
"""Elements of all arrays of a packet whose length the data tell: as many as the longest space packet has bytes."""
_ELEMENTS = "_elements"
"""Where a packet's outermost context counts them: elements may be empty, and arrays stand in arrays."""


def lookup(context: Context, path: tuple[str, ...]) -> Any:
    """The value of that path, of the innermost structure that has it and else of the header.

    Raises construct.StreamError where there is none: a part that is not there this time.
    """
    while context is not None:
        for found in (context, context.get("header")):
            if isinstance(found, dict) and path[0] in found:
                return reduce(getitem, path, found)
        context = context.get("_")
    raise cs.StreamError(f"there is no {'.'.join(path)} in this packet")


def plain(value: Any) -> Any:
    """Codes for labels and truths; everything else as it is."""
    return int(value) if isinstance(value, (cs.EnumIntegerString, cs.EnumInteger, bool)) else value


def evaluated(size: Size, context: Context) -> int:
    """The number, which is not negative. Raises construct.StreamError where it is."""
    number = size if isinstance(size, int) else size(context)
    if number < 0:
        raise cs.StreamError(f"a size of {number}")
    return number


def counted(count: Size) -> Size:
    """The count of an array; what the data tell is bounded."""
    if isinstance(count, int):
        return count

    def bounded(context: Context) -> int:
        number = evaluated(count, context)
        packet = context
        while packet.get("_") is not None:
            packet = packet["_"]
        packet[_ELEMENTS] = packet.get(_ELEMENTS, 0) + number
        if packet[_ELEMENTS] > MOST:
            raise cs.StreamError(f"arrays of {packet[_ELEMENTS]}")
        return number

    return bounded


def _octets(bits: bytes) -> bytes:
    """Bits as bytes, the first with zeros in front where they do not fill it."""
    return bits2bytes(bytes(-len(bits) % 8) + bits)


class Octets(_Construct):
    """Bytes of so many bits."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size

    def _parse(self, stream: Any, context: Context, path: str) -> bytes:
        return _octets(cs.stream_read(stream, evaluated(self.size, context), path))

    def _sizeof(self, context: Context, path: str) -> int:  # noqa: ARG002 construct's interface
        if isinstance(self.size, int):
            return self.size
        raise cs.SizeofError("its size is in the data", path=path)


class Text(_Construct):
    """A text in a buffer of so many bits, which it fills, tells the length of in front, or ends with a character."""

    def __init__(self, size: Size | None, encoding: str, tag: int, terminator: bytes) -> None:
        """Size None: the buffer ends where the text does. Tag is the bits of a length, in bits; 0: there is none."""
        super().__init__()
        self.size, self.encoding, self.tag, self.terminator = size, encoding, tag, terminator

    def _parse(self, stream: Any, context: Context, path: str) -> str:
        if self.size is not None:
            stream = BytesIO(cs.stream_read(stream, evaluated(self.size, context), path))
        if self.tag:
            length = bits2integer(cs.stream_read(stream, self.tag, path))
            data = _octets(cs.stream_read(stream, length, path))
        elif self.size is None:
            data = self._terminated(stream, path)
        else:
            data = bits2bytes((bits := stream.read()) + bytes(-len(bits) % 8))
            data = data[: self._end(data)]
        return data.decode(self.encoding, "replace")

    def _terminated(self, stream: Any, path: str) -> bytes:
        """What stands before the terminator, which is taken too."""
        parts, width = [], len(self.terminator)
        while (part := _octets(cs.stream_read(stream, 8 * width, path))) != self.terminator:
            parts.append(part)
        return b"".join(parts)

    def _end(self, data: bytes) -> int | None:
        """Where a text in a whole buffer ends."""
        width = len(self.terminator)
        places = range(0, len(data) - width + 1, width) if width else ()
        return next((at for at in places if data[at : at + width] == self.terminator), None)

    def _sizeof(self, context: Context, path: str) -> int:  # noqa: ARG002 construct's interface
        if isinstance(self.size, int):
            return self.size
        raise cs.SizeofError("its size is in the data", path=path)
