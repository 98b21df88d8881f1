"""The two lines at the top that no view covers: what the vehicle does, whether anything is wrong, whether to trust
it, whether it is recorded.
"""

from rich.cells import cell_len
from rich.style import Style

from groundstation.console import numerals
from groundstation.console.payloads import Recording
from groundstation.console.picture import Picture
from groundstation.console.reading import Origin
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.signs import ORIGIN_WORDS

LOW_ON_SPACE_MIN = 10
"""Minutes of recording left below which the header warns."""

Piece = tuple[str, Style]
Choice = list[Line]
"""The same thing said at length, then ever shorter."""


class Masthead(Lines):
    """The header."""

    DEFAULT_CSS = "Masthead { height: 2; }"

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - always two
        """Two lines; where it is narrow each part says less."""
        first = [self._recording(picture), self._banner(picture), self._clock(picture)]
        second = [self._trouble(picture), self._alarms(picture), self._links(picture)]
        name_room = width - _least(first) - 2
        phase_room = width - _least(second) - 2
        return [
            _spread(self._campaign(picture, name_room), first, width, self.palette.plain),
            _spread(self._mission(picture, phase_room), second, width, self.palette.plain),
        ]

    def _campaign(self, picture: Picture, room: int) -> Line:
        status, definition = picture.status, picture.definition
        name = status.name or definition.name or picture.root.rpartition("/")[2]
        title = f" · {definition.title}" if definition.title and definition.title != name else ""
        text = f" {name}{title}" if cell_len(f" {name}{title}") <= room else f" {name}"
        cut = text if cell_len(text) <= room else text[: max(4, room - 1)] + "…"
        return [(cut[: 1 + len(name)], self.palette.strong), (cut[1 + len(name) :], self.palette.quiet)]

    def _recording(self, picture: Picture) -> Choice:
        recording = picture.status.recording
        if recording is None:
            absent: Line = [("○ not recording", self.palette.yellow)]
            return (
                [[]]
                if picture.origin is Origin.REPLAY or not picture.status.state
                else [absent, [("○ no REC", self.palette.yellow)]]
            )
        if recording.state == "failed":
            failed = ("✕ NOT RECORDING", self.palette.alert)
            why = recording.problem.partition(": ")[2] or recording.problem  # what stands before it is the path
            return [[failed, (f" {why[:60]}", self.palette.strong)], [failed]]
        if recording.state != "recording":
            return [[(f"■ REC {recording.state}", self.palette.yellow)]]
        return self._running_recording(recording)

    def _running_recording(self, recording: Recording) -> Choice:
        red, quiet = self.palette.red_text, self.palette.quiet
        whole = int(recording.seconds)
        hours = f"{whole // 3600}:" if whole >= 3600 else ""
        time = f"{hours}{whole // 60 % 60:02d}:{whole % 60:02d}"
        left = recording.minutes_left
        is_low = left is not None and left < LOW_ON_SPACE_MIN
        room = (
            []
            if left is None
            else [(f" {left:.0f} min left" if left < 10_000 else "", self.palette.alert if is_low else quiet)]
        )
        short_room = [] if left is None else [(f" {min(left, 9999):.0f}m", self.palette.alert if is_low else quiet)]
        head: Line = [("● REC", red), (f" {time}", self.palette.plain)]
        return [
            [*head, (f" {numerals.amount(recording.bytes, 'B')}", quiet), *room],
            [*head, *room],
            [*head, *short_room],
        ]

    def _banner(self, picture: Picture) -> Choice:
        word = ORIGIN_WORDS[picture.origin]
        if picture.origin is Origin.REPLAY and picture.is_synthetic:
            return [[(f" {word} of SIMULATION ", self.palette.banner)], [(f" {word}·SIM ", self.palette.banner)]]
        return [[(f" {word} ", self.palette.banner)]]

    def _clock(self, picture: Picture) -> Choice:
        status = picture.status
        if not picture.now_ns or not status.state:
            return [[]]
        time = numerals.time_of_day(picture.now_ns, status.time_base)[:-2]
        if status.time_base != "utc":
            return [[(f"vehicle clock {time} ", self.palette.plain)], [(f"vehicle {time} ", self.palette.plain)]]
        date = numerals.date(picture.now_ns)
        return [
            [(f"{date} ", self.palette.quiet), (f"{time} Z ", self.palette.plain)],
            [(f"{time} Z ", self.palette.plain)],
        ]

    def _mission(self, picture: Picture, room: int) -> Line:
        mission_time = picture.mission_time(picture.now_ns)
        clock: Piece = (f" {numerals.mission_clock(mission_time)}", self.palette.strong)
        return [clock, ("   ", self.palette.plain), *self._phases(picture, room - len(clock[0]) - 3)]

    def _phases(self, picture: Picture, room: int) -> Line:
        """The chain of phases, or as much of it around the present one as there is room for."""
        phases, present = list(picture.definition.phases), picture.status.phase
        if present not in phases:
            return [(present.upper(), self.palette.accent)]
        at = phases.index(present)
        for reach in (len(phases), 1, 0):
            first, last = max(0, at - reach), min(len(phases), at + reach + 1)
            words = [each.upper() if each == present else each for each in phases[first:last]]
            before, after = "… ▸ " if first and reach else "", " ▸ …" if last < len(phases) and reach else ""
            if len(before) + len(" ▸ ".join(words)) + len(after) <= room:
                break
        styles = [
            self.palette.accent + Style(bold=True) if each == present else self.palette.quiet
            for each in phases[first:last]
        ]
        line: list[Piece] = [(before, self.palette.faint)]
        for index, (word, style) in enumerate(zip(words, styles, strict=True)):
            line += [(" ▸ " if index else "", self.palette.faint), (word, style)]
        return [*line, (after, self.palette.faint)]

    def _trouble(self, picture: Picture) -> Choice:
        """What makes everything else on the screen doubtful, the worst first."""
        state, alert = picture.status.state, self.palette.alert
        if picture.broker_problem:
            since = numerals.age(picture.at_ns - picture.broker_lost_ns)
            return [[(f" BROKER LOST {since} ", alert), *self._data_age(picture)], [(f" NO BROKER {since} ", alert)]]
        if not state:
            return [[(" waiting for the station ", self.palette.yellow)], [(" waiting ", self.palette.yellow)]]
        if state in {"stopped", "lost"}:
            return [[(f" STATION {state.upper()} ", alert), *self._data_age(picture)], [(f" {state.upper()} ", alert)]]
        word = {"starting": "starting", "ended": "■ END OF DATA"}.get(state, "")
        replay = picture.status.replay
        if replay is not None and not word:
            word = "■ END OF DATA" if replay.ended else "‖ PAUSED" if replay.paused else ""
            word = f"reading the recording {replay.read:.0%}" if replay.state == "reading" else word
        return [[(f"{word} ", self.palette.accent)]] if word else [self._data_age(picture)]

    def _data_age(self, picture: Picture) -> Line:
        if picture.data_age_ns < 0 or not picture.data_is_old:
            return []
        return [(f" DATA {numerals.age(picture.data_age_ns)} OLD ", self.palette.alert)]

    def _alarms(self, picture: Picture) -> Choice:
        red = sum(each.active and each.level == "red" for each in picture.alarms)
        yellow = sum(each.active and each.level == "yellow" for each in picture.alarms)
        waiting = sum(not each.acknowledged for each in picture.alarms)
        if not picture.alarms:
            return [[("no alarms", self.palette.quiet)], []]
        plain = self.palette.plain
        counts: list[Piece] = []
        counts += [(f"◆ {red} red", self.palette.red), (" ", plain)] if red else []
        counts += [(f"▲ {yellow} yellow", self.palette.yellow), (" ", plain)] if yellow else []
        short: list[Piece] = []
        short += [(f"◆{red}", self.palette.red), (" ", plain)] if red else []
        short += [(f"▲{yellow}", self.palette.yellow)] if yellow else []
        to_take: list[Piece] = [(f"{waiting} to acknowledge", plain)] if waiting else []
        if not counts:
            return [
                to_take or [("no alarm active", self.palette.quiet)],
                [(f"{waiting} to ack", plain)] if waiting else [],
            ]
        return [[*counts, *to_take], counts, short]

    def _links(self, picture: Picture) -> Choice:
        links = picture.links.values()
        if not links:
            return [[]]
        good = sum(link.state in {"receiving", "ended"} for link in links)
        is_whole = good == len(links)
        sign, style = ("✓", self.palette.quiet) if is_whole else ("✕", self.palette.yellow)
        frames, gaps = sum(link.frames for link in links), sum(link.sequence_gaps for link in links)
        loss = 100 * gaps / (frames + gaps) if frames + gaps else 0.0
        lost = (f"  loss {loss:.2f} % ", self.palette.quiet if loss < 1 else self.palette.yellow)
        return [[(f"{sign} link {good}/{len(links)}", style), lost], [(f"{sign} {good}/{len(links)} ", style)]]


def _length(line: Line) -> int:
    return sum(cell_len(text) for text, _ in line)


def _least(parts: list[Choice]) -> int:
    """Cells that the parts take at their shortest."""
    return sum(_length(part[-1]) + 3 for part in parts if part[-1])


def _spread(left: Line, parts: list[Choice], width: int, plain: Style) -> Line:
    """A line with ``left`` at the left and the parts at the right, the longest part shortened first where it is
    narrow.
    """
    chosen = [0] * len(parts)
    while True:
        right = [part[index] for part, index in zip(parts, chosen, strict=True) if part[index]]
        length = sum(map(_length, right)) + 2 * max(0, len(right) - 1)
        shorter = [at for at, part in enumerate(parts) if chosen[at] < len(part) - 1]
        if _length(left) + length + 2 <= width or not shorter:
            break
        chosen[max(shorter, key=lambda at: _length(parts[at][chosen[at]]))] += 1
    gap: Piece = (" " * max(1, width - _length(left) - length), plain)
    joined: list[Piece] = []
    for index, part in enumerate(right):
        joined += [("  " if index else "", plain), *part]
    return [*left, gap, *joined]
