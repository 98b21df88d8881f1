"""What a framing is: bytes of any size in, frames out, every byte accounted for.

Two invariants hold for every framing, on any bytes: ``receive`` never raises, and after each call
``bytes_in == frame_bytes + discarded + pending``. Memory is bounded: no input makes ``pending`` grow past ``bound``.
And for all but ``datagram``, how the stream is cut into chunks changes nothing but ``received_ns``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import protocols.framing
from protocols.coding.crc import Crc, crc
from protocols.errors import DeclarationError
from protocols.frames import Frames, Ledger, Spans, Times
from protocols.stated_options import check_options

LARGEST = 1 << 24
"""Bytes that a frame may be given as its length. Our choice: so much is held, and twice that."""


class Framer(ABC):
    """Cuts a link's bytes into frames and keeps its ledger."""

    datagrams: ClassVar[bool] = False
    """Whether a chunk's edges carry meaning, so that the stream must not be cut differently."""
    dates: ClassVar[bool] = False
    """Whether its frames bring their own times, instead of having their chunk's."""

    def __init__(self, check: str = "") -> None:
        """Check names a CRC of :mod:`protocols.coding.crc` that ends each frame; it is verified and cut off."""
        self.ledger = Ledger()
        self.check: Crc | None = crc(check) if check else None

    @property
    @abstractmethod
    def bound(self) -> int:
        """The most bytes it ever holds between calls: ``ledger.pending`` stays within, whatever comes."""

    @property
    def sync_state(self) -> str:
        """``search``, ``check``, ``lock`` or ``flywheel`` where the framing keeps such a state; else empty."""
        return ""

    @abstractmethod
    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The frames that data completes. Never raises."""

    def receive_many(self, pieces: Sequence[bytes], received_ns: Sequence[int]) -> Frames:
        """The same as ``receive`` of each piece in turn, in one go where that is faster."""
        each = [self.receive(data, at) for data, at in zip(pieces, received_ns, strict=True)]
        return Frames.join([frames for frames in each if len(frames)] or [Frames.none()])

    def report(self) -> Mapping[str, Any]:
        """What an operator wants to see of it beyond its ledger: of a radio link its spectrum; of most nothing."""
        return {}

    def finish(self) -> Frames:
        """The frames still within it, now that no more bytes will come: of most framings none. Never raises."""
        return Frames.none()

    def counts(self) -> dict[str, Any]:
        """What it counts beside its ledger, ready for JSON: most framings nothing."""
        return {}

    @abstractmethod
    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The stream from which ``receive`` gives bodies back, their checks added. An empty body is no frame."""

    def _checked(self, bodies: Iterable[bytes]) -> Iterator[bytes]:
        append = self.check.append if self.check is not None else bytes
        return (append(body) for body in bodies if body)

    def _deliver(self, bodies: list[bytes], wire: list[int], received_ns: int) -> Frames:
        """Check bodies, each of which took up so many bytes on the wire, and enter them in the ledger; the good ones.

        The way for a few frames: without arrays, since setting those up costs more than a few frames do.
        """
        ledger = self.ledger
        if self.check is not None:
            width, good = self.check.width, self.check.verify(bodies)
            if not all(good):
                ledger.crc_failures += good.count(False)
                ledger.discarded += sum(taken for taken, ok in zip(wire, good, strict=True) if not ok)
                wire = [taken for taken, ok in zip(wire, good, strict=True) if ok]
            bodies = [body[:-width] for body, ok in zip(bodies, good, strict=True) if ok]
        return self._enter(bodies, wire, received_ns)

    def _enter(self, bodies: list[bytes], wire: list[int], received_ns: int) -> Frames:
        """Enter bodies already checked and without their checks in the ledger."""
        self.ledger.frames += len(bodies)
        self.ledger.frame_bytes += sum(wire)
        return Frames.of(bodies, received_ns) if bodies else Frames.none()

    def _deliver_spans(self, spans: Spans, wire: NDArray[np.int64], received_ns: Times) -> Frames:
        """The same as ``_deliver`` for many frames, as stretches of one buffer."""
        if self.check is not None:
            ledger = self.ledger
            good = self.check.verify_spans(spans.data, spans.begins, spans.ends)
            if not good.all():
                ledger.crc_failures += int(len(good) - np.count_nonzero(good))
                ledger.discarded += int(wire[~good].sum())
                spans, wire = spans.where(good), wire[good]
                received_ns = received_ns if isinstance(received_ns, int) else received_ns[good]
            spans = Spans(spans.data, spans.begins, spans.ends - self.check.width)
        return self._enter_spans(spans, wire, received_ns)

    def _enter_spans(self, spans: Spans, wire: NDArray[np.int64], received_ns: Times) -> Frames:
        """The same as ``_enter`` for stretches of one buffer."""
        self.ledger.frames += len(spans)
        self.ledger.frame_bytes += int(wire.sum())
        return Frames.cut(spans.data, spans.begins, spans.ends, received_ns)


def hexadecimal(text: str, option: str) -> bytes:
    """The bytes that an option gives in hexadecimal. Raises DeclarationError where there are none."""
    try:
        value = bytes.fromhex(text)
    except (ValueError, TypeError):
        value = b""
    if not value:
        raise DeclarationError(f"{option} {text!r}", 'bytes in hexadecimal are needed; write it as in "1acffc1d"')
    return value


def framings() -> list[str]:
    """The names of all framings there are."""
    return list(_framings())


@cache
def _framings() -> tuple[str, ...]:
    """Looked for once: the folder took 150 us a framer to list."""
    return tuple(sorted(module.name for module in iter_modules(protocols.framing.__path__)))


def framer(kind: str, **options: Any) -> Framer:
    """A new framer by name. Raises DeclarationError on an unknown name or option."""
    module = kind.replace("-", "_")
    if module not in _framings():
        raise DeclarationError(f"framing {kind!r}", f"there is none of that name; use one of {', '.join(framings())}")
    made: type[Framer] = import_module(f"protocols.framing.{module}").FRAMER
    check_options(f"framing {kind!r}", made, options, LARGEST)
    return made(**options)
