"""A line between parts of a screen."""

from groundstation.console.picture import Picture
from groundstation.console.widgets.lines import Line, Lines


class Rule(Lines):
    """One line across, with a title in it where there is one."""

    DEFAULT_CSS = "Rule { height: 1; }"
    text = ""

    def draw(self, picture: Picture, width: int, height: int) -> list[Line]:  # noqa: ARG002 - the same for every picture
        """The line."""
        if not self.text:
            return [[("─" * width, self.palette.faint)]]
        rest = "─" * max(0, width - len(self.text) - 4)
        return [[("── ", self.palette.faint), (self.text, self.palette.quiet), (f" {rest}", self.palette.faint)]]
