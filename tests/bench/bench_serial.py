"""Bytes through a pty: our serial source on the event loop, against pyserial read in a thread, in the same run.

Both hand what they read to the event loop, as a station needs it. The writer is another process. Figures are MB/s of
wall time and CPU seconds of the reading process per MB; ratios above 1 are in our favour.
"""

import asyncio
import os
import statistics
import sys
import threading
import time
import tty
from collections.abc import Callable, Coroutine

import serial

from hardware.source import source

TOTAL = 24_000_000
ROUNDS = 3


def written(total: int) -> tuple[int, int, int]:
    """A child process and both ends of the pty it writes into, which we hold so that it is not unplugged too early."""
    master, slave = os.openpty()
    tty.setraw(slave)
    child = os.fork()
    if child == 0:
        os.read(master, 1)  # the reader says that it is ready
        block = memoryview(bytes(range(256)) * 256)
        left = total
        while left:
            left -= os.write(master, block[: min(left, len(block))])
        os._exit(0)
    return child, master, slave


async def ours(slave: int) -> int:
    """Bytes received by our source."""
    count = 0
    async with source(f"serial:{os.ttyname(slave)}?baud=4000000", "bench") as opened:
        os.write(slave, b"!")
        while count < TOTAL:
            count += sum(len(each.data) for each in await opened.receive())
    return count


async def threaded(slave: int) -> int:
    """Bytes received by the usual way: a thread reads what waits and hands it to the loop."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[bytes]()
    count = 0
    with serial.Serial(os.ttyname(slave), 4000000) as port:

        def read() -> None:
            left = TOTAL
            while left:
                data = port.read(max(1, port.in_waiting))
                left -= len(data)
                loop.call_soon_threadsafe(queue.put_nowait, data)

        thread = threading.Thread(target=read)
        thread.start()
        os.write(slave, b"!")
        while count < TOTAL:
            count += len(await queue.get())
        thread.join()
    return count


def measured(reader: Callable[[int], Coroutine[object, object, int]]) -> tuple[float, float]:
    """MB/s, and CPU seconds per MB."""
    child, master, slave = written(TOTAL)
    wall, cpu = time.perf_counter(), time.process_time()
    received = asyncio.run(reader(slave))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    os.waitpid(child, 0)
    os.close(slave)
    os.close(master)
    assert received == TOTAL
    return TOTAL / 1e6 / wall, cpu / (TOTAL / 1e6)


def main() -> dict[str, float]:
    """Print the figures and give the ratios, medians of rounds taken in turns."""
    rounds = [(measured(ours), measured(threaded)) for _ in range(ROUNDS)]
    speed, cpu = ([statistics.median(pair[who][what] for pair in rounds) for who in (0, 1)] for what in (0, 1))
    ratios = {"serial.speed": speed[0] / speed[1], "serial.cpu": cpu[1] / cpu[0]}
    write = sys.stdout.write
    write(f"serial through a pty     ours {speed[0]:6.1f} MB/s  {cpu[0] * 1e3:5.2f} ms CPU/MB\n")
    write(f"pyserial in a thread          {speed[1]:6.1f} MB/s  {cpu[1] * 1e3:5.2f} ms CPU/MB\n")
    write(f"ratio                    speed {ratios['serial.speed']:.1f}, CPU {ratios['serial.cpu']:.1f}\n")
    return ratios


if __name__ == "__main__":
    main()
