"""What the keys of the replay bar ask of the station, as requests of ``docs/bus.md``."""

from groundstation.console.picture import Picture
from groundstation.console.widgets.replay_bar import SPEEDS, turning_points

Request = dict[str, object]
JUMP_NS = 10_000_000_000
STEP_NS = 100_000_000
"""A step back where nothing received before is known any more."""
NEAR_NS = 500_000_000
"""An event this near before the present position counts as reached: ``[`` goes to the one before it."""


def pause_or_play(picture: Picture) -> list[Request]:
    """Pause what plays, play what is paused."""
    replay = picture.status.replay
    return [] if replay is None else [{"do": "play" if replay.paused else "pause"}]


def jump(picture: Picture, direction: int) -> list[Request]:
    """Ten seconds back or on."""
    return _seek(picture, picture.now_ns + direction * JUMP_NS)


def step(picture: Picture, direction: int) -> list[Request]:
    """Paused, to the next packet, or to the one before the newest."""
    replay = picture.status.replay
    if replay is None:
        return []
    pause: list[Request] = [] if replay.paused else [{"do": "pause"}]
    if direction > 0:
        return [*pause, {"do": "step"}]
    return [*pause, *_seek(picture, picture.time_before(picture.now_ns) or picture.now_ns - STEP_NS)]


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


def _seek(picture: Picture, time_ns: int) -> list[Request]:
    replay = picture.status.replay
    if replay is None:
        return []
    return [{"do": "seek", "received_ns": max(replay.first_ns, min(replay.last_ns, time_ns))}]
