"""2.4 million samples/s from an rtl_tcp server: none may be missing, and what the receiving process costs.

The server is a process of its own, which sends a counted ramp by absolute deadlines, in the buffers of 256 KiB of
osmocom's rtl_tcp or in pieces of 16 KiB; it skips none, so what is not received is our loss. Give the seconds to run
(default 60), and the samples a second. The share is of one core, for the source alone: chunks are checked and let go.
"""

import asyncio
import os
import resource
import socket
import struct
import sys
import time

from hardware.source import source

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
RATE = float(sys.argv[2]) if len(sys.argv) > 2 else 2.4e6
RAMP = bytes(range(256)) * 2048
"""The byte at each place of the stream is its number modulo 256, so that a gap shows."""


def serve(listener: socket.socket, total: int, piece: int) -> None:
    """Greet one client and send it total bytes, each piece when its last sample would be taken."""
    client, _ = listener.accept()
    client.sendall(struct.pack(">4sII", b"RTL0", 5, 29))
    began, sent = time.monotonic(), 0
    while sent < total:
        size = min(piece, total - sent)
        time.sleep(max(0.0, began + (sent + size) / 2 / RATE - time.monotonic()))
        client.sendall(RAMP[sent % 256 : sent % 256 + size])
        sent += size
    client.shutdown(socket.SHUT_WR)
    while client.recv(4096):
        pass


async def received(port: int, total: int) -> tuple[int, int, int, dict[str, object]]:
    """Bytes that came, chunks, places where the ramp broke, and what the source shows."""
    count = chunks = broken = 0
    async with source(f"rtl_tcp:127.0.0.1:{port}?frequency=2245.5M&rate={RATE:.0f}", "bench") as opened:
        while count < total:
            for chunk in await opened.receive():
                size, first, last = len(chunk.data), chunk.data[0], chunk.data[-1]
                broken += first != count % 256 or last != (count + size - 1) % 256
                count += size
                chunks += 1
        return count, chunks, broken, dict(opened.state)


def measured(piece: int) -> float:
    """Print a line and give the CPU share."""
    total = int(SECONDS * RATE) * 2
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if child == 0:
            serve(listener, total, piece)
            os._exit(0)
        wall, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        count, chunks, broken, state = asyncio.run(received(listener.getsockname()[1], total))
        wall, after = time.monotonic() - wall, resource.getrusage(resource.RUSAGE_SELF)
    os.waitpid(child, 0)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert (count, broken) == (total, 0), f"{total - count} bytes missing, {broken} places broken"
    share = cpu / wall
    sys.stdout.write(
        f"pieces of {piece >> 10:3} KiB  {count // 2:,} samples in {wall:.1f} s, 0 missing; "
        f"{chunks / wall:.0f} chunks/s, {share:.2%} of a core; "
        f"overruns {state['overruns']}, anchored again {state['anchored']}\n"
    )
    return share


def main() -> dict[str, float]:
    """Give the share of a core for each size of pieces."""
    return {f"rtl_tcp.cpu.{piece >> 10}k": measured(piece) for piece in (1 << 18, 1 << 14)}


if __name__ == "__main__":
    main()
