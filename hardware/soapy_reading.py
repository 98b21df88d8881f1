"""The thread that reads a radio through SoapySDR, which blocks, and the way of its chunks to the event loop.

The thread fills chunks of 20 ms, however small the driver's own pieces are, and wakes the loop through a pipe. When
nobody takes its chunks it stops reading; the driver's buffer then runs over, and the driver says so. Radios that give
the time of their samples tell exactly how many are missing; of others the clock that counts them estimates it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from hardware import soapy_library as soapy
from hardware.sample_clock import SampleClock
from protocols.chunk import Chunk
from protocols.signal import Signal

FORMATS = {"cu8": "CU8", "ci8": "CS8", "ci16_le": "CS16", "cf32_le": "CF32"}
"""Formats by their names here and in SoapySDR (Formats.h). Every driver has CS16 or CF32."""
_CHUNK_S = 0.02
"""s of samples in a chunk: 50 a second, however small the driver's own pieces are."""
_CHUNK_MAX = 1 << 18
"""Bytes of a chunk at most."""
_PATIENCE_US = 20_000
"""us a read waits for samples; what there is by then is handed over, and closing is noticed."""
_LONGEST_NS = 60_000_000_000
"""ns that may be missing by the radio's own time. Our choice: no driver is away for longer and then goes on."""
_ROOM = 32
"""Chunks that the thread is ahead of the event loop at most: 0.6 s. Then it waits, and the driver counts overflows."""


class SoapyReading:
    """The thread that reads one radio, and what it has read."""

    def __init__(
        self, device: int, channel: int, signal: Signal, clock: SampleClock, link: str, now: Callable[[], int]
    ) -> None:
        """Make the radio stream. Raises OSError that says what to do; the device is then still the caller's."""
        self._device, self._clock, self._link, self._now = device, clock, link, now
        self._size, self._interval_ns = signal.size, 1e9 / signal.rate
        self._most = min(max(int(signal.rate * _CHUNK_S), 1024), _CHUNK_MAX // signal.size)
        self._buffer = ctypes.create_string_buffer(self._most * signal.size)
        self._next_ns: float | None = None  # when the next sample is to be taken, by the radio's own time
        self._overflowed = False
        self._stopping = False
        self._room = threading.Semaphore(_ROOM)
        self._read: deque[Chunk | OSError] = deque()
        self._thread = threading.Thread(target=self._run, name=f"soapy {link}", daemon=True)
        form = FORMATS[signal.samples].encode()
        try:
            self._stream = soapy.called("setupStream", device, soapy.RECEIVE, form, ctypes.c_size_t(channel), 1, None)
            try:
                soapy.called("activateStream", device, self._stream, 0, 0, 0)
            except OSError:
                soapy.library().SoapySDRDevice_closeStream(device, self._stream)
                raise
        except OSError as error:
            raise OSError(errno.EIO, f"does not stream: {error}; see what SoapySDRUtil --probe lists") from None
        self.fd, self._wake = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(self._wake, False)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading and let go of the radio. Blocks for as long as a read takes."""
        self._stopping = True
        self._room.release(_ROOM)  # for all that it may yet hand over: two chunks, or a chunk and what went wrong
        if self._thread.ident is not None:
            self._thread.join()
        loaded = soapy.library()
        loaded.SoapySDRDevice_deactivateStream(self._device, self._stream, 0, 0)
        loaded.SoapySDRDevice_closeStream(self._device, self._stream)
        loaded.SoapySDRDevice_unmake(self._device)
        os.close(self.fd)
        os.close(self._wake)

    def drain(self) -> Iterator[Chunk]:
        """What was read by now; OSError once the radio is gone. Called on the event loop."""
        with suppress(BlockingIOError):
            os.read(self.fd, 1 << 12)
        while self._read:
            found = self._read.popleft()
            if isinstance(found, OSError):
                raise found
            self._room.release()
            yield found

    def _run(self) -> None:
        """Read until closed or unplugged."""
        while not self._stopping:
            try:
                self._fill()
            except OSError as error:
                self._hand_over(error)
                return

    def _fill(self) -> None:
        """Read a chunk: full, or as much as came while we were patient. Raises OSError when the radio is gone."""
        filled = 0
        while filled < self._most and not self._stopping:
            count, time_ns = self._more(filled)
            if count == soapy.OVERFLOW:
                self._overflowed = True
                continue
            if count < 0 and count not in (soapy.TIMEOUT, soapy.CORRUPTION):
                self._give(0, filled)
                raise OSError(errno.EIO, f"the radio is gone ({soapy.reason(count)}); plug it in again")
            if count <= 0:
                break
            missing = self._missing(count, time_ns)
            if missing or self._overflowed:  # what came before is no part of the chunk with the times after
                self._give(0, filled)
                if missing:
                    self._clock.skip(missing)
                else:
                    self._clock.overrun()
                self._overflowed = False
                self._give(filled, filled + count)
                return
            filled += count
        self._give(0, filled)

    def _more(self, filled: int) -> tuple[int, int | None]:
        """Read behind what is filled: how many samples or which error, and the time of the first if it is told."""
        flags, time_ns = ctypes.c_int(), ctypes.c_longlong()
        place = ctypes.c_void_p(ctypes.addressof(self._buffer) + filled * self._size)
        count = soapy.library().SoapySDRDevice_readStream(
            self._device, self._stream, place, self._most - filled, flags, time_ns, _PATIENCE_US
        )
        return count, time_ns.value if flags.value & soapy.HAS_TIME else None

    def _missing(self, count: int, time_ns: int | None) -> int:
        """Samples missing before count of them, by the radio's own time; 0 where it tells none.

        A time is rounded to ns and may be to a sample or so: less than two samples is no loss. Neither is more than a
        minute: the radio's clock was set.
        """
        expected, self._next_ns = self._next_ns, None
        if time_ns is None:
            return 0
        self._next_ns = time_ns + count * self._interval_ns
        missing = 0.0 if expected is None else (time_ns - expected) / self._interval_ns
        return round(missing) if 2 <= missing <= _LONGEST_NS / self._interval_ns else 0

    def _give(self, begin: int, end: int) -> None:
        """Hand over samples from begin to before end, stamped."""
        if end > begin:
            data = ctypes.string_at(ctypes.addressof(self._buffer) + begin * self._size, (end - begin) * self._size)
            self._hand_over(Chunk(self._link, data, self._clock.stamp(end - begin, self._now())))

    def _hand_over(self, found: Chunk | OSError) -> None:
        """Wait for room, and wake the loop."""
        self._room.acquire()
        self._read.append(found)
        with suppress(BlockingIOError):  # full of wake-ups: it will come
            os.write(self._wake, b"\0")
