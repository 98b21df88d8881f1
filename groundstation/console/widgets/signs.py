"""Signs and colours. A sign stands for a state wherever it is shown; colour only repeats it."""

from dataclasses import dataclass
from functools import lru_cache

from rich.color import Color
from rich.style import Style
from textual.theme import Theme

from groundstation.console.reading import Origin, Quality

QUALITY_SIGNS = {
    Quality.NOMINAL: " ",
    Quality.FROZEN: "=",
    Quality.YELLOW: "▲",
    Quality.RED: "◆",
    Quality.STALE: "…",
    Quality.INVALID: "✕",
    Quality.ABSENT: " ",
}
ORIGIN_SIGNS = {Origin.LIVE: " ", Origin.SIMULATION: "~", Origin.REPLAY: "⟲"}
ORIGIN_WORDS = {Origin.LIVE: "LIVE", Origin.SIMULATION: "SIMULATION", Origin.REPLAY: "REPLAY"}
LINK_SIGNS = {"opening": "○", "receiving": "✓", "silent": "…", "lost": "✕", "ended": "■"}
FIRST_OUT = "①"
KIND_SIGNS = {"flight": "▸", "limit": "◆", "link": "⇄", "recording": "●", "operator": "✎", "station": "·"}


@dataclass(frozen=True, slots=True)
class Palette:
    """The styles of a screen, foreground and background in each, so that widgets need not mix them."""

    plain: Style
    quiet: Style
    """Names, units, axes: what need not be read twice."""
    faint: Style
    """Lines between things."""
    strong: Style
    yellow: Style
    red: Style
    """With reverse video."""
    red_text: Style
    """Red without reverse video: a limit line in a plot."""
    accent: Style
    banner: Style
    selected: Style
    """The row under the cursor; to be added to another style."""
    alert: Style
    """Stale data and lost brokers, in the header."""

    def quality(self, quality: Quality) -> Style:
        """The style of a value of a quality."""
        return {
            Quality.YELLOW: self.yellow,
            Quality.RED: self.red,
            Quality.NOMINAL: self.plain,
            Quality.FROZEN: self.plain,
        }.get(quality, self.quiet)

    def link(self, state: str) -> Style:
        """The style of a link's state."""
        return {"receiving": self.plain, "ended": self.plain, "silent": self.yellow, "lost": self.red}.get(
            state, self.quiet
        )

    def level(self, level: str) -> Style:
        """The style of an alarm's level."""
        return self.red if level == "red" else self.yellow


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a theme; three accents, one for each origin of what is shown."""

    background: str
    plain: str
    quiet: str
    faint: str
    yellow: str
    red: str
    selected: str
    accents: tuple[str, str, str]
    """Live, simulation, replay."""
    dark: bool = True


THEMES = {
    "night": Colours(
        "#10141a", "#d5dae0", "#8791a0", "#39424f", "#e8c547", "#ff5d55", "#222b37", ("#4cc2b0", "#5fa8f5", "#c08cf2")
    ),
    "sun": Colours(
        "#ffffff",
        "#000000",
        "#4d4d4d",
        "#b8b8b8",
        "#7a5200",
        "#b00000",
        "#dfe6ee",
        ("#00665c", "#0048a8", "#7a1fa2"),
        dark=False,
    ),
    "colour-blind": Colours(
        "#101010", "#e6e6e6", "#969696", "#404040", "#f0e442", "#ff7f2a", "#2b2b2b", ("#56b4e9", "#009e73", "#cc79a7")
    ),
}
"""``colour-blind`` takes yellow, vermilion and blue of Okabe and Ito's set, which differ in lightness as well."""


@lru_cache(maxsize=32)
def palette(theme: str, origin: Origin) -> Palette:
    """The styles of a theme with the accent of an origin; those of ``night`` for a theme of Textual's own."""
    colours = THEMES.get(theme, THEMES["night"])
    accent = colours.accents[origin]

    def style(colour: str, *, bold: bool = False, reverse: bool = False) -> Style:
        return Style.from_color(Color.parse(colour), Color.parse(colours.background)) + Style(
            bold=bold, reverse=reverse
        )

    return Palette(
        plain=style(colours.plain),
        quiet=style(colours.quiet),
        faint=style(colours.faint),
        strong=style(colours.plain, bold=True),
        yellow=style(colours.yellow, bold=True),
        red=style(colours.red, bold=True, reverse=True),
        red_text=style(colours.red, bold=True),
        accent=style(accent),
        banner=style(accent, bold=True, reverse=True),
        selected=Style(bgcolor=colours.selected),
        alert=style(colours.red, bold=True, reverse=True),
    )


def textual_theme(name: str) -> Theme:
    """A theme as Textual wants it, for dialogs and the command palette."""
    colours = THEMES[name]
    return Theme(
        name=name,
        primary=colours.accents[0],
        accent=colours.accents[0],
        warning=colours.yellow,
        error=colours.red,
        foreground=colours.plain,
        background=colours.background,
        surface=colours.background,
        panel=colours.selected,
        dark=colours.dark,
    )
