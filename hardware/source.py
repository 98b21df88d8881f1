"""What a source is, and the one grammar for naming one: ``kind:target?option=value&option=value``.

The same text works in a campaign file, on the command line and in a test. A source file in ``hardware/sources``
defines ``SOURCE``: a dataclass whose fields with a text, number or true/false default are its options. It says what is
wrong with a target or an option by raising ValueError from ``__post_init__``.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from importlib import import_module
from pkgutil import iter_modules
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import parse_qsl

import hardware.sources
from protocols.chunk import Chunk
from protocols.errors import AddressError

if TYPE_CHECKING:
    from protocols.signal import Signal

Option = bool | int | float | str
"""What an option can be; its default says which."""


@dataclass(eq=False)
class Source(ABC):
    """Where a link's bytes come from. Opened, read by one task until lost or ended, closed; then opened again."""

    datagrams: ClassVar[bool] = False
    """Whether each chunk is one whole datagram."""
    finite: ClassVar[bool] = False
    """Whether it ends by itself (a file), so that its end is no loss."""

    link: str
    """The link's name, given to every chunk."""
    target: str
    """What stands between the first colon and the question mark: a path, a host and port."""
    clock: Callable[[], int] = field(default=time.time_ns, kw_only=True, repr=False)
    """What chunks are stamped with: ns UTC."""

    @abstractmethod
    async def open(self) -> None:
        """Make ready to receive. Raises SourceUnavailable, saying what to do."""

    @abstractmethod
    async def receive(self) -> list[Chunk]:
        """Wait until something has arrived and give all of it; empty at the end of a finite source.

        Raises SourceLost when the device or peer went away; what arrived before that was given first. May be
        cancelled: nothing is lost by it.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of the device; a waiting receive ends with SourceLost. May be called at any time, never raises."""

    @property
    def state(self) -> Mapping[str, str | int | float]:
        """What an operator wants to see of it: real device name, peer, overruns; may be empty."""
        return {}

    @property
    def signal(self) -> Signal | None:
        """What its samples are, for a source of samples; None for one of bytes.

        May look into a file, not at a device. Raises SourceUnavailable where that cannot be read.
        """
        return None

    @property
    def address(self) -> str:
        """Its address without the options, as messages name it."""
        return f"{type(self).__module__.rpartition('.')[2]}:{self.target}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


def sources() -> list[str]:
    """The names of all kinds of source there are."""
    return sorted(each.name for each in iter_modules(hardware.sources.__path__) if not each.name.startswith("_"))


def options(kind: str) -> dict[str, Option]:
    """The options of a kind of source and their defaults. Raises AddressError for a kind there is not."""
    found = fields(_kind(kind, kind))
    return {each.name: each.default for each in found if each.init and isinstance(each.default, Option)}


def source(address: str, link: str) -> Source:
    """The source an address names, not yet open. Raises AddressError, naming what is allowed."""
    kind, colon, rest = address.partition(":")
    made = _kind(address, kind if colon else "")
    target, _, query = rest.partition("?")
    chosen = _chosen(address, options(kind), query)
    try:
        return made(link=link, target=target, **chosen)
    except ValueError as error:
        raise AddressError(address, str(error)) from None


def _kind(address: str, kind: str) -> type[Source]:
    """The class of a kind."""
    if kind not in sources():
        raise AddressError(address, f"want KIND:TARGET with KIND one of {', '.join(sources())}")
    made: type[Source] = import_module(f"hardware.sources.{kind}").SOURCE
    return made


def _chosen(address: str, known: Mapping[str, Option], query: str) -> dict[str, Any]:
    """The options of a query, each turned into the type of its default."""
    chosen: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            raise AddressError(address, f"no option {name!r}; want one of {', '.join(known) or 'none'}")
        if name in chosen:
            raise AddressError(address, f"option {name!r} stands there twice; keep one")
        chosen[name] = _typed(address, name, text, type(known[name]))
    return chosen


def _typed(address: str, name: str, text: str, kind: type) -> Option:
    """Text as bool, int, float or str."""
    words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    try:
        typed: Option = words[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise AddressError(address, f"option {name}={text!r} must be {_KINDS[kind]}") from None
    return typed


_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
