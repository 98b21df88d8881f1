"""A list of structures of fixed size that fills the rest of a message, read by columns.

``GreedyRange`` of construct gives the same, a structure at a time: forty satellites cost it 1 ms, this 0.05 ms.
"""

from __future__ import annotations

from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from construct import Construct, Container, GreedyRange

from protocols.layout import Layout

if TYPE_CHECKING:
    _GreedyRange = GreedyRange[Any, Any]
else:
    _GreedyRange = GreedyRange  # generic in the stubs only


class Rows(_GreedyRange):
    """As many structures as there are whole ones; each field's values as a list."""

    def __init__(self, structure: Construct[Any, Any]) -> None:
        super().__init__(structure)

    @cached_property
    def _layout(self) -> Layout:
        return Layout(self.subcon)

    def _parse(self, stream: IO[bytes], context: Any, path: str) -> Any:  # noqa: ARG002 construct's own signature
        rest, size = stream.read(), self._layout.size
        whole = len(rest) // size * size
        stream.seek(whole - len(rest), 1)
        columns = self._layout.columns(np.frombuffer(rest[:whole], np.uint8).reshape(-1, size))
        return Container({name: columns[name].tolist() for name in columns})
