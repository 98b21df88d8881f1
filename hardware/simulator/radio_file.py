"""A simulated radio's samples in a file: what a receiver of the flight would have recorded, made as fast as can be."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hardware.simulator.downlink import Radio
from hardware.simulator.transmitter import Telemetry
from protocols.errors import TelemetryError
from protocols.signal import Signal
from replay.sigmf_recorder import About, SigmfRecorder

BLOCK_S: Final = 0.01
"""s of samples made at once: so much too early a packet may be on the air."""
TAIL_S: Final = 1.0
"""s recorded after the last packet: receivers hold back some symbols."""


def record(
    telemetry: Telemetry, radio: Radio, signal: Signal, path: Path, *, begin: float, end: float, start_ns: int
) -> tuple[Path, int, int]:
    """Record what is sent from ``begin`` until before ``end``, s since T-0, as SigMF. ``start_ns`` is the first
    sample's time, ns UTC.

    Gives the file of samples, the packets in it and the bytes of those the link had no room for. Raises
    RecordingFailed, and DeclarationError on a packet that the framing cannot carry.
    """
    downlink, count = radio.downlink(signal), max(1, round(BLOCK_S * signal.rate))
    sent_as = {"modem": dict(radio.transmitter.modem), "framing": radio.transmitter.framings[0]}
    framing = {"kind": "radio", "signal": signal.as_dict(), "transmitters": [sent_as]}
    about = About("launch-groundstation simulate", "radio", "osx", framing, synthetic=True)
    recorder = SigmfRecorder(path, signal, about)
    packets = dropped = made = 0
    sent = begin
    try:
        while made < (end + TAIL_S - begin) * signal.rate:
            upto = min(begin + (made + count) / signal.rate, end)
            ready = [packet for _, packet in telemetry.window(sent, upto)]
            dropped += downlink.send(ready)
            packets, sent, made = packets + len(ready), upto, made + count
            recorder.write(downlink.samples(count), start_ns + int((made - 1) * 1_000_000_000 / signal.rate))
    except TelemetryError:
        recorder.abandon()
        raise
    finally:
        recorder.close()
    return recorder.path, packets, dropped
