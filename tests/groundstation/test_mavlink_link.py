"""MAVLink live: pymavlink sends on UDP, the station receives, records, decodes and publishes; then it is read again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundstation.pipeline import blocks
from groundstation.reading import read
from tests.groundstation.conftest import Mosquitto, free_port
from tests.groundstation.test_station import running

CAMPAIGN = """\
[campaign]
name = "drone"
vehicle = "mavlink"
[links.radio]
source = "udp:{port}"
[recording]
directory = "recordings"
"""


@pytest.fixture
def mavutil() -> Any:
    return pytest.importorskip("pymavlink.mavutil", reason="the peer pymavlink is in the bench extra")


async def test_what_pymavlink_sends_is_received(
    mavutil: Any, mosquitto: Mosquitto, subscriber: Any, tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    port, path = free_port(), tmp_path / "campaign.toml"
    path.write_text(CAMPAIGN.format(port=port))
    vehicle = mavutil.mavlink_connection(f"udpout:127.0.0.1:{port}", source_system=7, source_component=1)
    try:
        async with subscriber(mosquitto.url) as seen:
            async with running(path, mosquitto.url) as station:
                for count in range(100):
                    vehicle.mav.attitude_send(count * 20, 0.5, -0.25, count / 8, 0, 0, 0)
                    if count % 10 == 0:
                        vehicle.mav.heartbeat_send(2, 3, 81, 5, 4)
                        vehicle.mav.wind_send(90.0 + count, 4.5, -0.5)
                    await eventually(lambda wanted=count + 1: len(seen.values("attitude", "roll")) == wanted)
                await eventually(lambda: len(seen.values("wind", "speed")) == 10)
                await eventually(lambda: seen.newest("link/radio").get("frames") == 120)
            assert seen.values("attitude", "yaw") == [count / 8 for count in range(100)]
            assert seen.values("attitude", "time_boot_ms") == pytest.approx([count * 0.02 for count in range(100)])
            assert seen.values("wind", "direction") == [90.0 + count for count in range(0, 100, 10)]
            assert seen.values("heartbeat", "header.sysid") == [7] * 10
            defined = seen.newest("definition")["packets"]
            assert defined["wind"]["measurements"]["speed"]["unit"] == "m/s"
            assert set(defined) == {"heartbeat", "sys_status", "attitude", "gps_raw_int", "vfr_hud", "wind"}
    finally:
        vehicle.close()
    assert station.recorder is not None
    reading = read(station.recorder.path)
    pipeline = reading.pipeline()
    for group in blocks(reading.recording.chunks()):
        pipeline.receive(*group)
    counts = pipeline.links["radio"].counts()
    assert counts["packets"] == {"heartbeat": 10, "attitude": 100, "wind": 10}
    assert (counts["sequence_gaps"], counts["discarded"], counts["crc_failures"]) == (0, 0, 0)
