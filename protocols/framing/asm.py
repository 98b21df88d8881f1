"""Fixed-length frames behind an attached sync marker (CCSDS 131.0-B-5, section 9), byte aligned.

The marker is searched for strictly and, once its rhythm is known, expected with more tolerance: see ``NEXT``. Frames
are delivered from the first marker on. Where an expected marker is missing the frame behind it is still delivered if
something vouches for it: its check, or, where it has none, a marker at its end. Otherwise a marker found off the
rhythm shows that bytes were lost or added on the way, and the search begins anew from there, so that a slip costs the
frame it happened in and no other.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

import numpy as np

from protocols.errors import DeclarationError
from protocols.framer import Framer, hexadecimal
from protocols.frames import Frames, rows_at


class State(IntEnum):
    """How sure the framing is of the markers' rhythm."""

    SEARCH = 0
    """A marker may stand anywhere."""
    CHECK = 1
    """One was found; another must follow the frame."""
    LOCK = 2
    """They follow each other as they should."""
    FLYWHEEL = 3
    """One was missed; the rhythm is kept for a while."""


class Sight(IntEnum):
    """What stands where a marker was expected."""

    MARKER = 0
    """A marker, within the tolerance of the state, or a frame whose check vouches for it."""
    MISSED = 1
    """None, and none off the rhythm either."""
    EXHAUSTED = 2
    """None, once more than the flywheel carries."""
    ELSEWHERE = 3
    """None, but one within the frame behind: a slip."""


_SEARCH, _CHECK, _LOCK, _FLYWHEEL = State
NEXT = {  #         MARKER  MISSED    EXHAUSTED ELSEWHERE
    State.SEARCH: (_CHECK, _SEARCH, _SEARCH, _SEARCH),
    State.CHECK: (_LOCK, _SEARCH, _SEARCH, _SEARCH),
    State.LOCK: (_LOCK, _FLYWHEEL, _SEARCH, _SEARCH),
    State.FLYWHEEL: (_LOCK, _FLYWHEEL, _SEARCH, _SEARCH),
}
"""The next state by state and sight."""

_BITS = np.array([value.bit_count() for value in range(256)], np.uint8)
_WINDOW = 4096  # positions of a tolerant search looked at together: bounds what a search thrown away costs
_MANY = 4  # frames in a chunk from which looking at their markers together is faster (measured)


class Asm(Framer):
    """Attached sync marker."""

    def __init__(
        self,
        frame_length: int,
        marker: str = "1acffc1d",  # CCSDS 131.0-B-5, section 9, for all but turbo and LDPC codes
        search_errors: int = 0,
        lock_errors: int | None = None,
        flywheel: int = 2,
        check: str = "",
    ) -> None:
        """frame_length is the bytes between markers, check included; marker is hexadecimal.

        search_errors and lock_errors: marker bits that may be wrong while searching and checking, and in lock and
        flywheel; by default one a byte of the marker: a random word of 32 bits is then taken for it once in 100,000.
        flywheel: markers that may be missing in a row before the search begins anew. Raises DeclarationError on what
        cannot be.
        """
        super().__init__(check)
        self.marker, self.frame_length = hexadecimal(marker, "marker"), frame_length
        self._body = frame_length - (self.check.width if self.check is not None else 0)
        self.search_errors, self.flywheel = search_errors, flywheel
        self.lock_errors = max(len(self.marker), search_errors) if lock_errors is None else lock_errors
        if self._body < 1:
            raise DeclarationError(f"framing 'asm', frame_length {frame_length}", "no byte is left; give a larger one")
        if not 0 <= search_errors <= self.lock_errors < 4 * len(self.marker) or flywheel < 0:
            problem = "search at most those in lock, those under half the marker's bits, and flywheel not negative"
            raise DeclarationError("framing 'asm', search_errors, lock_errors, flywheel", f"{problem}; correct them")
        self.state = State.SEARCH
        self._size, self._stride = len(self.marker), len(self.marker) + frame_length
        self._word = int.from_bytes(self.marker, "big")
        self._misses = 0
        self._held = bytearray()  # from the first byte that may yet be a marker's
        self._block, self._at, self._found = b"", 0, [b""]  # of the call under way

    @property
    def bound(self) -> int:
        """A frame between its marker and the next, without the last byte."""
        return self._stride + self._size - 1

    @property
    def sync_state(self) -> str:
        """``search``, ``check``, ``lock`` or ``flywheel``."""
        return self.state.name.lower()

    def receive(self, data: bytes, received_ns: int) -> Frames:
        """The frames that data completes. Never raises."""
        ledger = self.ledger
        ledger.bytes_in += len(data)
        self._held += data
        self._block, self._at, self._found = bytes(self._held), 0, []
        while self._run() or self._step():
            pass
        rows = np.frombuffer(b"".join(self._found), np.uint8).reshape(-1, self._body)
        ledger.frames += len(rows)
        ledger.frame_bytes += len(rows) * self._stride
        ledger.discarded += self._at - len(rows) * self._stride
        del self._held[: self._at]
        ledger.pending = len(self._held)
        return Frames.equal(rows, received_ns) if len(rows) else Frames.none()

    def encode(self, bodies: Iterable[bytes]) -> bytes:
        """The frames one after the other, each behind its marker. Raises DeclarationError on one of another length."""
        frames = list(self._checked(bodies))
        for frame in frames:
            if len(frame) != self.frame_length:
                problem = f"the frame has {len(frame)} bytes, not {self.frame_length}; change frame_length or the frame"
                raise DeclarationError("framing 'asm'", problem)
        return b"".join(self.marker + frame for frame in frames)

    def _step(self) -> bool:
        """Go past one marker, one frame or one byte; False where more bytes are needed to tell."""
        if self.state == State.SEARCH:
            return self._search()
        if self._left < self._size:
            return False
        tolerated = self.search_errors if self.state == State.CHECK else self.lock_errors
        errors = self._errors(self._at)
        return self._expected(errors) if errors <= tolerated else self._unexpected(errors)

    def _search(self) -> bool:
        found = self._find(self._at, len(self._block))
        self._at = found if found >= 0 else max(self._at, len(self._block) - self._size + 1)
        if found < 0 or self._left < self._stride:
            return False
        if self._vouched():
            self._take(self._errors(self._at))
        else:
            self.ledger.crc_failures += 1
            self._at += 1
        return True

    def _expected(self, errors: int) -> bool:
        """Go past a frame behind an expected marker."""
        if self._left < self._stride:
            return False
        if self.check is None or self._vouched():
            self._take(errors)
        elif self._left < self._stride + self._size:
            return False
        else:
            self.ledger.crc_failures += 1
            follows = self._errors(self._at + self._stride) <= self.lock_errors
            self._give_up(Sight.MARKER if follows else Sight.MISSED)
        return True

    def _unexpected(self, errors: int) -> bool:
        """Go past a frame behind a marker that is missing."""
        if self.state == State.CHECK:
            self.state = NEXT[self.state][Sight.MISSED]
            return True
        if self._left < self._stride + self._size:
            return False
        if self._vouched() if self.check else self._errors(self._at + self._stride) <= self.lock_errors:
            self._take(errors)
        else:
            self._misses += 1
            self._give_up(Sight.EXHAUSTED if self._misses > self.flywheel else Sight.MISSED)
        return True

    def _take(self, errors: int) -> None:
        begin = self._at + self._size
        self._found.append(self._block[begin : begin + self._body])
        self.ledger.corrected += errors
        self._at += self._stride
        self._misses = 0
        self.state = NEXT[self.state][Sight.MARKER]

    def _give_up(self, sight: Sight) -> None:
        """Discard the frame; only as far as the next marker where one stands in it and none at its end."""
        slipped = -1
        if sight != Sight.MARKER:
            slipped = self._find(self._at + 1, self._at + self._stride + self._size - 1)
        self.state = NEXT[self.state][Sight.ELSEWHERE if slipped >= 0 else sight]
        self._at = slipped if slipped >= 0 else self._at + self._stride

    def _run(self) -> bool:
        """Take many frames at once while in lock: those whose markers are all there and, but for the last, good."""
        count = self._left // self._stride
        if self.state != State.LOCK or count < _MANY:
            return False
        rows = rows_at(np.frombuffer(self._block, np.uint8), self._at + self._stride * np.arange(count), self._stride)
        errors = _BITS[rows[:, : self._size] ^ np.frombuffer(self.marker, np.uint8)].sum(axis=1)
        present = errors <= self.lock_errors
        count = count if present.all() else int(np.argmin(present))
        rows = rows[:count, self._size :]
        good = np.ones(count, np.bool_) if self.check is None else self.check.verify_rows(rows)
        if count and not good[-1]:  # whether its successor follows is not known here
            rows, good, count = rows[:-1], good[:-1], count - 1
        if count < _MANY:
            return False
        self._found.append((rows if good.all() else rows[good])[:, : self._body].tobytes())
        self.ledger.corrected += int(errors[:count][good].sum())
        self.ledger.crc_failures += int(count - np.count_nonzero(good))
        self._at += count * self._stride
        self._misses = 0
        return True

    @property
    def _left(self) -> int:
        return len(self._block) - self._at

    def _errors(self, at: int) -> int:
        """Wrong bits of the marker at a place."""
        return (int.from_bytes(self._block[at : at + self._size], "big") ^ self._word).bit_count()

    def _vouched(self) -> bool:
        """Whether the check of the frame here holds; so, too, where there is no check."""
        begin = self._at + self._size
        return self.check is None or self.check.good(self._block[begin : begin + self.frame_length])

    def _find(self, begin: int, end: int) -> int:
        """Where between begin and end the first marker is that a search accepts; -1 where there is none."""
        if not self.search_errors:
            return self._block.find(self.marker, begin, end)
        array = np.frombuffer(self._block, np.uint8)
        for first in range(begin, end - self._size + 1, _WINDOW):
            last = min(first + _WINDOW, end - self._size + 1)
            errors = sum(_BITS[array[first + place : last + place] ^ byte] for place, byte in enumerate(self.marker))
            near = np.flatnonzero(errors <= self.search_errors)
            if len(near):
                return first + int(near[0])
        return -1


FRAMER = Asm
EXAMPLE: dict[str, Any] = {"frame_length": 32}
