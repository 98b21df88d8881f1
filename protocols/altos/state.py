"""States and record types of AltOS, and the flight as its states tell it."""

from enum import IntEnum

from protocols.flight import Equals, Flight, Transition


class FlightState(IntEnum):
    """``enum ao_flight_state``."""

    STARTUP = 0
    IDLE = 1
    PAD = 2
    BOOST = 3
    FAST = 4
    COAST = 5
    DROGUE = 6
    MAIN = 7
    LANDED = 8
    INVALID = 9
    STATELESS = 10


class RecordType(IntEnum):
    """``AO_LOG_*``: the letters that begin a log's records. What P, G and V hold depends on the log format."""

    FLIGHT = ord("F")
    SENSOR = ord("A")
    TEMPERATURE_VOLTAGE = ord("T")
    DEPLOY = ord("D")
    STATE = ord("S")
    GPS_TIME = ord("G")
    GPS_LATITUDE = ord("N")
    GPS_LONGITUDE = ord("W")
    GPS_ALTITUDE = ord("H")
    GPS_SATELLITES = ord("V")
    GPS_DATE = ord("Y")
    POSITION_OR_PRESSURE = ord("P")
    SCIENCE_START = ord("s")
    SCIENCE_DATA = ord("d")


def flight(state: str, *liftoff: Equals) -> Flight:
    """The flight by a measurement of the state; liftoff is told by others, too, where they tell it sooner.

    Each event is told by every later state as well: radio packets are missed.
    """
    later = [Equals(state, each) for each in FlightState if FlightState.BOOST <= each <= FlightState.LANDED]
    return Flight(
        "pad",
        (
            Transition("liftoff", "boost", (*liftoff, *later)),
            Transition("burnout", "coast", tuple(later[1:])),
            Transition("apogee", "descent", tuple(later[3:])),
            Transition("landing", "landed", tuple(later[5:])),
        ),
    )


FLIGHT = flight("state.state", Equals("flight.header.type", RecordType.FLIGHT))
"""Of a log: the record of the flight itself is stamped with the moment of boost, a tick before the state's."""
