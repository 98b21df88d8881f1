"""A link of transfer frames: whatever cuts its bytes into frames, and behind that the packets taken out of them.

A framing's table gets it by the key ``transfer_frames``, a kind or a table: ``{ kind = "asm", frame_length = 1115,
transfer_frames = { kind = "tm", fecf = true } }``. Everything behind, from the decoder to the recording, sees a framing
that gives space packets.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from protocols.ccsds.frame_stage import TransferFrames
from protocols.ccsds.multiplexer import Multiplexer
from protocols.errors import DeclarationError
from protocols.framer import Framer
from protocols.frames import Frames


class TransferFrameLink(Framer):
    """A framing that gives the space packets in the frames of another."""

    def __init__(self, inner: Framer, stage: TransferFrames) -> None:
        """Inner gives the frames, and its ledger is this one's: of bytes on the link, and of transfer frames."""
        super().__init__()
        self.inner, self.stage = inner, stage
        self.ledger = inner.ledger
        self.datagrams = inner.datagrams  # type: ignore[misc]  # of a wrapped framing it is known only now
        self._multiplexer: Multiplexer | None = None

    @property
    def bound(self) -> int:
        """The inner framing's: bytes of packets that wait for their end are in the stage's own ledger."""
        return self.inner.bound

    @property
    def sync_state(self) -> str:
        """The inner framing's."""
        return self.inner.sync_state

    def report(self) -> Mapping[str, Any]:
        """The inner framing's."""
        return self.inner.report()

    def counts(self) -> dict[str, Any]:
        """Frames, virtual channels, gaps and APIDs, ready for JSON."""
        return {**self.inner.counts(), **self.stage.counts()}

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The packets that data completes. Never raises."""
        return self.stage.receive(self.inner.receive(data, received_ns))

    def receive_many(self, pieces: Sequence[bytes], received_ns: Sequence[int]) -> Frames:
        """The same as ``receive`` of each piece in turn."""
        return self.stage.receive(self.inner.receive_many(pieces, received_ns))

    def finish(self) -> Frames:
        """The packets that the last frames complete."""
        return self.stage.receive(self.inner.finish())

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The stream of frames that hold packets, the last filled up with an idle packet; the counts go on.

        Raises DeclarationError on what is no packet, and where kind or frame length are not known.
        """
        stage = self.stage
        if self._multiplexer is None:
            width = self.inner.check.width if self.inner.check is not None else 0
            length = stage.frame_length or getattr(self.inner, "frame_length", 0) - width
            if stage.kind == "auto" or length <= 0:
                raise DeclarationError(
                    "transfer_frames", "to send, kind tm or aos and frame_length are needed; add them"
                )
            vcid = stage.vcids[0] if stage.vcids else 0
            self._multiplexer = Multiplexer(
                stage.kind, length, stage.scid or 0, vcid, stage.fecf, stage.ocf, stage.insert_zone
            )
        return self.inner.encode(self._multiplexer.frames(body for body in bodies if body))


def transfer_frame_link(inner: Framer, options: Any) -> TransferFrameLink:
    """A link by a kind of frame, or a table of the options of TransferFrames. Raises DeclarationError on wrong ones."""
    options = {"kind": options} if isinstance(options, str) else options
    allowed = inspect.signature(TransferFrames).parameters
    if not isinstance(options, Mapping):
        raise DeclarationError(
            f"transfer_frames {options!r}", f"want tm, aos or auto, or a table of {', '.join(allowed)}"
        )
    for name in options:
        if name not in allowed:
            raise DeclarationError("transfer_frames", f"no option {name!r}; its options are {', '.join(allowed)}")
    return TransferFrameLink(inner, TransferFrames(**options))
