"""Bit error rates of whole links, modulator to soft bits, beside what theory allows at the same Eb/N0.

Run it as a script: of each point it sends 300,000 bits, or on until 100 were wrong or a million sent. The same is drawn
by ``docs/radio.py``.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tests.protocols.modem.bit_error_rates import LINKS, until  # noqa: E402 - the path comes first

ERRORS, LEAST, MOST = 100, 300_000, 1_000_000


def main() -> None:
    """Print the table, a link at a time, until an error in ten thousand."""
    print(f"{'link':28} {'Eb/N0':>6} {'bits':>9} {'wrong':>7} {'slips':>6} {'rate':>9} {'theory':>9}")
    for link in LINKS:
        for eb_n0 in range(13):
            got = until(link, float(eb_n0), ERRORS, LEAST, MOST)
            counts = f"{got.bits:9} {got.wrong:7} {got.slips:6} {got.rate:9.2e}"
            print(f"{link.title:28} {eb_n0:3} dB {counts} {link.theory(eb_n0):9.2e}")
            if got.rate < 1e-4:
                break


if __name__ == "__main__":
    main()
