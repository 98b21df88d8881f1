"""Texts in C's manner: of fixed size, ended by the first NUL, whatever lies behind it."""

from __future__ import annotations

from typing import Any

from construct import FixedSized, GreedyBytes, NullStripped
from construct.core import StringEncoded


class TerminatedText(StringEncoded):
    """A text of so many bytes. It is ``PaddedString``, but for that this takes what lies behind a NUL for text, too."""

    def __init__(self, length: int, encoding: str = "ascii") -> None:
        super().__init__(FixedSized(length, NullStripped(GreedyBytes)), encoding)

    def _decode(self, obj: bytes, context: Any, path: Any) -> Any:
        return super()._decode(obj.partition(b"\0")[0], context, path)  # type: ignore[misc]  # the stubs lack it
