"""A whole station on a radio: IQ from an rtl_tcp server, recorded, demodulated, decoded and published, in real time.

The server is the simulator's, in a process of its own; what is measured is the processor time of the station alone.
Run it as a script, with the seconds it is to last (default 60, at most 600: then the vehicle has landed) and modem.
"""

import asyncio
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from groundstation.campaign import Campaign  # noqa: E402 - the path comes first
from groundstation.live import live  # noqa: E402
from groundstation.station import Station  # noqa: E402

PORT, RATE = 12_347, 2_400_000
TUNER = f"rtl_tcp:127.0.0.1:{PORT}?frequency=437.5M&rate={RATE}"
CAMPAIGN = """\
[campaign]
name = "bench"
vehicle = "osx"
[links.radio]
source = "{tuner}"
modem = "{modem}"
framing = "ax100_golay"
"""


async def received(folder: Path, modem: str, seconds: float) -> tuple[Station, float, float]:
    """The station after so many seconds, and how long it received and what processor time it took for that, in s."""
    path = folder / "bench.toml"
    path.write_text(CAMPAIGN.format(tuner=TUNER, modem=modem))
    spent = [0.0, 0.0]

    async def limit(station: Station, _: object) -> None:
        await station.setup.links["radio"].opened.wait()
        await asyncio.sleep(2)  # imports and first pages are not what is asked
        begin, used = time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        spent[:] = [time.monotonic() - begin, time.process_time() - used]
        station.stopping.set()

    station, _ = await live(Campaign.load(path), "", lambda _: None, limit)
    return station, spent[0], spent[1]


async def main(seconds: float, modem: str) -> None:
    """Serve, receive, print."""
    serve = ["-m", "groundstation", "simulate", "osx", "--on", TUNER, "--modem", modem, "--framing", "ax100_golay"]
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        *serve,
        "--eb-n0",
        "14",
        "--begin",
        f"{min(-20.0, 200.0 - seconds):.0f}",
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert server.stderr is not None
        await server.stderr.readline()  # said once it listens
        with tempfile.TemporaryDirectory() as folder:
            station, lasted, used = await received(Path(folder), modem, seconds)
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself
            server.terminate()
        await server.wait()
    counts, detail = station.pipeline.links["radio"].counts(), station.setup.links["radio"].detail
    samples = counts["bytes_in"] // 2
    print(f"{modem} in {RATE / 1e6:g} Msps for {lasted:.0f} s: {100 * used / lasted:.1f} % of a core")
    print(f"{samples:,} samples, {samples / RATE / (lasted + 2):.3f} of real time; {dict(detail)}")
    print(f"{counts['frames']:,} frames, {counts['corrected']:,} corrected, {counts['crc_failures']:,} failed checks")


if __name__ == "__main__":
    asyncio.run(
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0, sys.argv[2] if len(sys.argv) > 2 else "gmsk:9600")
    )
