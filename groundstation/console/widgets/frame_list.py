"""The newest frames of a radio link: when, how long, how strong, what was corrected."""

from groundstation.console import numerals
from groundstation.console.picture import Picture
from groundstation.console.radio import RadioFrame
from groundstation.console.radio_state import RadioState
from groundstation.console.widgets.lines import Line, Lines


class FrameList(Lines):
    """A line a frame, the newest at the top."""

    radio: RadioState | None = None

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - cut by the caller
        """A head, then the frames that fit."""
        edge, quiet = ("│ ", self.palette.faint), self.palette.quiet
        frames = self.radio.frames() if self.radio else []
        if not frames:
            return [[edge, ("no frame yet", quiet)], *[[edge]] * (height - 1)]
        several = len({frame.transmitter for frame in frames}) > 1
        head: Line = [edge, (f"{'frame at':<11}{'of ' if several else ''}bytes  Eb/N0  corr.", quiet)]
        lines = [
            [edge, *self._frame(picture, frame, several=several)] for frame in reversed(frames[-max(1, height - 1) :])
        ]
        return [head, *lines, *[[edge]] * (height - 1 - len(lines))]

    def _frame(self, picture: Picture, frame: RadioFrame, *, several: bool) -> Line:
        mission_time = picture.mission_time(frame.received_ns)
        when = (
            numerals.time_of_day(frame.received_ns, picture.status.time_base)
            if mission_time is None
            else numerals.brief_mission_time(mission_time)
        )
        quiet, plain = self.palette.quiet, self.palette.plain
        strength = numerals.ABSENT if frame.eb_n0 is None else f"{frame.eb_n0:.1f}"
        return [
            (f"{when:<11}", quiet),
            (f"#{min(frame.transmitter, 99) + 1} " if several else "", quiet),
            (f"{known(frame.bytes):>5}{strength:>7}", plain),
            (f"{known(frame.corrected):>7}", quiet if not frame.corrected else plain),
        ]


def known(count: int | None) -> str:
    """A whole number; ``–`` where nobody knows it."""
    return numerals.ABSENT if count is None else numerals.count(count)
