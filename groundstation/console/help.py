"""What the key ``?`` shows."""

from collections.abc import Iterable, Sequence

from groundstation.console.panel import Panel

REPLAY_KEYS = (
    ("space", "pause, play"),
    ("← →", "ten seconds back, on; with shift a minute"),
    (", .", "one packet back, on"),
    ("[ ]", "previous, next event known"),
    ("- +", "slower, faster: 0.1 to 1000 times, max"),
    ("g", "go to T+12.3, an event, a time"),
    ("b", "loop: from here; again: to here; again: no loop"),
)
SIGNS = (
    ("▲", "yellow limit"),
    ("◆", "red limit"),
    ("①", "the first alarm of those shown: where to look for the cause"),
    ("…", "stale: older than three expected intervals"),
    ("=", "has stood still for unusually long"),
    ("✕", "not valid, or no number"),
    ("~", "simulated"),
    ("⟲", "replayed"),
)


def help_groups(panel: Panel, panels: Iterable[Panel], *, is_replay: bool) -> dict[str, Sequence[tuple[str, str]]]:
    """Keys and what they do, by group, the present view's own first."""
    everywhere = (
        *((each.KEY, each.TITLE) for each in panels),
        ("tab", "next view"),
        ("↑ ↓", "move; also page up, page down, home, end, the mouse"),
        ("a  A", "acknowledge one alarm, all alarms"),
        ("x", "record a mark with a text of yours"),
        ("^p", "every command, also themes: night, sun, colour-blind"),
        ("q", "quit"),
    )
    own = {panel.TITLE: panel.KEYS} if panel.KEYS else {}
    return {**own, **({"replay": REPLAY_KEYS} if is_replay else {}), "everywhere": everywhere, "signs": SIGNS}
