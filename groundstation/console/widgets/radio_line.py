"""One line of a radio link: what it is tuned to, whether it can be trusted, what became of the samples."""

from groundstation.console import numerals
from groundstation.console.payloads import LinkHealth
from groundstation.console.picture import Picture
from groundstation.console.radio import plain_text
from groundstation.console.radio_view import Band, RadioView
from groundstation.console.widgets import colour_map
from groundstation.console.widgets.frame_list import known
from groundstation.console.widgets.frequency_axis import megahertz
from groundstation.console.widgets.lines import Line, Lines
from groundstation.console.widgets.signs import LINK_SIGNS, ORIGIN_SIGNS

TOLD_APART = ("overruns", "lost_samples")
"""What of a source's own counts says that samples are missing: shown first, and loudly where it is not 0."""


class RadioLine(Lines):
    """One line, ruled off from what is above."""

    DEFAULT_CSS = "RadioLine { height: 1; }"
    view: RadioView | None = None

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - one line
        """The name, then trouble, then tuning, then counts."""
        view = self.view
        if view is None:
            return []
        radio, shades = view.radio.radio, self.palette
        line = [("── ", shades.faint), (plain_text(view.radio.name), shades.strong), (" ", shades.plain)]
        line += [*self._trouble(view, picture), *self._link(picture.links.get(view.radio.name), picture)]
        if radio is None:
            return [[*line, ("nothing received since", shades.quiet)]]
        signal = radio.signal
        tuned = [megahertz(signal.frequency)] if signal.frequency else []
        tuned += [numerals.amount(signal.rate, "S/s")] if signal.rate else []
        line.append((f" {ORIGIN_SIGNS[picture.origin].strip()}{'  '.join([*tuned, signal.samples])}  ", shades.plain))
        line += self._zoom(view)
        if view.radio.is_clipping:
            line.append((f"▲ clipping {known(radio.saturated)}  ", shades.yellow))
        line += self._source(picture.links.get(view.radio.name))
        counts = f"{_samples(radio.samples_in)} in  {known(radio.invalid)} invalid  {known(radio.saturated)} clipped "
        line.append((counts, shades.quiet))
        room = width - sum(len(text) for text, _ in line)
        legend = self._legend(view)
        if room <= sum(len(text) for text, _ in legend):
            return [[*line, ("─" * max(0, room), shades.faint)]]
        room -= sum(len(text) for text, _ in legend)
        return [[*line, ("─" * room, shades.faint), *legend]]

    def _legend(self, view: RadioView) -> Line:
        """What power the colours of the waterfall stand for."""
        dark, bright = view.colours
        if view.radio.spectrum is None or dark != dark:  # noqa: PLR0124 - NaN: not known yet
            return []
        if view.shades:
            steps = [(colour_map.SHADES, self.palette.plain)]
        else:
            steps = colour_map.half_blocks(self.app.theme)[:: colour_map.LEVELS + 1]
        quiet = self.palette.quiet
        return [(f" {dark:.0f} ", quiet), *steps, (f" {bright:.0f} dBFS ", quiet)]

    def _trouble(self, view: RadioView, picture: Picture) -> Line:
        """That what is shown is not what is received now."""
        replay = picture.status.replay
        if view.is_stale:
            return [
                (f" … {numerals.age(picture.radio_age_ns(view.radio))} OLD ", self.palette.alert),
                (" ", self.palette.plain),
            ]
        if picture.status.state == "ended" or (replay is not None and replay.ended):
            return [("■ END OF DATA ", self.palette.accent)]
        if replay is not None and replay.paused:
            return [("‖ PAUSED ", self.palette.accent)]
        return []

    def _link(self, link: LinkHealth | None, picture: Picture) -> Line:
        if link is None:
            return []
        since = link.last_ns if link.state == "silent" else link.since_ns
        ages = link.state in {"silent", "lost"} and since
        age = f" {numerals.age(max(0, picture.now_ns - since))}" if ages else ""
        problem = f" {plain_text(link.problem)}" if link.problem else ""
        state = f"{LINK_SIGNS.get(link.state, '?')} {plain_text(link.state)}{age}"
        return [(state, self.palette.link(link.state)), (f"{problem} ", self.palette.quiet)]

    def _zoom(self, view: RadioView) -> Line:
        spectrum = view.radio.spectrum
        if spectrum is None or view.band == Band(spectrum.low_hz, spectrum.high_hz):
            return []
        return [(f"zoom {numerals.amount(view.band.high - view.band.low, 'Hz')}  ", self.palette.accent)]

    def _source(self, link: LinkHealth | None) -> Line:
        """What the source says: missing samples first."""
        detail = link.detail if link else {}
        line = []
        for name in TOLD_APART:
            count = detail.get(name)
            if isinstance(count, int) and not isinstance(count, bool):
                sign, style = ("▲ ", self.palette.yellow) if count > 0 else ("", self.palette.quiet)
                line.append((f"{sign}{numerals.count(count)} {name.replace('_', ' ')}  ", style))
        tuner = detail.get("tuner")
        if isinstance(tuner, str):
            line.append((f"{plain_text(tuner)}  ", self.palette.quiet))
        return line


def _samples(count: int | None) -> str:
    return numerals.ABSENT if count is None else numerals.amount(count, "S")
