"""Anything that speaks MAVLink: drones, rovers, submarines, and rockets on ArduPilot or PX4.

Follows the message definitions of MAVLink, ``all.xml`` and what it includes: ardupilotmega, common, standard, minimal
and other dialects that share their numbers. Packets and fields have MAVLink's names in lower case, and are in the units
of :mod:`protocols.mavlink.packets`. Several systems on one link come as the same packets; ``header.sysid`` and
``header.compid`` tell them apart.

A flight is told from EXTENDED_SYS_STATE alone: whether a vehicle is armed stands among the bits of a heartbeat, which
ground stations send too.
"""

from protocols.flight import Equals, Flight, Transition
from protocols.mavlink.message_set import messages
from protocols.mavlink.packets import header, packet
from protocols.packet import Vehicle

ON_GROUND, IN_AIR = 1, 2
"""MAV_LANDED_STATE."""

VEHICLE = Vehicle(
    "mavlink",
    "MAVLink",
    tuple(map(packet, messages().values())),
    header(),
    framing="mavlink",
    flight=Flight(
        "ground",
        (
            Transition("liftoff", "flight", (Equals("extended_sys_state.landed_state", IN_AIR),)),
            Transition("landing", "landed", (Equals("extended_sys_state.landed_state", ON_GROUND),)),
        ),
    ),
    display=(
        "vfr_hud.alt",
        "vfr_hud.groundspeed",
        "sys_status.voltage_battery",
        "attitude.roll",
        "attitude.pitch",
        "gps_raw_int.fix_type",
    ),
    plots=("vfr_hud.alt", "vfr_hud.groundspeed", "attitude.roll", "attitude.pitch"),
    source="mavlink/mavlink message_definitions/v1.0/all.xml",
    on_demand=True,
)
