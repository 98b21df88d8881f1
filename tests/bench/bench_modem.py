"""Recordings of real satellites, file by file: frames and CPU seconds, ours and gr_satellites' (measured elsewhere).

Run it as a script, with GROUNDSTATION_TEST_DATA naming the folder of recordings if it is not the usual one. Loops are
compiled before the clock starts.
"""

import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one core, as the peer's figures count them all

from tests.protocols.modem.recordings import RECORDINGS, facts, received, truth  # noqa: E402 - the path comes first


def main() -> None:
    """Print the table."""
    data = Path(os.environ.get("GROUNDSTATION_TEST_DATA", ROOT.parent / "shared" / "data"))
    known = facts(data)
    received(data, "by701")  # compiles
    received(data, "gomx_3")
    print(f"{'recording':16} frames  truth  missing  new  CPU s  theirs  ratio")
    total = peers = 0.0
    for name in RECORDINGS:
        begin = time.process_time()
        frames = [frame.body for frame in received(data, name)]
        spent, peer = time.process_time() - begin, float(known[name]["cpu_s"])
        theirs = truth(data, name)
        missing = len(set(theirs) - set(frames))
        new = len(set(frames) - set(theirs) - set(truth(data, name, "frames_extra")))
        counts = f"{len(frames):6} {len(theirs):6} {missing:8} {new:4}"
        print(f"{name:16} {counts} {spent:6.2f} {peer:7.2f} {spent / peer:6.3f}")
        total, peers = total + spent, peers + peer
    print(f"{'all':43} {total:6.2f} {peers:7.2f} {total / peers:6.3f}")


if __name__ == "__main__":
    main()
