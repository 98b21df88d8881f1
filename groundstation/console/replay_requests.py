"""What the keys of the replay bar ask of the station, as requests of ``docs/bus.md``."""

from groundstation.console.picture import Picture
from groundstation.console.widgets.replay_bar import SPEEDS, turning_points
from groundstation.moments import Moment

Request = dict[str, object]
JUMPS_NS = {1: 10_000_000_000, 2: 60_000_000_000}
NEAR_NS = 500_000_000
"""An event this near before the present position counts as reached: ``[`` goes to the one before it."""


def pause_or_play(picture: Picture) -> list[Request]:
    """Pause what plays, play what is paused."""
    replay = picture.status.replay
    return [] if replay is None else [{"do": "play" if replay.paused else "pause"}]


def jump(picture: Picture, direction: int) -> list[Request]:
    """Ten seconds back or on; a minute with a direction of two."""
    far = JUMPS_NS[abs(direction)]
    return _seek(picture, picture.now_ns + (far if direction > 0 else -far))


def step(picture: Picture, direction: int) -> list[Request]:
    """Paused, to the next packet, or to the one before the newest."""
    return [] if picture.status.replay is None else [{"do": "step", "n": direction}]


def event(picture: Picture, direction: int) -> list[Request]:
    """To the next flight event or mark that is known, or to the one before."""
    times = [each.received_ns for each in turning_points(picture)]
    if direction > 0:
        ahead = [time for time in times if time > picture.now_ns]
        return _seek(picture, min(ahead)) if ahead else []
    behind = [time for time in times if time < picture.now_ns - NEAR_NS]
    return _seek(picture, max(behind)) if behind else []


def speed(picture: Picture, direction: int) -> list[Request]:
    """The next speed up or down."""
    replay = picture.status.replay
    if replay is None:
        return []
    slower = [each for each in SPEEDS if each < replay.speed]
    faster = [each for each in SPEEDS if each > replay.speed]
    choice = (faster[:1] if direction > 0 else slower[-1:]) or [replay.speed]
    return [{"do": "speed", "speed": "max" if choice[0] == float("inf") else choice[0]}]


def go_to(picture: Picture, text: str) -> list[Request]:
    """To what somebody has written: ``T+12.3``, ``apogee-5``, seconds, or with a sign seconds from here.

    Raises ValueError where it is none of these.
    """
    replay, moment = picture.status.replay, Moment.parse(text)
    if replay is None:
        return []
    marked = {each.name: each.received_ns for each in turning_points(picture) if each.kind == "operator"}
    for name, seconds in ((moment.text, 0.0), (moment.base, moment.seconds)):
        if name in marked:
            return _seek(picture, marked[name] + round(seconds * 1e9))
    if moment.is_of_t0:
        return [{"do": "seek", "mission_time": moment.seconds}]
    if moment.base:
        exact = any(each.name == moment.text for each in turning_points(picture))
        named: Request = {"event": moment.text} if exact else {"event": moment.base, "by": moment.seconds}
        return [{"do": "seek", **named}]
    if moment.text[0] in "+-":
        return _seek(picture, picture.now_ns + round(moment.seconds * 1e9))
    return _seek(picture, replay.first_ns + round(moment.seconds * 1e9))


def loop(picture: Picture, begin_ns: int | None = None) -> list[Request]:
    """Between a time and this one; without a time, no more."""
    if picture.status.replay is None:
        return []
    if begin_ns is None:
        return [{"do": "loop", "loop": False}]
    first, last = sorted((begin_ns, picture.now_ns))
    return [{"do": "loop", "loop": True, "from_ns": first, "to_ns": last}]


def _seek(picture: Picture, time_ns: int) -> list[Request]:
    replay = picture.status.replay
    if replay is None:
        return []
    return [{"do": "seek", "received_ns": max(replay.first_ns, min(replay.last_ns, time_ns))}]
